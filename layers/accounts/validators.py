"""Rules for new passwords; their numbers are those of the profile (settings.SECURITY)."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from layers.accounts.models import FormerPassword
from layers.orgs.models import User


class LongEnough:
    """At least so many characters."""

    def validate(self, password: str, user: User | None = None) -> None:
        if len(password) < settings.SECURITY["min_length"]:
            raise ValidationError(self.get_help_text(), code="password_too_short")

    def get_help_text(self) -> str:
        least = settings.SECURITY["min_length"]
        return ngettext("密码至少 %(least)d 个字符。", "密码至少 %(least)d 个字符。", least) % {"least": least}


class ClassesMixed:
    """Characters of at least so many classes."""

    def validate(self, password: str, user: User | None = None) -> None:
        found = {
            "small" if letter.islower() else "capital" if letter.isupper() else "digit" if letter.isdigit() else "other"
            for letter in password
        }
        if len(found) < settings.SECURITY["classes"]:
            raise ValidationError(self.get_help_text(), code="password_too_plain")

    def get_help_text(self) -> str:
        least = settings.SECURITY["classes"]
        if not least:
            return ""
        return _("密码至少含小写字母、大写字母、数字、其他符号中的 %(least)d 类。") % {"least": least}


class NotUsedBefore:
    """None of the last passwords; also what remembers them."""

    def validate(self, password: str, user: User | None = None) -> None:
        if user is None or user.pk is None or not settings.SECURITY["history"]:
            return
        former = user.former_passwords.values_list("password", flat=True)[: settings.SECURITY["history"]]
        if any(check_password(password, encoded) for encoded in (*former, user.password)):
            raise ValidationError(self.get_help_text(), code="password_used_before")

    def password_changed(self, password: str, user: User | None = None) -> None:
        """Called by Django whenever a new password has been saved."""
        if user is None:
            return
        FormerPassword.objects.create(user=user, password=user.password)
        kept = user.former_passwords.values_list("pk", flat=True)[: max(settings.SECURITY["history"], 1)]
        user.former_passwords.exclude(pk__in=list(kept)).delete()

    def get_help_text(self) -> str:
        last = settings.SECURITY["history"]
        return _("不能使用最近 %(last)d 次用过的密码。") % {"last": last} if last else ""
