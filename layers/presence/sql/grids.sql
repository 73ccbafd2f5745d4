-- The grid in force in which each person checked in last, and whether she serves it on a day.
SELECT check_in.staff_id, grid.id, grid.name, EXISTS (
    SELECT FROM assignment
    WHERE assignment.staff_id = check_in.staff_id AND assignment.grid_id = grid.id AND status = 'approved'
        AND valid_from <= %(day)s AND (valid_to IS NULL OR valid_to > %(day)s))
FROM check_in
JOIN staff ON staff.id = check_in.staff_id
CROSS JOIN LATERAL home_of(check_in.geom, staff.institution_id) AS home
JOIN service_area ON service_area.id = home.area_id
JOIN grid ON grid.plan_id = service_area.plan_id AND grid.code = home.grid_code
WHERE check_in.staff_id = ANY (%(staff)s)
