-- A point inside each grid: where its label stands.
SELECT grid.id, ST_X(spot), ST_Y(spot)
FROM grid CROSS JOIN LATERAL ST_PointOnSurface(grid.geom) AS spot
WHERE grid.id = ANY (%(grids)s::bigint[])
