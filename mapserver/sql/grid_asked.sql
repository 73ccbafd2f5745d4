-- The level of a grid that may be seen, and the service area that homes the features of its plan, if one does.
SELECT ARRAY[grid.level, area_homing(grid.plan_id)] FROM grid WHERE grid.id = %(grid)s::bigint AND grid.plan_id IN ({plans})
