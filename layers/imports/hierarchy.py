"""From rows to levels: codes, parents, and the service area on top."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from layers.imports.columns import CODE_LENGTHS, PARENT, Row, Table, is_by_rule, listing, significant
from layers.imports.faults import (
    AmbiguousColumn,
    AreaCodeNeeded,
    CodesNotByRule,
    ColumnNotFound,
    CyclicParents,
    DuplicateCodes,
    MissingCodes,
    TextTooLong,
    UnknownParent,
    WrongNumberOfLevels,
    some,
)
from layers.imports.numbering import common_county, with_codes
from layers.imports.tree import MAX_LEVELS, Note, Options, Tree, Unit

LEVEL_NAMES = dict(zip(CODE_LENGTHS, ("县", "镇", "村", "网格", "子网格"), strict=True))
SERVICE_AREA = "服务区域"
CODE_PREFIX = "编码前缀 / code prefix"
MAX_CODE, MAX_NAME = 32, 120

Units = list[Unit]


def build_tree(tables: Sequence[Table], options: Options) -> Tree:
    """The tree that the rows of some files make, as the options say.

    Raises
    ------
    layers.imports.faults.ImportRefused
        One of its subclasses.
    """
    notes: list[Note] = []
    tables = [_with_significant_codes(table) for table in tables]
    way = options.parents or ("files" if len(tables) > 1 else "prefix")
    if way == "files" or tables[0].code_field is None:
        levels = _by_files(tables, options, notes)
    elif len(tables) > 1:
        raise WrongNumberOfLevels(
            "有几个文件时，每个文件是一级，从上到下依次给出（--parents files）。",
            "With several files, each is one level, given from the top down (--parents files).",
        )
    else:
        levels = _by_prefix(tables[0], options, notes) if way == "prefix" else _by_column(tables[0], options)
    levels = _with_service_area(levels, options, notes)
    if not 2 <= len(levels) <= MAX_LEVELS:
        raise WrongNumberOfLevels(
            f"连同服务区域共有 {len(levels)} 级；一个方案可有 2 至 {MAX_LEVELS} 级。请分开导入，或去掉多余的级别。",
            f"There are {len(levels)} levels with the service area; a plan has 2 to {MAX_LEVELS}. "
            "Import fewer levels, or divide the data.",
        )
    _check_distinct([unit.code for units in levels for unit in units])
    _check_lengths(levels)
    sorted_levels = tuple(tuple(sorted(units, key=lambda unit: unit.code)) for units in levels)
    return Tree(sorted_levels, _level_names(levels, options), tuple(notes))


def _with_significant_codes(table: Table) -> Table:
    """Codes without the zeros that pad them, if the shorter ones are then the parents of the longer ones.

    If not, only zeros that all codes have are padding: the one community of a township may have a code that ends in 000.
    """
    given = [row.code for row in table.rows if row.code]
    if not all(map(is_by_rule, given)):
        return table
    plain = {code: significant(code) for code in given}
    lengths = sorted({len(code) for code in plain.values()})
    for above, length in pairwise(lengths):
        if not {code[:above] for code in plain.values() if len(code) == length} <= set(plain.values()):
            plain = {code: code if len(code) < lengths[-1] else code[: lengths[-1]] for code in given}
            break
    return replace(table, rows=[replace(row, code=plain.get(row.code, "")) for row in table.rows])


def _unit(row: Row, parent: str | None) -> Unit:
    return Unit(row.code, row.name or row.code, parent, row.kind, row.geometry, row.bank_code)


# By the beginning of the code


def _by_prefix(table: Table, options: Options, notes: list[Note]) -> list[Units]:
    codes = [row.code for row in table.rows if row.code]
    bad = [code for code in codes if not is_by_rule(code)]
    if bad and len(set(map(len, codes))) > 1:
        raise CodesNotByRule(
            f"按编码前缀确定上级时，编码应为 6、9、12、15 或 17 位数字；这些不是：{some(bad, between='、')}。"
            "请用“上级列”方式（--parents column），或修正编码。",
            f"To read the parent from the code, codes are 6, 9, 12, 15 or 17 digits; these are not: {some(bad, between=', ')}. "
            "Name a parent column (--parents column), or correct the codes.",
            codes=bad,
        )
    _check_distinct(codes)
    if len(codes) < len(table.rows) and len(set(map(len, codes))) > 1:
        raise _missing_codes(table)
    rows = _numbered_on_top(table, options, notes)
    lengths = sorted({len(row.code) for row in rows})
    rows_of = {length: [row for row in rows if len(row.code) == length] for length in lengths}
    levels = [[_unit(row, None) for row in rows_of[lengths[0]]]]
    for above, length in pairwise(lengths):
        levels.append([_unit(row, row.code[:above]) for row in rows_of[length]])
        _check_parents(levels[-1], {unit.code for unit in levels[-2]})
    if options.area_code and is_by_rule(options.area_code):
        elsewhere = [unit for unit in levels[0] if not _is_below(unit.code, options.area_code)]
        _check_parents([replace(unit, parent=options.area_code) for unit in elsewhere], set())
    return levels


def _is_below(code: str, area_code: str) -> bool:
    """Whether a code belongs to an area: a province ends in 0000, a prefecture in 00."""
    if len(area_code) == CODE_LENGTHS[0]:
        area_code = area_code.removesuffix("00").removesuffix("00")
    return code.startswith(area_code)


# By a column


def _by_column(table: Table, options: Options) -> list[Units]:
    if not all(row.code for row in table.rows):
        raise _missing_codes(table)
    _check_distinct([row.code for row in table.rows])
    parents = _parents_within(table)
    unknown = sorted({parent for parent in parents.values() if parent not in parents} - {""})
    # All on top may name the service area, which need not be in the file.
    if len(unknown) == 1 and options.area_code in (unknown[0], None) and "" not in parents.values():
        parents = {code: "" if parent == unknown[0] else parent for code, parent in parents.items()}
    depths = _depths(parents)
    levels: list[Units] = [[] for _ in range(1 + max(depths.values()))]
    for row in table.rows:
        levels[depths[row.code]].append(_unit(row, parents[row.code] or None))
    return levels


def _parents_within(table: Table) -> dict[str, str]:
    """The parent that a column names for each code of the same file; "" on top."""
    field = table.source.parent_field or _named_like_parent(table)
    if field not in table.columns:
        raise _no_parent_column(table)
    padded = all(is_by_rule(row.code) for row in table.rows)
    parents = {row.code: row.texts[field] for row in table.rows}
    parents = {
        code: significant(parent) if padded and is_by_rule(parent) else parent for code, parent in parents.items()
    }
    return {code: "" if parent == code else parent for code, parent in parents.items()}


def _named_like_parent(table: Table) -> str:
    found = [column for column in table.columns if PARENT.fullmatch(column.strip().lower())]
    if len(found) > 1:
        raise _ambiguous_parent(found)
    return found[0] if found else ""


def _depths(parents: Mapping[str, str]) -> dict[str, int]:
    """How far below the top each code is."""
    unknown = {code: parent for code, parent in parents.items() if parent and parent not in parents}
    if unknown:
        raise _unknown_parents(unknown)
    depths: dict[str, int] = {"": -1}
    for code in parents:
        path = [code]
        while path[-1] not in depths:
            above = parents[path[-1]]
            if above in path:
                raise _cycle(path[path.index(above) :])
            path.append(above)
        for below in reversed(path[:-1]):
            depths[below] = depths[parents[below]] + 1
    del depths[""]
    return depths


# By files, one a level


def _by_files(tables: Sequence[Table], options: Options, notes: list[Note]) -> list[Units]:
    levels: list[Units] = []
    for table in tables:
        above = levels[-1] if levels else []
        if above:
            parents = _parents_above(table, above, notes)
            rows = with_codes(table.rows, parents, table.source.label, notes)
            units = [_unit(row, parent) for row, parent in zip(rows, parents, strict=True)]
        else:
            units = [_unit(row, None) for row in _numbered_on_top(table, options, notes)]
        _check_distinct([unit.code for unit in units])
        levels.append(units)
    return levels


def _numbered_on_top(table: Table, options: Options, notes: list[Note]) -> list[Row]:
    """The rows of the first level, those without a code numbered below the service area."""
    if all(row.code for row in table.rows):
        return table.rows
    area_code = options.area_code or common_county([row.code for row in table.rows])
    if area_code is None:
        raise _missing_codes(table)
    return with_codes(table.rows, [area_code] * len(table.rows), table.source.label, notes)


def _parents_above(table: Table, above: Units, notes: list[Note]) -> list[str]:
    """The code in the level above for each row: in the column stated, or in one whose texts are codes or names there."""
    names = Counter(unit.name for unit in above)
    by_code = {unit.code: unit.code for unit in above}
    by_name = {unit.name: unit.code for unit in above if names[unit.name] == 1}
    candidates = _parent_candidates(table, above)
    for keys in (by_code, by_name):
        fitting = {
            column: [keys[text] for text in texts] for column, texts in candidates.items() if keys.keys() >= set(texts)
        }
        if fitting:
            column, parents = next(iter(fitting.items()))
            if any(others != parents for others in fitting.values()):
                raise _ambiguous_parent(list(fitting))
            file = table.source.label
            notes.append({"zh": f"{file} 的上级：{column}。", "en": f"Parents of {file}: {column}."})
            return parents
    known = by_code.keys() | by_name.keys()
    fits = {column: sum(text in known for text in texts) for column, texts in candidates.items()}
    nearest = max(fits, key=lambda column: fits[column], default=None)
    if nearest is None or (fits[nearest] == 0 and table.source.parent_field is None):
        raise _no_parent_column(table)
    codes = [row.code or row.name or str(number) for number, row in enumerate(table.rows, start=1)]
    named = zip(codes, candidates[nearest], strict=True)
    raise _unknown_parents({code: text for code, text in named if text not in known})


def _parent_candidates(table: Table, above: Units) -> dict[str, list[str]]:
    """What could name the parent of each row: the column stated, or any column and the beginning of the code."""
    stated = table.source.parent_field
    if stated is not None and stated not in table.columns:
        raise _no_parent_column(table)
    own = (table.code_field, table.name_field)
    columns = [stated] if stated else [column for column in table.columns if column not in own]
    codes = {unit.code for unit in above}
    by_rule = all(map(is_by_rule, codes))

    def plain(text: str) -> str:
        return significant(text) if by_rule and is_by_rule(text) and text not in codes else text

    candidates = {column: [plain(row.texts[column]) for row in table.rows] for column in columns}
    lengths = set(map(len, codes))
    if stated is None and by_rule and len(lengths) == 1 and all(is_by_rule(row.code) for row in table.rows):
        [length] = lengths
        candidates[CODE_PREFIX] = [row.code[:length] if len(row.code) > length else "" for row in table.rows]
    return candidates


# The service area, and the names of the levels


def _with_service_area(levels: list[Units], options: Options, notes: list[Note]) -> list[Units]:
    """Put a service area on top, unless the first level is one."""
    top = levels[0]
    codes = [unit.code for unit in top]
    code = options.area_code
    if len(top) == 1 and len(levels) > 1 and code in (None, top[0].code):
        area = replace(top[0], parent=None, name=options.area_name or top[0].name)
        return [[area], *levels[1:]]
    code = code or common_county(codes)
    if code is None:
        raise AreaCodeNeeded(
            f"第一级有 {len(top)} 个网格，服务区域由它们合成，但看不出它的编码。请给出服务区域编码（--area-code）。",
            f"The service area is the union of the {len(top)} grids of the first level, but nothing tells its code. "
            "Give it (--area-code).",
        )
    kind = top[0].kind if len({unit.kind for unit in top}) == 1 else "rural"
    area = Unit(code, options.area_name or code, None, kind, None)
    notes.append(
        {
            "zh": f"服务区域 {area.code} 由第一级的 {len(top):,} 个网格合成。",
            "en": f"Service area {area.code} is the union of the {len(top):,} grids of the first level.",
        }
    )
    return [[area], [replace(unit, parent=code) for unit in top], *levels[1:]]


def _level_names(levels: Sequence[Units], options: Options) -> tuple[str, ...]:
    if options.level_names:
        if len(options.level_names) != len(levels):
            given = "、".join(options.level_names)
            raise WrongNumberOfLevels(
                f"连同服务区域共有 {len(levels)} 级，而给出了 {len(options.level_names)} 个级别名称（{given}）。请逐级给出。",
                f"There are {len(levels)} levels with the service area, but {len(options.level_names)} names of levels "
                f"({given}). Give one a level.",
            )
        return tuple(options.level_names)
    names = [LEVEL_NAMES.get(length, "") for length in map(_code_length, levels)]
    if levels[0][0].code.endswith("00") or not names[0]:
        names[0] = SERVICE_AREA
    return tuple(name if name and names.count(name) == 1 else f"第{number}级" for number, name in enumerate(names))


def _code_length(units: Units) -> int:
    """The length of the codes of a level if they all begin like those of a county, else 0."""
    lengths = {len(unit.code) if unit.code[: CODE_LENGTHS[0]].isdigit() else 0 for unit in units}
    return lengths.pop() if len(lengths) == 1 else 0


# What is refused


def _check_distinct(codes: Sequence[str]) -> None:
    twice = [code for code, count in Counter(codes).items() if count > 1]
    if twice:
        raise DuplicateCodes(
            f"{len(twice):,} 个编码用于不止一个网格：{some(twice, between='、')}。请改正；若是同一网格的几块，请合并为一个要素。",
            f"{len(twice):,} codes stand for more than one grid: {some(twice, between=', ')}. Correct them; "
            "if they are parts of one grid, merge them into one feature.",
            codes=twice,
        )


def _check_lengths(levels: Sequence[Units]) -> None:
    units = [unit for of_level in levels for unit in of_level]
    long = [u.code for u in units if len(u.code) > MAX_CODE] + [u.name for u in units if len(u.name) > MAX_NAME]
    long += [unit.bank_code for unit in units if len(unit.bank_code) > 40]
    if long:
        raise TextTooLong(
            f"编码最长 {MAX_CODE} 字，名称最长 {MAX_NAME} 字；这些超过了：{some(long, between='、')}。请缩短后重新导出。",
            f"A code has at most {MAX_CODE} characters, a name {MAX_NAME}; these have more: {some(long, between=', ')}. "
            "Shorten them and export again.",
            texts=long,
        )


def _check_parents(units: Units, above: set[str]) -> None:
    unknown = {unit.code: unit.parent or "" for unit in units if unit.parent not in above}
    if unknown:
        raise _unknown_parents(unknown)


def _unknown_parents(unknown: Mapping[str, str]) -> UnknownParent:
    shown = some([f"{code} → {parent or '–'}" for code, parent in unknown.items()], between="; ")
    return UnknownParent(
        f"{len(unknown):,} 个网格的上级不在文件中（网格 → 上级）：{shown}。请补上这些上级，或改正所属关系。",
        f"The parents of {len(unknown):,} grids are not in the files (grid → parent): {shown}. "
        "Add these parents, or correct the reference.",
        unknown=[{"code": code, "parent": parent} for code, parent in unknown.items()],
    )


def _missing_codes(table: Table) -> ColumnNotFound | MissingCodes:
    if table.code_field is None:
        return ColumnNotFound(
            f"没有找到编码列。文件中的列：{listing(table.columns)}。请指定编码列（--code-field），"
            "或给出服务区域编码（--area-code）以便自动编号。",
            f"No column of codes was found. The file has: {listing(table.columns)}. Name the column (--code-field), "
            "or give the code of the service area (--area-code) to have the grids numbered.",
            columns=list(table.columns),
        )
    missing = [str(number) for number, row in enumerate(table.rows, start=1) if not row.code]
    return MissingCodes(
        f"编码列“{table.code_field}”有 {len(missing):,} 个为空（第 {some(missing, between='、')} 个要素）。请补上编码后重新导出。",
        f"{len(missing):,} features (number {some(missing, between=', ')}) have nothing in the code column "
        f"“{table.code_field}”. Add the codes and export again.",
        features=[int(number) for number in missing],
    )


def _cycle(codes: Sequence[str]) -> CyclicParents:
    shown = some([*codes, codes[0]], between=" → ")
    return CyclicParents(
        f"上级关系成环：{shown}。请改正其中一个的上级。",
        f"These grids are above themselves: {shown}. Correct the parent of one of them.",
        codes=list(codes),
    )


def _no_parent_column(table: Table) -> ColumnNotFound:
    stated = table.source.parent_field
    missing = (f"没有名为“{stated[:40]}”的列", f"There is no column “{stated[:40]}”") if stated else (
        "没有找到表示上级的列", "No column that names the parent was found")  # fmt: skip
    return ColumnNotFound(
        f"{missing[0]}。文件中的列：{listing(table.columns)}。请指定上级列（--parent-field）。",
        f"{missing[1]}. The file has: {listing(table.columns)}. Name the parent column (--parent-field).",
        columns=list(table.columns),
    )


def _ambiguous_parent(found: Sequence[str]) -> AmbiguousColumn:
    return AmbiguousColumn(
        f"有几列都像是上级，内容却不同：{listing(found)}。请指定用哪一列（--parent-field）。",
        f"Several columns could name the parent, and they differ: {listing(found)}. Say which (--parent-field).",
        candidates=list(found),
    )
