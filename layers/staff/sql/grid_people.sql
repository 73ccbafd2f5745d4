-- How many people serve each grid in a role on a day.
SELECT grid.id, count(assignment.id)
FROM unnest(%(grids)s::bigint[]) AS grid (id)
LEFT JOIN assignment ON assignment.grid_id = grid.id AND assignment.status = 'approved' AND assignment.role = %(role)s
    AND assignment.kind = ANY (%(kinds)s)
    AND daterange(assignment.valid_from, assignment.valid_to) @> %(day)s::date
GROUP BY grid.id
