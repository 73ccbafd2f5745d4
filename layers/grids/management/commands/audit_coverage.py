"""manage.py audit_coverage: whether plans cover their service areas exactly, and where they do not."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder

from gis.coverage import DefectKind
from layers.grids.coverage import audit, coverage_report, guard_faults, rebuild_running_sums
from layers.grids.models import Plan

FAULTS = {
    "gap or overlap": "缺口或重叠",
    "gap": "缺口",
    "outside": "越界",
    "overlap above the limit": "重叠超过上限",
    "running sum is not that of the rows": "累计的界线和与数据不符 (可用 --rebuild 重算)",
    "parent is missing, or in another plan or level": "上级网格不存在, 或属于另一方案或级别",
}
"""What audit_coverage() in gis/sql/audit.sql finds, in Chinese."""
KINDS = {
    DefectKind.INVALID: "无效",
    DefectKind.GAP: "缺口",
    DefectKind.OVERLAP: "重叠",
    DefectKind.OUTSIDE: "越界",
    DefectKind.UNMATCHED: "边界未对齐",
}


class Command(BaseCommand):
    help = "检查方案是否恰好覆盖服务区域 / Check that plans cover their service areas exactly. 退出码 / exit status: 0 exact, 1 faults, 2 usage."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--plan", type=int, metavar="ID", help="只检查一个方案 / one plan only")
        parser.add_argument("--json", action="store_true", help="以 JSON 输出 / as JSON")
        parser.add_argument(
            "--rebuild",
            action="store_true",
            help="先重算累计的界线和 (在停用触发器载入数据之后) / first rebuild the running sums, after a load with triggers disabled",
        )

    def handle(self, *, plan: int | None, json: bool, rebuild: bool, **options: Any) -> None:
        plans = Plan.objects.order_by("pk") if plan is None else Plan.objects.filter(pk=plan)
        if plan is not None and not plans:
            raise CommandError(f"没有方案 {plan} / there is no plan {plan}", returncode=2)
        if rebuild:
            rebuild_running_sums()
        exact = self._write_json(list(plans)) if json else self._write_table(list(plans))
        if not exact:
            sys.exit(1)

    def _write_json(self, plans: list[Plan]) -> bool:
        reports = [{"plan": plan.pk, "name": plan.name, **coverage_report(plan)} for plan in plans]
        guard = guard_faults()
        exact = not guard and all(report["exact"] for report in reports)
        text = {"exact": exact, "guard": guard, "plans": reports}
        self.stdout.write(json.dumps(text, ensure_ascii=False, indent=2, cls=DjangoJSONEncoder))
        return exact

    def _write_table(self, plans: list[Plan]) -> bool:
        found = 0
        for plan in plans:
            faults = audit(plan)
            found += len(faults)
            answer = f"{len(faults)} 处问题 / faults" if faults else "无缺口、无重叠 / exact"
            if plan.policy == Plan.Policy.BOUNDED_OVERLAP:
                answer = answer if faults else "无缺口, 交叉未超上限 / no gap, overlap within the limit"
                answer += f" ({plan.get_policy_display()}, 上限 / limit {plan.overlap_limit:.1%})"
            self.stdout.write(f"{plan.pk:>6}  {plan.name}  {answer}")
            for fault in faults:
                self.stdout.write(f"        {fault.code or '-'}  {FAULTS[fault.fault]} / {fault.fault}")
                for defect in fault.defects:
                    codes = " ".join(fault.children[index] for index in defect.grids)
                    kind = f"{KINDS[defect.kind]} / {defect.kind}"
                    self.stdout.write(f"            {kind}  {defect.area_m2:,.2f} m²  {codes}")
        guard = guard_faults()
        for part in guard:
            self.stdout.write(f"数据库中的保护不完整 / the guard is not whole: {part}")
        return not found and not guard
