-- The border sum of a polygon: Σ over its directed edges a→b (inside on the left) of a hash that changes sign with the
-- direction, so that shared borders cancel. 128 bits: two independently seeded 64-bit halves, added up without overflow.
-- Python twin: gis.border.border_sum. The form is the fastest of a dozen measured (docs/decisions.md): one text of the
-- whole polygon, set-returning functions in the select list.
CREATE FUNCTION border_sum(geom geometry) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = public, pg_temp AS $$
DECLARE
    -- 'x y' texts of lattice integers, in ring order; '*' stands between two rings.
    vertices text[] := string_to_array(
        replace(replace(
            btrim(ST_AsText(ST_Scale(ST_ForcePolygonCCW(geom), 1e7, 1e7), 0), 'MULTIPOLYGON()'),
            ')),((', ',*,'), '),(', ',*,'), ',');
    low numeric;
    high numeric;
BEGIN
    SELECT sum(CASE WHEN a < b THEN hashtextextended(b, hashtextextended(a, 1)) ELSE -hashtextextended(a, hashtextextended(b, 1)) END),
           sum(CASE WHEN a < b THEN hashtextextended(b, hashtextextended(a, 2)) ELSE -hashtextextended(a, hashtextextended(b, 2)) END)
    INTO low, high
    FROM (SELECT unnest(vertices) COLLATE "C" AS a, unnest(vertices[2:]) COLLATE "C" AS b) AS edge
    WHERE a <> '*' AND b <> '*' AND a <> b;
    RETURN low + high * 18446744073709551616;
END $$;
