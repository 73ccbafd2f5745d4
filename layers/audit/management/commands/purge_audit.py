"""Remove what is too old from the audit log."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

SHORTEST = 184


class Command(BaseCommand):
    help = (
        "清理早于保存期的审计记录 (至少保存 184 天, 即六个月; 默认取 AUDIT_KEEP_DAYS)。清理本身也会记录。"
        " / Remove entries of the audit log that are older than the days to keep: 184 at least, AUDIT_KEEP_DAYS unless told."
        " Exit status 1 where that is refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=settings.AUDIT_KEEP_DAYS, help="保存天数 / days to keep")
        parser.add_argument("--dry-run", action="store_true", help="只统计, 不删除 / count only")

    def handle(self, *args: Any, days: int, dry_run: bool, **options: Any) -> None:
        if days < SHORTEST:
            raise CommandError(
                f"审计记录至少保存 {SHORTEST} 天, 不能只保存 {days} 天。 / The audit log is kept for {SHORTEST} days at least, not {days}."
            )
        with transaction.atomic(), connection.cursor() as cursor:
            if dry_run:
                cursor.execute("SELECT count(*) FROM audit WHERE at < now() - make_interval(days => %s)", [days])
            else:
                cursor.execute("SELECT purge_audit(%s)", [days])
            count = cursor.fetchone()[0]
        zh, en = ("将清理", "would be removed") if dry_run else ("已清理", "removed")
        self.stdout.write(f"{zh} {count:,} 条 {days} 天前的审计记录。 / {count:,} entries older than {days} days {en}.")
