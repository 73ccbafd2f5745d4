"""manage.py export_grids: the grids of a plan as a file."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gis.datum import ALLOWED, parse_datum
from layers.commands import BAD_INPUT, bad_input
from layers.grids.models import Grid, Plan
from layers.imports.export import write_grids
from layers.orgs.models import User


class Command(BaseCommand):
    help = (
        "导出一个方案的网格，坐标为原值，编码为文本 / Export the grids of a plan: coordinates as stored, codes as text."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("plan", type=int, metavar="PLAN", help="方案编号 / id of the plan")
        parser.add_argument(
            "--level", type=int, help="级别，0 为服务区域；默认全部 / level, 0 is the service area; default all"
        )
        parser.add_argument("--format", choices=["geojson", "gpkg", "shp", "topojson"], default="geojson")
        parser.add_argument("--out", type=Path, required=True, metavar="FILE",
            help="输出文件；shp 用 .zip 结尾则打包 / output; a .zip name zips the Shapefile")  # fmt: skip
        parser.add_argument("--datum", default="cgcs2000", help=f"坐标系 / datum, default %(default)s: {ALLOWED}")
        parser.add_argument("--user", metavar="USERNAME", help="只在此用户可见的范围内 / only what this user may see")

    def handle(
        self, *, plan: int, level: int | None, format: str, out: Path, datum: str, user: str | None, **options: Any
    ) -> None:
        plans = Plan.objects.all()
        if user is not None:
            plans = (
                Plan.objects.visible_to(User.objects.get(username=user))
                if User.objects.filter(username=user)
                else plans.none()
            )
        found = plans.filter(pk=plan).first()
        if found is None:
            raise CommandError(
                f"没有方案 {plan}，或无权查看 / no plan {plan}, or not yours to see", returncode=BAD_INPUT
            )
        grids = Grid.objects.filter(plan=found).select_related("parent").order_by("level", "code")
        if level is not None:
            grids = grids.filter(level=level)
        if not grids:
            raise CommandError(
                f"方案 {plan} 没有这一级的网格 / plan {plan} has no grids of this level", returncode=BAD_INPUT
            )
        with bad_input():
            write_grids(grids, found.level_names, out, format, parse_datum(datum))
        self.stdout.write(f"已写出 {len(grids):,} 个网格 / {len(grids):,} grids written: {out}")
