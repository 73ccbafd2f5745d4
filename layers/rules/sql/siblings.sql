-- Each grid, its parent, and the grids directly below that parent.
SELECT grid.id, sibling.id
FROM grid JOIN grid AS sibling ON sibling.parent_id IS NOT DISTINCT FROM grid.parent_id AND sibling.plan_id = grid.plan_id
WHERE grid.id = ANY (%(grids)s::bigint[])
