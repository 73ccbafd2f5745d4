"""manage.py import_points: a table or file of points into a layer, or a list of the rows that cannot be."""

from __future__ import annotations

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gis.datum import ALLOWED
from layers.commands import BAD_INPUT, Steps, bad_input
from layers.exchange import pipeline
from layers.exchange.pipeline import Outlook
from layers.exchange.reports import REJECTED_COLUMNS, rejected_rows
from layers.exchange.rows import Reading
from layers.features.registry import LAYERS, layers_of_imports
from layers.orgs.models import Institution, User
from layers.tables import write_csv

SHOWN = 20

EXAMPLES = """
例 / examples
  营业网点, 列名自动识别 / outlets, columns by their headings
    manage.py import_points 网点.xlsx --layer outlets --institution QJ --datum gcj02
  指定列与类型 / saying columns and kinds
    manage.py import_points atm.csv --layer machines --institution QJ --datum wgs84 --kind atm \\
        --key 终端号 --map name=安装地点 lon=X lat=Y attributes.installed=布放日期
  先看, 不保存 / only look
    manage.py import_points 网点.csv --layer outlets --institution QJ --datum cgcs2000 --dry-run --rejected 不能载入.csv

列的名字 / targets: code name kind institution lon lat lonlat wkt synthetic source attributes.<key>
退出状态 / exit status: 0 完成 / done; 2 文件或选项不可用, 或有不能载入的行 / bad input, or rows that cannot be loaded
"""


class Command(BaseCommand):
    help = (
        "把表格（CSV、XLSX）或点、线文件（GeoJSON、GeoPackage、Shapefile）导入图层，按行内编码更新：全部载入或一行不载。"
        " / Import tables (CSV, XLSX) or points and lines (GeoJSON, GeoPackage, Shapefile) into a layer, by the bank's own codes:"
        " all rows or none."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> ArgumentParser:
        parser = super().create_parser(prog_name, subcommand, epilog=EXAMPLES, **kwargs)
        parser.formatter_class = RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("file", type=Path, metavar="FILE")
        add("--layer", required=True, choices=sorted(layers_of_imports()), help="图层 / layer")
        add("--institution", required=True, metavar="CODE", help="机构编码 / code of the institution")
        add("--datum", required=True, help=f"坐标系，必须声明 / datum of the coordinates, must be declared: {ALLOWED}")
        add("--kind", default="", help="没有写明类型的行的类型 / kind of the rows that say none")
        add("--map", nargs="+", action="extend", default=[], metavar="TARGET=COLUMN",
            help="哪一列是什么；TARGET= 表示不用 / which column is what; TARGET= for none")  # fmt: skip
        add("--kind-map", nargs="+", action="extend", default=[], metavar="WORD=KIND",
            help="类型词各指哪个类型 / which kind a word of the file means")  # fmt: skip
        add("--key", metavar="COLUMN", help="行内编码的列，同 --map code=… / column of the bank's own code")
        add("--make-codes", action="store_true",
            help="没有编码的行，由名称和位置生成 / make codes of name and place where there are none")  # fmt: skip
        add("--sheet", metavar="NAME", help="工作表或图层名 / sheet of a workbook, or layer of a file")
        add("--encoding", help="文字编码，如 UTF-8、GBK / encoding of texts")
        add("--user", metavar="USERNAME", help="以谁的名义，并受其权限限制 / act as this user, within their rights")
        add("--dry-run", action="store_true", help="只检查，不保存 / look, save nothing")
        add("--skip-rejected", action="store_true", help="略过不能载入的行 / leave out rows that cannot be loaded")
        how = parser.add_mutually_exclusive_group()
        how.add_argument(
            "--update", action="store_true", default=True, help="更新已有编码的行（默认）/ update (default)"
        )
        how.add_argument("--only-new", action="store_true", help="只载入新编码 / load new codes only")
        add("--missing", choices=["report", "deactivate"], default="report",
            help="库中有而文件中没有的：列出（默认），或把同一来源的撤销，不删除"
                 " / what the layer has beside the file's: report it, or make it inactive where it came from the same source")  # fmt: skip
        add("--rejected", type=Path, metavar="OUT.csv", help="把不能载入的行写成 CSV / write the rejected rows")
        add("--json", action="store_true", dest="as_json", help="标准输出为 JSON / JSON on standard output")

    def handle(self, *, as_json: bool, **options: Any) -> None:
        self.as_json = as_json
        # On standard error where standard output is JSON.
        self.steps = Steps(self.stderr if as_json else self.stdout)
        with bad_input():
            self._import(**options)

    def _import(self, *, file: Path, layer: str, institution: str, datum: str, **options: Any) -> None:
        home = _one(Institution, "code", institution, "机构", "institution")
        user = options["user"] and _one(User, "username", options["user"], "用户", "user")
        with self.steps.step("读取", "reading") as progress:
            sheet = pipeline.read(
                file, LAYERS[layer], layer=options["sheet"], encoding=options["encoding"], progress=progress
            )
        reading = Reading.of(layer=LAYERS[layer], institution=home, datum=datum, columns={}, user=user)
        proposal = pipeline.propose(sheet, home, LAYERS[layer], reading.vocabulary())
        columns = proposal.columns | _pairs(options["map"]) | ({"code": options["key"]} if options["key"] else {})
        reading = Reading.of(
            layer=LAYERS[layer],
            institution=home,
            datum=datum,
            columns={target: column for target, column in columns.items() if column},
            kinds=proposal.kinds | _pairs(options["kind_map"]),
            kind=options["kind"],
            make_codes=options["make_codes"],
            user=user,
        )
        rows = len(sheet.rows)
        with self.steps.step(f"{rows:,} 行，检查", f"{rows:,} rows, looking at them") as progress:
            outlook = pipeline.look(sheet, reading, source=file.name, progress=progress)
        if options["rejected"]:
            lines = write_csv(REJECTED_COLUMNS, rejected_rows(outlook.checked.rejected))
            options["rejected"].write_text("".join(lines), encoding="utf-8")
        self._show(outlook)
        loaded = not options["dry_run"]
        if outlook.checked.rejected and not options["skip_rejected"]:
            self._answer(outlook, loaded=False)
            raise pipeline.rejected(outlook.checked)
        if loaded:
            with self.steps.step("载入", "loading"):
                pipeline.load(
                    outlook,
                    source=file.name,
                    skip_rejected=options["skip_rejected"],
                    update=not options["only_new"],
                    missing=options["missing"],
                )
                pipeline.remember(sheet, reading)
        self._answer(outlook, loaded=loaded)

    def _show(self, outlook: Outlook) -> None:
        if self.as_json:
            return
        checked = outlook.checked
        self.stdout.write("· " + "，".join(f"{key} = {column}" for key, column in checked.reading.columns.items()))
        for note in outlook.notes:
            self.stdout.write(f"· {note['zh']} / {note['en']}")
        for row in checked.rejected[:SHOWN]:
            self.stdout.write(f"✗ {row.line} {row.column} “{row.value}”：{row.zh} / {row.en}")
        if len(checked.rejected) > SHOWN:
            self.stdout.write(f"✗ … {len(checked.rejected):,}")
        for point, _off_m in outlook.outside[:SHOWN]:
            self.stdout.write(
                f"○ {point.line} {point.code} {point.name}：不在任何网格内 / in no grid ({point.lon:.6f}, {point.lat:.6f})"
            )
        if len(outlook.outside) > SHOWN:
            self.stdout.write(f"○ … {len(outlook.outside):,}")
        if outlook.difference.missing:
            codes = " ".join(outlook.difference.missing_codes)
            self.stdout.write(
                f"− 库中另有 {outlook.difference.missing:,} 个不在文件中，其中同一来源 {outlook.difference.stale:,} 个"
                f" / in the layer, not in the file, {outlook.difference.stale:,} of them from the same source: {codes}"
            )

    def _answer(self, outlook: Outlook, *, loaded: bool) -> None:
        checked, difference = outlook.checked, outlook.difference
        if self.as_json:
            answer = {
                **asdict(difference),
                "rejected": [row.as_json() for row in checked.rejected],
                "rejected_rows": checked.rejected_lines,
                "outside": [
                    {"line": p.line, "code": p.code, "name": p.name, "lon": p.lon, "lat": p.lat}
                    for p, _off_m in outlook.outside
                ],
                "notes": outlook.notes,
                "columns": dict(checked.reading.columns),
                "loaded": loaded,
            }
            self.stdout.write(json.dumps(answer, ensure_ascii=False))
            return
        zh = f"新增 {difference.new:,}，更新 {difference.changed:,}，未变 {difference.unchanged:,}，不能载入 {checked.rejected_lines:,}"
        en = f"{difference.new:,} new, {difference.changed:,} changed, {difference.unchanged:,} unchanged, {checked.rejected_lines:,} rejected"
        self.steps.say(zh if loaded else f"{zh}；没有保存", en if loaded else f"{en}; nothing saved")


def _one(model: Any, field: str, value: str, zh: str, en: str) -> Any:
    found = model.objects.filter(**{field: value}).first()
    if found is None:
        raise CommandError(f"没有{zh} {value} / there is no {en} {value}", returncode=BAD_INPUT)
    return found


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not key:
            raise CommandError(f"应写作 名=值：{text} / write NAME=VALUE: {text}", returncode=BAD_INPUT)
        pairs[key] = value
    return pairs
