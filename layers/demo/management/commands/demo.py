"""manage.py demo: load a demo area if it is not there yet, and say how to sign in."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from gis.errors import JingtianError
from layers.demo.areas import AREAS
from layers.demo.bank import PASSWORD
from layers.orgs.models import ApiToken, Institution, User


class Command(BaseCommand):
    help = "载入演示区域并给出登录信息 / Load a demo area, unless it is there already, and print the logins."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--area", choices=sorted(AREAS), default="qianjiang", help="演示区域 / which area")
        parser.add_argument(
            "--env-file",
            type=Path,
            default=settings.LOCAL / "env",
            help="写入 API 令牌的文件 / where the API token goes",
        )
        parser.add_argument("--dry-run", action="store_true", help="不保存 / build everything, save nothing")

    def handle(self, *, area: str, env_file: Path, dry_run: bool, **options: Any) -> None:
        bank_code, prefix, load = AREAS[area]
        try:
            with transaction.atomic():
                if not Institution.objects.filter(code=bank_code).exists():
                    load(self._begin)
                    _analyze()
                if dry_run:
                    transaction.set_rollback(True)
                    self.stdout.write("试运行, 未保存 / dry run, nothing saved")
                    return
        except JingtianError as error:
            raise CommandError(str(error), returncode=2) from error
        write_token(env_file, User.objects.get(username=f"{prefix}admin"))
        self.stdout.write(f"登录 / sign in (密码 / password: {PASSWORD})")
        for user in User.objects.filter(synthetic=True, username__startswith=prefix).select_related("institution"):
            if prefix or not user.username.startswith("xihu-"):
                self.stdout.write(f"  {user.username:<16} {user.get_role_display()} · {user.institution}")

    def _begin(self, step: str) -> None:
        _analyze()
        self.stdout.write(f"· {step}")
        self.stdout.flush()


def _analyze() -> None:
    """Let the next statements be planned for what is there now: autovacuum takes rows that are not committed for none."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def write_token(env: Path, administrator: User) -> None:
    """Put the head-office administrator's API token into the file in which other tools look for it."""
    lines = env.read_text().splitlines() if env.exists() else []
    kept = [line for line in lines if not line.startswith("API_TOKEN=")]
    current = next((line.removeprefix("API_TOKEN=") for line in lines if line.startswith("API_TOKEN=")), "")
    if ApiToken.user_of(current) != administrator:
        current = ApiToken.issue(administrator, "make demo")
    env.parent.mkdir(parents=True, exist_ok=True)
    env.write_text("\n".join([*kept, f"API_TOKEN={current}"]) + "\n")
    env.chmod(0o600)
