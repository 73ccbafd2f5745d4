"""manage.py import_grids: files of grids into a draft plan, or a table of what is wrong with them."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gis.datum import ALLOWED
from gis.repair import Repair
from layers.commands import BAD_INPUT, Steps, bad_input
from layers.grids.models import Plan
from layers.imports.faults import CoverageDirty
from layers.imports.pipeline import Finding, Options, Source, Tree, check, load, read_tree, repaired
from layers.imports.references import known_outlines, outline_in_file
from layers.imports.reports import (
    change_rows,
    changes_text,
    finding_rows,
    findings_geojson,
    findings_summary,
    findings_text,
    repair_lines,
    repair_report,
)
from layers.imports.tree import DEFAULT_GAP_WIDTH_M
from layers.orgs.models import Institution, User
from layers.tables import write_csv

EXAMPLES = """
例 / examples
  三级三个文件 / three levels in three files
    manage.py import_grids towns.geojson villages.geojson grids.geojson --datum cgcs2000 \\
        --institution QJ --name "2026 年网格划分" --area-code 429005 --area-name 潜江市
  各级在一个文件里, 按编码前缀 / all levels in one file, by the beginning of the code
    manage.py import_grids grids.gpkg --parents prefix --datum EPSG:4547 --institution QJ --name 试点
  先看缺陷, 不保存 / only look for defects
    manage.py import_grids grids.zip --datum wgs84 --dry-run --defects defects.geojson
  修复后载入 / repair, then load
    manage.py import_grids grids.zip --datum wgs84 --institution QJ --name 试点 --repair --gap-width 5 --nest union

退出状态 / exit status: 0 完成 / done; 2 文件不可用, 或有缺陷而未要求修复 / bad input, or defects and no --repair
"""


class Command(BaseCommand):
    help = (
        "把网格文件（GeoJSON、TopoJSON、GeoPackage、zip 压缩的 Shapefile）导入为草稿方案：不重不漏才载入，全部载入或一个不载。"
        " / Import files of grids (GeoJSON, TopoJSON, GeoPackage, zipped Shapefile) as a draft plan:"
        " only an exact cover is loaded, all of it or nothing."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> ArgumentParser:
        parser = super().create_parser(prog_name, subcommand, epilog=EXAMPLES, **kwargs)
        parser.formatter_class = RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add(
            "files",
            nargs="+",
            type=Path,
            metavar="FILE",
            help="一个文件，或从上到下每级一个 / one file, or one a level, top down",
        )
        add("--datum", required=True, help=f"坐标系，必须声明 / datum of the coordinates, must be declared: {ALLOWED}")
        add("--institution", metavar="CODE", help="机构编码 / code of the institution (not needed with --dry-run)")
        add("--name", help="方案名称 / name of the plan (not needed with --dry-run)")
        add("--user", metavar="USERNAME", help="以谁的名义，并受其权限限制 / act as this user, within their rights")
        add("--parents", choices=["prefix", "column", "files"],
            help="上级来自编码前缀、上级列，或文件的次序 / parents by the beginning of the code, by a column, or by files")  # fmt: skip
        add("--area-code", help="服务区域编码 / code of the service area")
        add("--area-name", help="服务区域名称 / name of the service area")
        add(
            "--level-names",
            metavar="A,B,…",
            help="级别名称，从服务区域起 / names of the levels from the service area down",
        )
        for field, zh in (("code", "编码列"), ("name", "名称列"), ("parent", "上级列"), ("kind", "城乡类别列")):
            add(f"--{field}-field", action="append", metavar="COLUMN",
                help=f"{zh}；可给一次，或按文件各给一次 / column of the {field}; once for all files, or once a file")  # fmt: skip
        add(
            "--layer",
            action="append",
            help="图层名；可给一次，或按文件各给一次 / layer; once for all files, or once a file",
        )
        add("--encoding", help="文字编码，如 UTF-8、GBK / encoding of texts")
        add("--within", type=Path, metavar="FILE",
            help="服务区域的已知外界线 (CGCS2000 或 WGS 84)，用来发现坐标系错误 / known outline of the service area"
            " (CGCS2000 or WGS 84), to notice a wrong datum")  # fmt: skip
        add("--policy", choices=Plan.Policy.values, default=Plan.Policy.PARTITION, help="覆盖规则 / coverage rule")
        add("--repair", action="store_true", help="修复缺口、重叠和上下级不一致 / repair gaps, overlaps and nesting")
        add("--gap-width", type=float, default=DEFAULT_GAP_WIDTH_M, metavar="M",
            help="封闭的空白窄于此才算缺口，默认 %(default)s 米 / an enclosed gap is filled where it is narrower, default %(default)s m")  # fmt: skip
        add("--nest", choices=["union", "cut"], default="union",
            help="union: 上级等于下级之和（默认）；cut: 下级按上级裁切 / union: a parent becomes the union of its children"
            " (default); cut: children are cut to the parent")  # fmt: skip
        add("--dry-run", action="store_true", help="只检查或试修，不保存 / check and repair, save nothing")
        add("--defects", type=Path, metavar="OUT.geojson", help="把缺陷写成 GeoJSON / write the defects as GeoJSON")
        add("--report", type=Path, metavar="OUT.csv|json", help="写出修复报告 / write what the repair changed")
        add("--json", action="store_true", dest="as_json", help="标准输出为 JSON / JSON on standard output")

    def handle(self, *, as_json: bool, **options: Any) -> None:
        self.as_json = as_json
        # On standard error where standard output is JSON.
        self.steps = Steps(self.stderr if as_json else self.stdout)
        with bad_input():
            self._import(**options)

    def _import(
        self,
        *,
        files: list[Path],
        datum: str,
        institution: str | None,
        name: str | None,
        user: str | None,
        policy: str,
        repair: bool,
        gap_width: float,
        nest: str,
        dry_run: bool,
        defects: Path | None,
        report: Path | None,
        **options: Any,
    ) -> None:
        home = self._institution(institution, name, dry_run)
        actor = self._user(user)
        sources = self._sources(files, **options)
        with self.steps.step("读取", "reading") as progress:
            within = [outline_in_file(options["within"])] if options["within"] else []
            tree = read_tree(
                sources,
                Options(
                    datum=datum,
                    parents=options["parents"],
                    area_code=options["area_code"],
                    area_name=options["area_name"],
                    level_names=tuple(filter(None, (options["level_names"] or "").replace("，", ",").split(","))),
                    gap_width_m=gap_width,
                ),
                references=lambda area_code: [*within, *known_outlines(area_code, home, actor)],
                progress=progress,
            )
        self._show_tree(tree)
        with self.steps.step("检查缺口与重叠", "looking for gaps and overlaps") as progress:
            findings = check(tree, gap_width_m=gap_width, progress=progress)
        if defects:
            defects.write_text(_json(findings_geojson(findings)), encoding="utf-8")
        done: Repair | None = None
        if findings:
            if not self.as_json:
                self.stdout.write(findings_text(findings))
            if not repair:
                self._answer(tree, findings, None, None, dry_run)
                raise _dirty(findings)
            with self.steps.step("修复", "repairing") as progress:
                tree, done = repaired(tree, gap_width, nest, progress)  # type: ignore[arg-type]
            self._show_repair(tree, done)
        if report:
            _write_report(report, tree, done or Repair(()))
        plan = None
        if not dry_run and home is not None:
            source = "、".join(file.name for file in files)
            with self.steps.step("载入", "loading") as progress:
                plan = load(
                    tree,
                    institution=home,
                    plan_name=name or "",
                    user=actor,
                    policy=policy,
                    source=source,
                    progress=progress,
                )
        self._answer(tree, findings, done, plan, dry_run)

    def _institution(self, code: str | None, name: str | None, dry_run: bool) -> Institution | None:
        if not dry_run and not (code and name):
            raise CommandError(
                "请给出 --institution 和 --name，或用 --dry-run 只检查 / give --institution and --name, or --dry-run",
                returncode=BAD_INPUT,
            )
        found = Institution.objects.filter(code=code).first() if code else None
        if code and found is None:
            raise CommandError(f"没有机构 {code} / there is no institution {code}", returncode=BAD_INPUT)
        return found

    def _user(self, username: str | None) -> User | None:
        found = User.objects.filter(username=username).first() if username else None
        if username and found is None:
            raise CommandError(f"没有用户 {username} / there is no user {username}", returncode=BAD_INPUT)
        return found

    def _sources(self, files: list[Path], **options: Any) -> list[Source]:
        def per_file(option: str) -> list[str | None]:
            given = options[option] or [None]
            if len(given) not in (1, len(files)):
                flag = "--" + option.replace("_", "-")
                raise CommandError(
                    f"{flag} 应给一次，或按 {len(files)} 个文件各给一次 / give {flag} once, or once for each of {len(files)} files",
                    returncode=BAD_INPUT,
                )
            return list(given) * (len(files) if len(given) == 1 else 1)

        fields = ("code_field", "name_field", "parent_field", "kind_field", "layer")
        columns = {option: per_file(option) for option in fields}
        # The first level has no parent, so one parent column for all is that of the other files.
        if len(files) > 1 and len(options["parent_field"] or []) == 1:
            columns["parent_field"][0] = None
        return [
            Source(path, encoding=options["encoding"], **{option: values[index] for option, values in columns.items()})
            for index, path in enumerate(files)
        ]

    def _show_tree(self, tree: Tree) -> None:
        if not self.as_json:
            for note in tree.notes:
                self.stdout.write(f"· {note['zh']} / {note['en']}")
            levels = " › ".join(
                f"{name} {len(units):,}" for name, units in zip(tree.level_names, tree.levels, strict=True)
            )
            self.stdout.write(f"{tree.area.code} {tree.area.name}：{levels}")

    def _show_repair(self, tree: Tree, done: Repair) -> None:
        if not self.as_json:
            rows = change_rows(tree, done)
            if rows:
                self.stdout.write(changes_text(rows))
            for zh, en in repair_lines(done):
                self.stdout.write(f"· {zh} / {en}")

    def _answer(
        self, tree: Tree, findings: list[Finding], done: Repair | None, plan: Plan | None, dry_run: bool
    ) -> None:
        if self.as_json:
            answer = {
                "area_code": tree.area.code,
                "levels": [
                    {"name": name, "grids": len(units)}
                    for name, units in zip(tree.level_names, tree.levels, strict=True)
                ],
                "notes": tree.notes,
                "exact": not findings,
                "summary": findings_summary(findings),
                "defects": finding_rows(findings),
                "repair": repair_report(tree, done) if done else None,
                "plan": plan and {"id": plan.pk, "name": plan.name},
                "dry_run": dry_run,
            }
            self.stdout.write(_json(answer))
        elif plan is not None:
            count = sum(map(len, tree.levels))
            self.steps.say(
                f"已载入草稿方案 {plan.pk}“{plan.name}”，{count:,} 个网格",
                f"loaded draft plan {plan.pk}, {count:,} grids",
            )
        elif dry_run and (done or not findings):
            self.steps.say("不重不漏；试运行，未保存", "exact cover; dry run, nothing saved")


def _dirty(findings: list[Finding]) -> CoverageDirty:
    zh = {"gap": "缺口", "overlap": "重叠", "outside": "越界", "invalid": "无效图形", "unmatched": "界线未对齐"}
    summary = findings_summary(findings)
    listed_zh = "、".join(f"{zh[row['kind']]} {row['count']:,} 处 {row['area_m2']:,.1f} m²" for row in summary)
    listed_en = ", ".join(f"{row['count']:,} {row['kind']} of {row['area_m2']:,.1f} m²" for row in summary)
    return CoverageDirty(
        f"网格没有恰好覆盖服务区域（{listed_zh}），没有保存。请在原数据中改正，或加 --repair 修复后载入",
        f"the grids do not cover their parents exactly ({listed_en}); nothing was saved. "
        "Correct the source, or repair with --repair",
    )


def _write_report(path: Path, tree: Tree, done: Repair) -> None:
    """CSV (with a byte order mark: spreadsheets read it as UTF-8) or, with everything, JSON."""
    if path.suffix.lower() == ".json":
        path.write_text(_json(repair_report(tree, done)), encoding="utf-8")
        return
    columns = ["code", "name", "level", "level_name", "area_before_m2", "area_after_m2", "gained_m2", "lost_m2"]
    rows = ([row[column] for column in columns] for row in change_rows(tree, done))
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(write_csv(columns, rows))


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1 if sys.stdout.isatty() else None)
