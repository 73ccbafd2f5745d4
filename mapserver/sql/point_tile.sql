WITH bounds AS (SELECT ST_TileEnvelope(%(z)s::int, %(x)s::int, %(y)s::int) AS mercator),
spot AS (
    SELECT point.id, point.name, point.kind, point.synthetic,
           ST_AsMVTGeom(ST_Transform(point.geom, 3857), bounds.mercator) AS geom
    FROM {table} AS point, bounds
    WHERE point.id IN ({points}) AND point.geom && ST_Transform(ST_Expand(bounds.mercator, 1), 4490)
)
SELECT ST_AsMVT(spot, %(layer)s::text, 4096, 'geom', 'id') FROM spot WHERE geom IS NOT NULL
