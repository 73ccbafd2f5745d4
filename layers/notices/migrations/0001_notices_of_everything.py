"""Notices were of plans only and belonged to the app of their review: the table stays, and takes whatever there is to tell."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FACTS = """
    UPDATE notice SET link = '/plans/' || plan_id || '/review/', facts = facts || jsonb_build_object('plan', plan.name)
    FROM plan WHERE plan.id = notice.plan_id
"""
KINDS = "UPDATE notice SET kind = 'plan_' || kind"


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("review", "0002_notices_move_out"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE notice ADD link varchar(120) NOT NULL DEFAULT '', ALTER kind TYPE varchar(24)",
                    "ALTER TABLE notice DROP link",
                ),
                migrations.RunSQL(FACTS, migrations.RunSQL.noop),
                migrations.RunSQL(KINDS, migrations.RunSQL.noop),
                migrations.RunSQL(
                    "ALTER TABLE notice DROP plan_id, ALTER link DROP DEFAULT",
                    "ALTER TABLE notice ADD plan_id bigint REFERENCES plan ON DELETE CASCADE",
                ),
            ],
            state_operations=[
                migrations.CreateModel(
                    name="Notice",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("kind", models.CharField(max_length=24, verbose_name="类别")),
                        ("facts", models.JSONField(default=dict, verbose_name="详情")),
                        ("link", models.CharField(blank=True, max_length=120, verbose_name="链接")),
                        ("made_at", models.DateTimeField(auto_now_add=True, verbose_name="时间")),
                        ("read_at", models.DateTimeField(blank=True, null=True, verbose_name="阅读时间")),
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
            ],
        ),
    ]
