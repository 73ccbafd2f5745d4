-- A vector tile of features one by one, with a margin for what is drawn across its border. {spots}: id, place, name as shown, kind.
WITH bounds AS (SELECT ST_TileEnvelope(%(z)s::int, %(x)s::int, %(y)s::int) AS mercator),
spot AS (
    SELECT found.id, found.name, found.kind,
        ST_AsMVTGeom(ST_Transform(ST_SetSRID(ST_MakePoint(found.lon, found.lat), 4490), 3857), bounds.mercator) AS geom
    FROM bounds, ({spots}) AS found (id, lon, lat, name, kind)
)
SELECT ST_AsMVT(spot, %(layer)s::text, 4096, 'geom', 'id') FROM spot WHERE geom IS NOT NULL
