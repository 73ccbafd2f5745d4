"""The register of agreements and regulations: what an institution has signed with a station's host, and by what rules it works (QJ03)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from layers.facilities.models import Outlet
from layers.orgs.models import Institution, User

KEEPERS = {User.Role.ADMINISTRATOR, User.Role.PLANNER, User.Role.MANAGER}
"""The roles that keep the register."""


class DocumentQuerySet(models.QuerySet["Document"]):
    """Documents by who may see and change them."""

    def visible_to(self, user: User) -> DocumentQuerySet:
        """Those of the user's subtree, and of the institutions above, whose regulations bind it; a regulator's none."""
        if user.institution is None or user.is_regulator:
            return self.none()
        above = Institution.objects.above(user.institution)
        return self.filter(
            Q(institution__in=Institution.objects.within(user.institution))
            | Q(institution__in=above, kind=Document.Kind.REGULATION)
        )

    def changeable_by(self, user: User) -> DocumentQuerySet:
        """Those that the user keeps: administrators, planners and managers, within their subtree."""
        if user.institution is None or user.role not in KEEPERS:
            return self.none()
        return self.filter(institution__in=Institution.objects.within(user.institution))


class Document(models.Model):
    """协议与制度: a co-operation agreement of a station, with its four parts, a regulation, or the minutes of a meeting (会, YL08)."""

    class Kind(models.TextChoices):
        AGREEMENT = "agreement", _("合作协议")
        REGULATION = "regulation", _("制度办法")
        MEETING = "meeting", _("会议纪要")

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="documents", verbose_name=_("机构"))
    kind = models.CharField(_("类别"), max_length=12, choices=Kind.choices)
    number = models.CharField(_("文号"), max_length=60)
    title = models.CharField(_("标题"), max_length=120)
    station = models.ForeignKey(
        Outlet, models.PROTECT, null=True, blank=True, related_name="documents", verbose_name=_("工作站")
    )
    partner = models.CharField(_("合作方"), max_length=120, blank=True)
    purpose = models.TextField(_("目的"), max_length=2000, blank=True)
    content = models.TextField(_("内容"), max_length=4000, blank=True)
    duties = models.TextField(_("责任义务"), max_length=4000, blank=True)
    incentives = models.TextField(_("激励约束"), max_length=4000, blank=True)
    signed_on = models.DateField(_("签订或印发日期"))
    valid_until = models.DateField(_("有效期至"), null=True, blank=True)
    synthetic = models.BooleanField(_("演示数据"), default=False)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        db_table = "document"
        verbose_name = _("协议与制度")
        verbose_name_plural = _("协议与制度")
        constraints = (
            models.UniqueConstraint(fields=("institution", "kind", "number"), name="document_number_is_unique"),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("signed_on")),
                name="document_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=~Q(kind="agreement")
                | ~(Q(partner="") | Q(purpose="") | Q(content="") | Q(duties="") | Q(incentives="")),
                name="document_agreement_has_its_parts",
            ),
            models.CheckConstraint(
                condition=~Q(kind="meeting") | ~(Q(partner="") | Q(content="")),
                name="document_meeting_says_with_whom_and_what",
            ),
        )

    def __str__(self) -> str:
        return self.title
