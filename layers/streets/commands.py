"""What import_streets and import_buildings have in common."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError

from gis.datum import ALLOWED, parse_datum
from layers.commands import BAD_INPUT, bad_input
from layers.orgs.models import Institution
from layers.streets.reading import Mapped


class ImportMapped(BaseCommand):
    """A file of mapped things into an institution."""

    columns: ClassVar[dict[str, str]]
    things: ClassVar[tuple[str, str]]
    read: ClassVar[Callable[..., Mapped]]
    load: ClassVar[Callable[..., int]]

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("file", type=Path, metavar="FILE")
        add("--institution", required=True, metavar="CODE", help="机构编码 / code of the institution")
        add("--datum", required=True, help=f"坐标系，必须声明 / datum of the coordinates, must be declared: {ALLOWED}")
        add("--source", help="数据来源；默认文件名；同一来源的旧数据被替换 / source, by default the name of the file;"
            " what came from the same source before is replaced")  # fmt: skip
        add("--layer", help="图层名 / layer")
        add("--encoding", help="文字编码，如 UTF-8、GBK / encoding of texts")
        for column, zh in self.columns.items():
            add(f"--{column}-field", metavar="COLUMN", help=f"{zh} / column of the {column}")
        add("--dry-run", action="store_true", help="只读取，不保存 / read only, save nothing")

    def handle(
        self,
        *,
        file: Path,
        institution: str,
        datum: str,
        source: str | None,
        layer: str | None,
        encoding: str | None,
        dry_run: bool,
        **options: Any,
    ) -> None:
        home = Institution.objects.filter(code=institution).first()
        if home is None:
            raise CommandError(f"没有机构 {institution} / there is no institution {institution}", returncode=BAD_INPUT)
        kind = type(self)
        with bad_input():
            found = kind.read(file, parse_datum(datum), layer=layer, encoding=encoding)
        zh, en = self.things
        if found.skipped:
            self.stdout.write(f"略去空图形 {found.skipped:,} 个 / left out {found.skipped:,} without a shape")
        if dry_run:
            self.stdout.write(f"{zh} {len(found.features):,} 个，未保存 / {len(found.features):,} {en}, nothing saved")
            return
        given = {column: options[f"{column}_field"] for column in self.columns}
        count = kind.load(home, found.features, source or file.name, given)
        self.stdout.write(f"已载入{zh} {count:,} 个 / loaded {count:,} {en}")
