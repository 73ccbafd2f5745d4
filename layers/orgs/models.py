"""Institutions, users and tokens: who may see and change what."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from functools import cache
from typing import TypeVar

from django.contrib.auth.models import AbstractUser
from django.db import connection, models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from treebeard.mp_tree import MP_Node, MP_NodeManager, MP_NodeQuerySet

from layers.orgs.prepared import fetch_one

AnyModel = TypeVar("AnyModel", bound=models.Model)


def paths_to(path: str) -> list[str]:
    """The paths in the tree of all above the institution at a path, head office first, and its own."""
    return [path[:n] for n in range(Institution.steplen, len(path) + 1, Institution.steplen)]


class InstitutionQuerySet(MP_NodeQuerySet):
    """Institutions by place in the tree."""

    def within(self, institution: Institution) -> InstitutionQuerySet:
        """The institution and everything below it: its subtree."""
        return self.filter(path__startswith=institution.path)

    def visible_to(self, user: User) -> InstitutionQuerySet:
        """The user's subtree; all for a regulator."""
        if user.is_regulator:
            return self.all()
        return self.none() if user.institution is None else self.within(user.institution)

    def showing_points_to(self, user: User) -> InstitutionQuerySet:
        """Those whose outlets and machines the user may see: the whole bank's; a regulator sees all. They are public places."""
        if user.is_regulator:
            return self.all()
        return (
            self.none() if user.institution is None else self.filter(path__startswith=user.institution.head_office_path)
        )

    def above(self, institution: Institution) -> InstitutionQuerySet:
        """The institutions above it, head office first."""
        return self.filter(path__in=paths_to(institution.path)[:-1]).order_by("path")


class InstitutionManager(MP_NodeManager.from_queryset(InstitutionQuerySet)):  # type: ignore[misc]
    """treebeard's own manager always makes its own QuerySet; this one makes ours, in tree order."""

    def get_queryset(self) -> InstitutionQuerySet:
        return InstitutionQuerySet(self.model, using=self._db).order_by("path")


class Institution(MP_Node):
    """机构: a node of head office › 一级支行 › 二级支行/分理处, or a regulator, which sees across institutions."""

    class Kind(models.TextChoices):
        HEAD_OFFICE = "head_office", _("总行")
        BRANCH = "branch", _("一级支行")
        SUB_BRANCH = "sub_branch", _("二级支行")
        OFFICE = "office", _("分理处")
        REGULATOR = "regulator", _("监管机构")

    code = models.CharField(_("机构编码"), max_length=32, unique=True)
    name = models.CharField(_("名称"), max_length=120)
    kind = models.CharField(_("类别"), max_length=16, choices=Kind.choices)
    synthetic = models.BooleanField(_("演示数据"), default=False)

    objects = InstitutionManager()

    class Meta:
        db_table = "institution"
        verbose_name = _("机构")
        verbose_name_plural = _("机构")

    def __str__(self) -> str:
        return self.name

    @property
    def head_office_path(self) -> str:
        """The path of the root of this institution's tree: what all parts of one bank share."""
        return self.path[: self.steplen]


class User(AbstractUser):
    """用户: somebody who signs in; sees the subtree of one institution, as one role."""

    class Role(models.TextChoices):
        ADMINISTRATOR = "administrator", _("总行管理员")
        PLANNER = "planner", _("网格规划员")
        MANAGER = "manager", _("管理人员")
        WORKER = "worker", _("网格员")
        AUDITOR = "auditor", _("审计员")
        REGULATOR = "regulator", _("监管人员")

    institution = models.ForeignKey(
        Institution, models.PROTECT, related_name="users", verbose_name=_("机构"), null=True
    )
    role = models.CharField(_("角色"), max_length=16, choices=Role.choices, default=Role.WORKER)
    synthetic = models.BooleanField(_("演示数据"), default=False)

    class Meta:
        db_table = "account"
        verbose_name = _("用户")
        verbose_name_plural = _("用户")
        constraints = (
            models.CheckConstraint(
                condition=Q(is_superuser=True) | Q(institution__isnull=False), name="account_belongs_to_an_institution"
            ),
        )

    @property
    def is_regulator(self) -> bool:
        """Whether the user looks across institutions, without people."""
        return self.role == self.Role.REGULATOR

    @property
    def reads_audit(self) -> bool:
        """Whether the user reads the audit log of the subtree; the one that nobody's institution explains, for a superuser without one."""
        return (
            self.is_active
            and self.role in {self.Role.ADMINISTRATOR, self.Role.AUDITOR}
            and (self.institution is not None or self.is_superuser)
        )

    def can_plan_for(self, institution: Institution) -> bool:
        """Whether the user may create and change plans of an institution: planners and administrators, own subtree."""
        return self.role in {self.Role.PLANNER, self.Role.ADMINISTRATOR} and self.sees_inside(institution)

    def decides_over(self, institution: Institution) -> bool:
        """Whether the user decides on what an institution asks for: of one above it; for a head office, one of its heads."""
        if self.institution is None or self.is_regulator:
            return False
        if institution.is_root():
            return self.institution.path == institution.path and self.role in HEADS
        own = self.institution.path
        return institution.path != own and institution.path.startswith(own) and self.role in DECIDERS

    def sees_inside(self, institution: Institution) -> bool:
        """Whether the institution lies in the user's own subtree."""
        return (
            self.institution is not None
            and not self.is_regulator
            and (institution.path.startswith(self.institution.path))
        )

    @property
    def own_path(self) -> str:
        """The tree path below which the user sees personal details; one that no institution has for a regulator."""
        return "-" if self.is_regulator or self.institution is None else self.institution.path


HEADS = {User.Role.ADMINISTRATOR, User.Role.MANAGER}
"""Roles that answer for an institution and its people."""
DECIDERS = {*HEADS, User.Role.PLANNER}
"""Roles that decide on what an institution below asks for."""


class ApiToken(models.Model):
    """API 令牌: lets a program act as a user. Only a digest is stored: the token itself is shown once."""

    user = models.ForeignKey(User, models.CASCADE, related_name="tokens", verbose_name=_("用户"))
    name = models.CharField(_("用途"), max_length=80)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("创建时间"), auto_now_add=True)
    expires_at = models.DateTimeField(_("到期"), null=True, blank=True)

    class Meta:
        db_table = "api_token"
        verbose_name = _("API 令牌")
        verbose_name_plural = _("API 令牌")

    @staticmethod
    def digest_of(token: str) -> str:
        """What is stored of a token: it is random, so a plain SHA-256 is enough."""
        return hashlib.sha256(token.encode()).hexdigest()

    @classmethod
    def issue(cls, user: User, name: str, days: int = 0) -> str:
        """Create a token for a user and return it, for so many days (0: until it is revoked); a former one of the same name ends."""
        token = secrets.token_urlsafe(32)
        expires_at = timezone.now() + dt.timedelta(days=days) if days else None
        values = {"digest": cls.digest_of(token), "expires_at": expires_at}
        cls.objects.update_or_create(user=user, name=name, defaults=values)
        return token

    @property
    def has_expired(self) -> bool:
        """Whether programs that use it are refused by now."""
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @classmethod
    def user_of(cls, token: str) -> User | None:
        """The active user whom a token stands for, with the institution, or None."""
        row = fetch_one(_user_of_token_sql(), [cls.digest_of(token)])
        if row is None:
            return None
        width = len(User._meta.concrete_fields)
        user, institution = _instance(User, row[:width]), _instance(Institution, row[width:])
        user.institution = institution if institution.pk else None
        return user


@cache
def _user_of_token_sql() -> str:
    """Written once: at every API call, the ORM would take longer to write this statement than PostgreSQL to answer it."""
    columns = [f"account.{field.column}" for field in User._meta.concrete_fields]
    columns += [f"institution.{field.column}" for field in Institution._meta.concrete_fields]
    return (
        f"SELECT {', '.join(columns)} FROM api_token JOIN account ON account.id = api_token.user_id"
        " LEFT JOIN institution ON institution.id = account.institution_id"
        " WHERE api_token.digest = $1 AND account.is_active AND coalesce(api_token.expires_at > now(), true)"
    )


def _instance(model: type[AnyModel], values: tuple[object, ...]) -> AnyModel:
    return model.from_db(connection.alias, [field.attname for field in model._meta.concrete_fields], values)
