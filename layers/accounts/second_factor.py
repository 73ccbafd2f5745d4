"""The second factor: a time-based code (TOTP) of an app on the telephone, or one of ten recovery codes."""

from __future__ import annotations

import base64
import math

import segno
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from layers.accounts.models import RecoveryCode
from layers.orgs.models import User


def has_second_factor(user: User) -> bool:
    """Whether the user signs in with a second factor."""
    return TOTPDevice.objects.devices_for_user(user, confirmed=True).exists()


def must_have_second_factor(user: User) -> bool:
    """Whether the user's role must have one."""
    return user.role in settings.SECOND_FACTOR_ROLES


def enrolling(user: User) -> TOTPDevice:
    """The device that the user is about to confirm: the same one until then."""
    device = TOTPDevice.objects.devices_for_user(user, confirmed=False).first()
    return device or TOTPDevice.objects.create(user=user, name="TOTP", confirmed=False)


def confirm(user: User, code: str) -> list[str] | None:
    """Turn the second factor on; the recovery codes, or None where the code is not right."""
    with transaction.atomic():
        device = enrolling(user)
        if not device.verify_token(_digits(code)):
            return None
        TOTPDevice.objects.devices_for_user(user).exclude(pk=device.pk).delete()
        device.confirmed = True
        device.save(update_fields=["confirmed"])
        return RecoveryCode.issue(user)


def verify(user: User, code: str) -> bool:
    """Whether the code is right, as a code of now or as a recovery code; each works once, and wrong ones make one wait longer and longer."""
    with transaction.atomic():
        device = TOTPDevice.objects.devices_for_user(user, confirmed=True).select_for_update().first()
        if device is None or not device.verify_is_allowed()[0]:
            return False
        if len(_digits(code)) == device.digits and _digits(code).isdecimal():
            return bool(device.verify_token(_digits(code)))
        if RecoveryCode.use(user, code):
            device.throttle_reset()
            return True
        device.throttle_increment()
        return False


def seconds_to_wait(user: User) -> int:
    """Seconds until another code of the user's is looked at: 1, 2, 4 … after wrong ones."""
    device = TOTPDevice.objects.devices_for_user(user).order_by("-confirmed").first()
    allowed, why = (True, None) if device is None else device.verify_is_allowed()
    return 0 if allowed else math.ceil((why["locked_until"] - timezone.now()).total_seconds())


def turn_off(user: User) -> None:
    """Sign in with the password alone from now on."""
    with transaction.atomic():
        TOTPDevice.objects.devices_for_user(user).delete()
        user.recovery_codes.all().delete()


def qr_code(device: TOTPDevice) -> str:
    """The device's address as a QR code: a data: URI of an SVG."""
    return str(segno.make(device.config_url, error="m").svg_data_uri(scale=5, border=2))


def key_of(device: TOTPDevice) -> str:
    """The key to type where no camera is at hand, in groups of four."""
    text = base64.b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


def _digits(code: str) -> str:
    return code.replace(" ", "").strip()
