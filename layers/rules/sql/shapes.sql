-- Area and perimeter on the spheroid, and how many pieces: parts that touch at points only are parts of their own.
SELECT grid.id, ST_Area(grid.geom::geography) AS area_m2, ST_Perimeter(grid.geom::geography) AS perimeter_m,
    ST_NumGeometries(grid.geom) AS pieces
FROM grid
WHERE grid.id = ANY (%(grids)s::bigint[])
