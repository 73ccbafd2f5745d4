"""manage.py rehome: bring the grids of features up to the plans in force, or say which are not where they should be."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from layers.features.today import refresh


class Command(BaseCommand):
    help = (
        "把各图层要素归入今日生效方案的网格; --check 只检查"
        " / Bring the grids of features up to the plans in force today; --check only looks."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="列出网格不符的要素, 不改 / list those in a wrong grid"
        )
        parser.add_argument("--dry-run", action="store_true", help="不保存 / say what would change, save nothing")

    def handle(self, *, check: bool, dry_run: bool, **options: Any) -> None:
        if check:
            self._check()
            return
        with transaction.atomic():
            changed = refresh()
            wrong = self._wrong()
            for table in sorted({table for table, *_ in wrong}):
                ids = [pk for name, pk, *_ in wrong if name == table]
                with connection.cursor() as cursor:
                    # The triggers find the grid.
                    cursor.execute(
                        f"UPDATE {connection.ops.quote_name(table)} SET geom = geom WHERE id = ANY (%s)", [ids]
                    )
            if dry_run:
                transaction.set_rollback(True)
        self.stdout.write(
            f"{changed} 个服务区域换了方案, {len(wrong)} 个要素重新归格{' (试运行, 未保存)' if dry_run else ''}"
            f" / {changed} service areas have another plan, {len(wrong)} features mended"
            f"{' (dry run, nothing saved)' if dry_run else ''}"
        )

    def _check(self) -> None:
        wrong = self._wrong()
        for table, pk, code, expected in wrong:
            self.stdout.write(f"{table} {pk}: {code or '-'} → {expected or '-'}")
        with transaction.atomic():
            late = refresh()
            transaction.set_rollback(True)
        if late:
            self.stdout.write(f"{late} 个服务区域还不是今日生效的方案 / service areas not at today's plan: {late}")
        if wrong or late:
            raise CommandError(
                f"{len(wrong)} 个要素的网格不符; 请运行 manage.py rehome / {len(wrong)} features in a wrong grid: run manage.py rehome",
                returncode=1,
            )
        self.stdout.write("所有要素都在所处的网格内 / every feature is in its grid")

    def _wrong(self) -> list[tuple[str, int, str | None, str | None]]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT table_name, feature_id, code, expected FROM audit_homes()")
            found: list[tuple[str, int, str | None, str | None]] = cursor.fetchall()
        return found
