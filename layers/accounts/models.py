"""What is remembered of passwords, and the codes for who lost the second factor."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from layers.orgs.models import User

CODES = 10
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class FormerPassword(models.Model):
    """曾用密码: the hash of a password that a user set, the present one included."""

    user = models.ForeignKey(User, models.CASCADE, related_name="former_passwords", verbose_name=_("用户"))
    password = models.CharField(_("密码"), max_length=128, editable=False)
    set_at = models.DateTimeField(_("设置时间"), auto_now_add=True)

    class Meta:
        db_table = "former_password"
        verbose_name = _("曾用密码")
        verbose_name_plural = _("曾用密码")
        ordering = ("-pk",)


class RecoveryCode(models.Model):
    """备用验证码: stands in for the second factor once. Only a digest is stored."""

    user = models.ForeignKey(User, models.CASCADE, related_name="recovery_codes", verbose_name=_("用户"))
    digest = models.CharField(max_length=64, editable=False)

    class Meta:
        db_table = "recovery_code"
        verbose_name = _("备用验证码")
        verbose_name_plural = _("备用验证码")

    @staticmethod
    def digest_of(code: str) -> str:
        """The codes are random (49 bits) and attempts are throttled, so a plain SHA-256 is enough."""
        return hashlib.sha256(code.strip().lower().replace("-", "").encode()).hexdigest()

    @classmethod
    def issue(cls, user: User) -> list[str]:
        """Ten new codes, shown once; the former ones end."""
        codes = ["".join(secrets.choice(ALPHABET) for _ in range(10)) for _ in range(CODES)]
        with transaction.atomic():
            user.recovery_codes.all().delete()
            cls.objects.bulk_create(cls(user=user, digest=cls.digest_of(code)) for code in codes)
        return [f"{code[:5]}-{code[5:]}" for code in codes]

    @classmethod
    def use(cls, user: User, code: str) -> bool:
        """Whether it was one of the user's; it ends with that."""
        return bool(user.recovery_codes.filter(digest=cls.digest_of(code)).delete()[0])


def password_set_at(user: User) -> datetime:
    """When the user's password was last set."""
    newest = user.former_passwords.values_list("set_at", flat=True).first()
    return newest or user.date_joined


def password_expires_at(user: User) -> datetime | None:
    """When it has to be changed; None where the profile has no expiry."""
    days = settings.SECURITY["expiry_days"]
    return password_set_at(user) + timedelta(days=days) if days else None


def password_expired(user: User) -> bool:
    """Whether it has to be changed now."""
    expires = password_expires_at(user)
    return expires is not None and expires <= timezone.now()
