-- How many grid workers are in charge in each grid and in all grids below it, on a day.
WITH RECURSIVE below AS (
    SELECT id AS top, id FROM unnest(%(grids)s::bigint[]) AS grid (id)
    UNION ALL
    SELECT below.top, child.id FROM below JOIN grid AS child ON child.parent_id = below.id
)
SELECT below.top, count(DISTINCT assignment.staff_id)
FROM below LEFT JOIN assignment ON assignment.grid_id = below.id AND assignment.status = 'approved'
    AND assignment.role = 'worker' AND assignment.kind = 'main'
    AND daterange(assignment.valid_from, assignment.valid_to) @> %(day)s::date
GROUP BY below.top
