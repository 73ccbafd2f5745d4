from pathlib import Path

import django.contrib.gis.db.models.fields
import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("grids", "0003_draft_knows_its_base"),
        ("orgs", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ShareLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("made_at", models.DateTimeField(auto_now_add=True, verbose_name="创建时间")),
                ("expires_at", models.DateTimeField(verbose_name="到期")),
                ("revoked_at", models.DateTimeField(blank=True, null=True, verbose_name="撤回时间")),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="创建人",
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="share_links",
                        to="grids.plan",
                        verbose_name="方案",
                    ),
                ),
            ],
            options={
                "verbose_name": "分享链接",
                "verbose_name_plural": "分享链接",
                "db_table": "share_link",
            },
        ),
        migrations.CreateModel(
            name="Comment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField(max_length=2000, verbose_name="内容")),
                (
                    "place",
                    django.contrib.gis.db.models.fields.PointField(
                        blank=True, null=True, srid=4490, verbose_name="位置"
                    ),
                ),
                ("made_at", models.DateTimeField(auto_now_add=True, verbose_name="时间")),
                ("resolved_at", models.DateTimeField(blank=True, null=True, verbose_name="处理时间")),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="作者",
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="comments",
                        to="grids.plan",
                        verbose_name="方案",
                    ),
                ),
                (
                    "resolved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="处理人",
                    ),
                ),
            ],
            options={
                "verbose_name": "意见",
                "verbose_name_plural": "意见",
                "db_table": "plan_comment",
                "ordering": ("pk",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("resolved_at__isnull", True), ("resolved_by__isnull", True)),
                            models.Q(("resolved_at__isnull", False), ("resolved_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="comment_is_resolved_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("text", ""), _negated=True), name="comment_says_something"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Decision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("revision", models.PositiveIntegerField(help_text="作出决定时方案的版本", verbose_name="版本")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("copied", "复制"),
                            ("submitted", "提交审定"),
                            ("approved", "同意"),
                            ("returned", "退回"),
                            ("rebased", "合入现行方案"),
                            ("published", "发布"),
                        ],
                        max_length=16,
                        verbose_name="决定",
                    ),
                ),
                ("note", models.TextField(blank=True, verbose_name="说明")),
                ("made_at", models.DateTimeField(auto_now_add=True, verbose_name="时间")),
                ("details", models.JSONField(default=dict, verbose_name="详情")),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="作者",
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="decisions",
                        to="grids.plan",
                        verbose_name="方案",
                    ),
                ),
            ],
            options={
                "verbose_name": "审定记录",
                "verbose_name_plural": "审定记录",
                "db_table": "decision",
                "ordering": ("pk",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind__in", ["copied", "submitted", "approved", "returned", "rebased", "published"])
                        ),
                        name="decision_kind_is_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("submitted", "提交审定"),
                            ("approved", "同意"),
                            ("returned", "退回"),
                            ("published", "发布"),
                            ("moved", "网格调整"),
                            ("vacated", "网格已撤销"),
                        ],
                        max_length=16,
                        verbose_name="类别",
                    ),
                ),
                ("facts", models.JSONField(default=dict, verbose_name="详情")),
                ("made_at", models.DateTimeField(auto_now_add=True, verbose_name="时间")),
                ("read_at", models.DateTimeField(blank=True, null=True, verbose_name="阅读时间")),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="grids.plan",
                        verbose_name="方案",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="收件人",
                    ),
                ),
            ],
            options={
                "verbose_name": "通知",
                "verbose_name_plural": "通知",
                "db_table": "notice",
                "ordering": ("-pk",),
                "indexes": [models.Index(fields=["user", "-id"], name="notice_of_a_user")],
            },
        ),
        migrations.CreateModel(
            name="ReviewSettings",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "assignment_days",
                    models.PositiveIntegerField(
                        default=365,
                        help_text="网格长任职不满此期限而网格有变动时提醒",
                        validators=[django.core.validators.MaxValueValidator(3660)],
                        verbose_name="任职满多少天方可调整",
                    ),
                ),
                (
                    "share_days",
                    models.PositiveIntegerField(
                        default=30,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(366),
                        ],
                        verbose_name="分享链接有效天数",
                    ),
                ),
                (
                    "clear_overlap",
                    models.FloatField(
                        default=0.6666666666666666,
                        help_text="网格撤销后, 新网格与它重叠的面积占它的比例低于此值时, 责任人的去向须人工确认",
                        validators=[
                            django.core.validators.MinValueValidator(0.5),
                            django.core.validators.MaxValueValidator(1),
                        ],
                        verbose_name="归属明确的最小重叠",
                    ),
                ),
                (
                    "institution",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="review_settings",
                        to="orgs.institution",
                        verbose_name="机构",
                    ),
                ),
            ],
            options={
                "verbose_name": "审定设置",
                "verbose_name_plural": "审定设置",
                "db_table": "review_settings",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("clear_overlap__gte", 0.5), ("clear_overlap__lte", 1)),
                        name="review_settings_overlap_is_a_majority",
                    )
                ],
            },
        ),
        migrations.RunSQL(
            (SQL / "decision_log.sql").read_text("utf-8"), (SQL / "decision_log.drop.sql").read_text("utf-8")
        ),
    ]
