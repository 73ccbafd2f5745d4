-- In each grid and below it, on a day: the smallest grids, and which of them have no grid worker in charge.
WITH RECURSIVE below AS (
    SELECT id AS top, id FROM unnest(%(grids)s::bigint[]) AS grid (id)
    UNION ALL
    SELECT below.top, child.id FROM below JOIN grid AS child ON child.parent_id = below.id
)
SELECT below.top, below.id, NOT EXISTS (
    SELECT FROM assignment
    WHERE assignment.grid_id = below.id AND status = 'approved' AND role = 'worker' AND kind = 'main'
        AND daterange(valid_from, valid_to) @> %(day)s::date)
FROM below
WHERE NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = below.id)
