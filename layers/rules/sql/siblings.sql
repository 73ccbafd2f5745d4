-- Each grid and the grids directly below its parent, itself among them; a service area stands alone.
SELECT grid.id, sibling.id
FROM grid JOIN grid AS sibling ON sibling.parent_id = grid.parent_id
WHERE grid.id = ANY (%(grids)s::bigint[])
UNION ALL
SELECT id, id FROM grid WHERE id = ANY (%(grids)s::bigint[]) AND parent_id IS NULL
