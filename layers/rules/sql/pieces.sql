-- The pieces of a grid, the largest first: area and perimeter on the spheroid, holes, and a point inside.
SELECT ST_Area(piece.geom::geography) AS area_m2, ST_Perimeter(piece.geom::geography), ST_NumInteriorRings(piece.geom),
    ST_X(spot), ST_Y(spot)
FROM grid CROSS JOIN LATERAL ST_Dump(grid.geom) AS piece CROSS JOIN LATERAL ST_PointOnSurface(piece.geom) AS spot
WHERE grid.id = ANY (%(grids)s::bigint[])
ORDER BY area_m2 DESC, piece.path
