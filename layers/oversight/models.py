"""What a regulator takes for too much and too little; the source plans give no numbers (ZG04)."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from layers.orgs.models import Institution


class OversightSettings(models.Model):
    """监管设置: from which depth service is over-concentrated, and which share of blank land is noted."""

    institution = models.OneToOneField(
        Institution, models.CASCADE, related_name="oversight_settings", verbose_name=_("监管机构")
    )
    depth_limit = models.PositiveSmallIntegerField(
        _("机构数上限"),
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(50)],
        help_text=_("同一处由更多机构服务时为过度集中"),
    )
    blank_limit = models.FloatField(
        _("空白占比上限"),
        default=0.05,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text=_("一个乡镇没有机构服务的面积占比超过此数时提示"),
    )
    outlets_limit = models.FloatField(
        _("每万户网点数上限"),
        default=5,
        validators=[MinValueValidator(0)],
        help_text=_("一个乡镇每万户的网点数超过此数时为过度集中"),
    )

    class Meta:
        db_table = "oversight_settings"
        verbose_name = _("监管设置")
        verbose_name_plural = _("监管设置")
        constraints = (
            models.CheckConstraint(
                condition=Q(depth_limit__gte=1, blank_limit__gte=0, blank_limit__lte=1, outlets_limit__gte=0),
                name="oversight_limits_are_in_range",
            ),
        )

    def __str__(self) -> str:
        return str(self.institution)

    @classmethod
    def of(cls, institution: Institution) -> OversightSettings:
        """The settings of a regulator; the defaults where it has made none."""
        return cls.objects.filter(institution=institution).first() or cls(institution=institution)
