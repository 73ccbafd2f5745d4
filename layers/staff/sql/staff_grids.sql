-- The smallest grids that people are in charge of on a day, in any role.
SELECT DISTINCT assignment.staff_id, grid.id
FROM assignment JOIN grid ON grid.id = assignment.grid_id
WHERE assignment.staff_id = ANY (%(staff)s) AND assignment.status = 'approved' AND assignment.kind = 'main'
    AND daterange(assignment.valid_from, assignment.valid_to) @> %(day)s::date
    AND NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = grid.id)
