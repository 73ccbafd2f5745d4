-- What the rows become: attributes that the file has no column for stay, unless the kind is another.
UPDATE staged SET geom = to_lattice(ST_SetSRID(coalesce(ST_GeomFromText(path), ST_MakePoint(lon, lat)), 4490));
ANALYZE staged;
UPDATE staged SET
    known = true,
    attributes = merged.attributes,
    synthetic = merged.synthetic,
    source = merged.source,
    changed = merged.changed,
    had_source = merged.had_source
FROM (
    SELECT asked.institution_id, asked.code, new.attributes, new.synthetic, new.source,
        (had.name, had.kind, had.geom, had.attributes, had.synthetic, had.source)
            IS DISTINCT FROM (asked.name, asked.kind, CASE WHEN asked.path IS NULL AND GeometryType(had.geom) <> 'POINT' THEN had.geom ELSE asked.geom END, new.attributes, new.synthetic, new.source)
            OR NOT to_jsonb(had) @> asked.own OR NOT had.is_active AS changed,
        had.source AS had_source
    FROM staged AS asked
    JOIN {table} AS had ON had.institution_id = asked.institution_id AND had.code = asked.code
    CROSS JOIN LATERAL (
        SELECT
            CASE WHEN had.kind = asked.kind THEN (had.attributes - %(mapped)s::text[]) || asked.attributes
                ELSE asked.attributes END AS attributes,
            coalesce(asked.synthetic, had.synthetic) AS synthetic,
            coalesce(asked.source, had.source) AS source
    ) AS new
) AS merged
WHERE merged.institution_id = staged.institution_id AND merged.code = staged.code;
SELECT count(*) FILTER (WHERE NOT known), count(*) FILTER (WHERE changed), count(*) FILTER (WHERE known AND NOT changed)
FROM staged
