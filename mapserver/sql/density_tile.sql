-- A vector tile of how many features lie where: one point for each small square of the tile that holds any, at their middle.
-- Squares are half open, so that a feature on the border of two tiles is counted once. {spots}: id, place, name as shown, kind.
WITH bounds AS (
    SELECT mercator, ST_XMin(box) AS west, ST_YMin(box) AS south,
        %(squares)s::int / (ST_XMax(box) - ST_XMin(box)) AS across, %(squares)s::int / (ST_YMax(box) - ST_YMin(box)) AS up
    FROM ST_TileEnvelope(%(z)s::int, %(x)s::int, %(y)s::int) AS mercator, ST_Transform(mercator, 4490) AS box
),
square AS (
    SELECT floor((found.lon - west) * across)::int AS i, floor((found.lat - south) * up)::int AS j,
        count(*) AS n, avg(found.lon) AS lon, avg(found.lat) AS lat
    FROM bounds, ({spots}) AS found (id, lon, lat, name, kind)
    GROUP BY 1, 2
),
spot AS (
    SELECT square.n,
        ST_AsMVTGeom(ST_Transform(ST_SetSRID(ST_MakePoint(square.lon, square.lat), 4490), 3857), bounds.mercator) AS geom
    FROM square, bounds
    WHERE i BETWEEN 0 AND %(squares)s::int - 1 AND j BETWEEN 0 AND %(squares)s::int - 1
)
SELECT ST_AsMVT(spot, %(layer)s::text, 4096, 'geom') FROM spot WHERE geom IS NOT NULL
