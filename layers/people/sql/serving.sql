-- Who serves in each of some grids on a day, and, where asked, in the grids below it: the grid asked for, person, role, kind, grid.
WITH RECURSIVE below AS (
    SELECT id AS top, id FROM unnest(%(grids)s::bigint[]) AS grid (id)
    UNION ALL
    SELECT below.top, child.id FROM below JOIN grid AS child ON child.parent_id = below.id AND %(below)s
)
SELECT below.top, assignment.staff_id, assignment.role, assignment.kind, assignment.grid_id
FROM below JOIN assignment ON assignment.grid_id = below.id
WHERE assignment.status = 'approved' AND daterange(assignment.valid_from, assignment.valid_to) @> %(day)s::date
