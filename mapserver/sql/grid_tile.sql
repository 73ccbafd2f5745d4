WITH bounds AS (SELECT ST_TileEnvelope(%(z)s::int, %(x)s::int, %(y)s::int) AS mercator),
shape AS (
    SELECT grid.id, grid.code, grid.name, grid.kind,
           ST_AsMVTGeom(ST_Transform(grid.geom, 3857), bounds.mercator) AS geom
    FROM grid, bounds
    WHERE grid.plan_id = %(plan)s::bigint AND grid.level = %(level)s::bigint
        AND grid.geom && ST_Transform(ST_Expand(bounds.mercator, 1), 4490)
)
SELECT ST_AsMVT(shape, 'grids', 4096, 'geom', 'id') FROM shape WHERE geom IS NOT NULL
