-- Of each person on a day: smallest grids in charge of as a worker, direct subordinates, duties.
SELECT staff.id,
    (SELECT count(DISTINCT assignment.grid_id) FROM assignment JOIN grid ON grid.id = assignment.grid_id
     WHERE assignment.staff_id = staff.id AND assignment.status = 'approved' AND assignment.kind = 'main'
        AND assignment.role = 'worker' AND daterange(assignment.valid_from, assignment.valid_to) @> %(day)s::date
        AND NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = grid.id)),
    (SELECT count(*) FROM staff AS below
     WHERE below.supervisor_id = staff.id AND (below.left_on IS NULL OR below.left_on > %(day)s::date)),
    cardinality(staff.duties)
FROM staff WHERE staff.id = ANY (%(staff)s)
