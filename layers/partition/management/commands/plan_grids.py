"""manage.py plan_grids: divide a grid of a draft into grids of equal weight."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from layers.commands import BAD_INPUT, bad_input
from layers.grids.models import Grid, Plan
from layers.orgs.models import User
from layers.partition import service
from layers.partition.outlets import AroundWish, propose_around
from layers.partition.service import Proposal, Weight, Wish


def band(text: str) -> tuple[float, float]:
    """«100-150»."""
    try:
        low, high = (float(part) for part in text.replace("–", "-").split("-"))
    except ValueError as error:
        raise ArgumentTypeError(f"应如 100-150 / for example 100-150: {text}") from error
    return low, high


class Command(BaseCommand):
    help = (
        "把草稿中的一个网格自动划分为若干网格 / Divide a grid of a draft into grids of equal weight."
        " 退出码 / exit status: 0 done, 2 cannot be done."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("plan", type=int, metavar="PLAN_ID", help="方案 / the draft")
        add("--grid", required=True, metavar="CODE", help="要划分的网格编码 / code of the grid to be divided")
        size = parser.add_mutually_exclusive_group(required=True)
        size.add_argument("--count", type=int, metavar="N", help="划分为几个 / into how many")
        size.add_argument(
            "--households", type=band, metavar="LOW-HIGH", help="每格户数范围, 如 100-150 / households of each"
        )
        size.add_argument(
            "--size", type=band, metavar="LOW-HIGH", help="每格规模范围, 按 --weight / size of each, by weight"
        )
        size.add_argument(
            "--around-outlets", action="store_true", help="以营业网点为中心 / round the staffed outlets in the grid"
        )
        add(
            "--radius",
            type=float,
            metavar="KM",
            help="网点服务半径, 默认按规则 / how far an outlet serves; by the rule",
        )
        add("--even", action="store_true", help="以网点为中心, 再按 --weight 调匀 / round outlets, then evened out")
        add("--weight", choices=Weight.values, default=Weight.HOUSEHOLDS.value, help="按什么均衡 / what is to be equal")
        add("--tolerance", type=float, metavar="SHARE", help="允许偏差, 默认 0.1 / deviation allowed, by default 0.1")
        add("--seed", type=int, default=1, help="随机种子, 同一种子结果相同 / the same seed gives the same result")
        add("--user", metavar="NAME", help="以谁的名义记录, 默认方案创建人 / author of the edit, by default the plan's")
        add("--dry-run", action="store_true", help="只列出结果, 不保存 / only list what would come of it")

    def handle(self, *, plan: int, grid: str, dry_run: bool, user: str | None, **options: Any) -> None:
        draft = Plan.objects.select_related("institution", "created_by").filter(pk=plan).first()
        if draft is None:
            raise CommandError(f"没有方案 {plan} / there is no plan {plan}", returncode=BAD_INPUT)
        found = Grid.objects.filter(plan=draft, code=grid).first()
        if found is None:
            raise CommandError(f"方案中没有网格 {grid} / there is no grid {grid} in the plan", returncode=BAD_INPUT)
        author = self._author(draft, user)
        weight = Weight(options["weight"])
        if options["households"]:
            weight = Weight.HOUSEHOLDS
        with bad_input():
            proposal = self._proposal(draft, author, found, weight, options)
            answer = service.apply(proposal, draft, author, draft.revision, dry_run=dry_run)
        codes = sorted(each["code"] for each in answer["changed"] if each["parent"] == found.pk)
        self._table(proposal)
        saved = "未保存 / nothing saved" if dry_run else f"已保存为版本 / saved as revision {answer['revision']}"
        self.stdout.write(f"{saved}: {'、'.join(codes[:8])}{' …' if len(codes) > 8 else ''}")

    def _proposal(self, draft: Plan, author: User, grid: Grid, weight: Weight, options: dict[str, Any]) -> Proposal:
        tolerance, seed = options["tolerance"], options["seed"]
        if options["around_outlets"]:
            if options["radius"] is not None and not 0 < options["radius"] <= 1000:
                raise CommandError("--radius: 0–1000 km", returncode=BAD_INPUT)
            around = AroundWish(options["radius"], {}, weight, options["even"], tolerance, seed)
            return propose_around(draft, author, grid.pk, around)
        low, high = options["households"] or options["size"] or (None, None)
        return service.propose(draft, author, grid.pk, Wish(options["count"], low, high, weight, tolerance, seed))

    def _author(self, draft: Plan, name: str | None) -> User:
        if name:
            author = User.objects.filter(username=name).first()
        else:
            author = draft.created_by or next(
                (
                    one
                    for one in User.objects.filter(is_active=True).select_related("institution").order_by("pk")
                    if one.can_plan_for(draft.institution)
                ),
                None,
            )
        if author is None or not author.can_plan_for(draft.institution):
            raise CommandError(
                "没有可以编制该方案的用户, 请用 --user 指定 / no user who may change this plan: give one with --user",
                returncode=BAD_INPUT,
            )
        return author

    def _table(self, proposal: Proposal) -> None:
        data = proposal.to_json()
        label = data["summary"]["weight_label"]
        self.stdout.write(f"序号 #  {label} weight  偏差 deviation  紧凑度 compactness  沿街 along streets  面积 km²")
        for row in data["table"]:
            street = "-" if row["street_share"] is None else f"{row['street_share']:.0%}"
            self.stdout.write(
                f"{row['number']:>6}  {row['weight']:>12,.2f}  {row['deviation']:>+13.1%}  {row['compactness']:>18.2f}"
                f"  {street:>17}  {row['area_km2']:>8.3f}"
            )
            if "outlets" in row:
                names = "、".join(outlet["name"] for outlet in row["outlets"])
                self.stdout.write(
                    f"        网点 outlet {names}; 最远 farthest {row['reach_km']:.1f} km;"
                    f" 半径 {row['radius_km']:g} km 以内 within the radius {row['within_radius']:.0%}"
                )
        summary = data["summary"]
        share = "-" if summary["street_share"] is None else f"{summary['street_share']:.0%}"
        self.stdout.write(
            f"最大偏差 / largest deviation {summary['max_deviation']:.1%}; 平均紧凑度 / mean compactness"
            f" {summary['mean_compactness']:.2f}; 沿街 / along streets {share}; 连通 / contiguous"
            f" {'是 yes' if summary['contiguous'] else '否 no'}"
        )
        for note in summary["notes"]:
            self.stdout.write(self.style.WARNING(f"注意 / note: {note}"))
