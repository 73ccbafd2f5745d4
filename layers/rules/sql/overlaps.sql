-- The siblings that cover part of a grid too, the most first: the area of that part, its share of the grid, and a point inside.
SELECT sibling.id, sibling.code, sibling.name, ST_Area(part::geography) AS area_m2, ST_Area(part) / ST_Area(grid.geom),
    ST_X(spot), ST_Y(spot)
FROM grid JOIN plan ON plan.id = grid.plan_id AND plan.policy = 'bounded_overlap'
JOIN grid AS sibling ON sibling.parent_id = grid.parent_id AND sibling.id <> grid.id AND sibling.geom && grid.geom
    AND ST_Relate(sibling.geom, grid.geom, '2********')
CROSS JOIN LATERAL ST_Intersection(grid.geom, sibling.geom) AS part
CROSS JOIN LATERAL ST_PointOnSurface(part) AS spot
WHERE grid.id = ANY (%(grids)s::bigint[])
ORDER BY area_m2 DESC, sibling.code
