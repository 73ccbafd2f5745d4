"""What somebody is told: by whoever has something to tell, read in one place."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from layers.notices.sentences import SENTENCES
from layers.orgs.models import User


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Notices by whose they are."""

    def of(self, user: User) -> NoticeQuerySet:
        """The user's own, newest first."""
        return self.filter(user=user).order_by("-pk")

    def unread(self) -> NoticeQuerySet:
        return self.filter(read_at=None)


class Notice(models.Model):
    """通知: what somebody is told of. The text follows from kind and facts, in the reader's language.

    A fact is a text, or one in each language: {"zh": …, "en": …}. `link` is the path of the page that it is about.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="notices", verbose_name=_("收件人"))
    kind = models.CharField(_("类别"), max_length=24)
    facts = models.JSONField(_("详情"), default=dict)
    link = models.CharField(_("链接"), max_length=120, blank=True)
    made_at = models.DateTimeField(_("时间"), auto_now_add=True)
    read_at = models.DateTimeField(_("阅读时间"), null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        db_table = "notice"
        ordering = ("-pk",)
        verbose_name = _("通知")
        verbose_name_plural = _("通知")
        indexes = (models.Index(fields=("user", "-id"), name="notice_of_a_user"),)

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """The sentence, with the note of whoever did it."""
        language = "en" if get_language() == "en" else "zh"
        facts: dict[str, Any] = defaultdict(str)
        for name, fact in self.facts.items():
            facts[name] = fact.get(language) if isinstance(fact, dict) else fact
        sentence = SENTENCES[self.kind] % facts if self.kind in SENTENCES else ""
        return f"{sentence} {facts['note']}".strip()
