from pathlib import Path

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    initial = True

    dependencies = [("orgs", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="时间")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("write", "写入"),
                            ("read", "读取个人信息"),
                            ("unmask", "查看完整信息"),
                            ("login", "登录"),
                            ("login_failed", "登录失败"),
                            ("locked", "锁定"),
                            ("logout", "退出"),
                            ("purge", "清理审计记录"),
                        ],
                        max_length=16,
                        verbose_name="类别",
                    ),
                ),
                (
                    "operation",
                    models.CharField(
                        blank=True,
                        choices=[("insert", "新增"), ("update", "修改"), ("delete", "删除"), ("truncate", "清空")],
                        max_length=8,
                        verbose_name="操作",
                    ),
                ),
                ("table_name", models.TextField(blank=True, verbose_name="数据表")),
                (
                    "keys",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), size=None, verbose_name="对象"
                    ),
                ),
                ("rows", models.IntegerField(verbose_name="行数")),
                (
                    "fields",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), size=None, verbose_name="字段"
                    ),
                ),
                ("old", models.JSONField(null=True, verbose_name="原值")),
                ("new", models.JSONField(null=True, verbose_name="新值")),
                ("reason", models.TextField(blank=True, verbose_name="事由")),
                ("user_id", models.BigIntegerField(null=True, verbose_name="用户编号")),
                (
                    "username",
                    models.TextField(
                        blank=True, help_text="当时的用户名; 直接连接数据库写入时为空", verbose_name="用户"
                    ),
                ),
                ("user_institution_id", models.BigIntegerField(null=True, verbose_name="用户的机构")),
                ("institution_id", models.BigIntegerField(null=True, verbose_name="对象的机构")),
                ("db_role", models.TextField(verbose_name="数据库角色")),
                ("program", models.TextField(blank=True, verbose_name="程序")),
                ("address", models.TextField(blank=True, verbose_name="网络地址")),
            ],
            options={
                "verbose_name": "审计记录",
                "verbose_name_plural": "审计记录",
                "db_table": "audit",
                "indexes": [
                    models.Index(fields=["at"], name="audit_at"),
                    models.Index(fields=["institution_id", "id"], name="audit_institution"),
                    models.Index(fields=["user_institution_id", "id"], name="audit_user_institution"),
                    django.contrib.postgres.indexes.GinIndex(fields=["keys"], name="audit_keys"),
                ],
            },
        ),
        migrations.RunSQL([(SQL / "log.sql").read_text("utf-8")], [(SQL / "log.drop.sql").read_text("utf-8")]),
    ]
