-- The lattice of 1e-7 degree. TWKB with 7 decimals is exactly "lattice integers", and decodes each to the one double that
-- stands for it (n / 1e7); ST_SnapToGrid and ST_ReducePrecision give a neighbouring double for one coordinate in three.
-- Not declared STRICT, so that PostgreSQL can inline them into checks (measured: 5 µs instead of 40).
CREATE FUNCTION to_lattice(geom geometry) RETURNS geometry
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ST_SetSRID(ST_GeomFromTWKB(ST_AsTWKB(geom, 7)), ST_SRID(geom));

CREATE FUNCTION is_on_lattice(geom geometry) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ST_OrderingEquals(geom, ST_SetSRID(ST_GeomFromTWKB(ST_AsTWKB(geom, 7)), ST_SRID(geom)));
