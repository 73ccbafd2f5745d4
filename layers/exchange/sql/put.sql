-- A point of a file leaves what is a line where it is.
INSERT INTO {table} AS had (institution_id, code, name, kind, geom, attributes, synthetic, source, updated_at{columns})
SELECT institution_id, code, name, kind, geom, attributes, coalesce(synthetic, false), coalesce(source, %(source)s), now(){values}
FROM staged
WHERE NOT known OR (changed AND %(update)s)
ORDER BY line
ON CONFLICT (institution_id, code) DO UPDATE SET
    name = excluded.name, kind = excluded.kind, geom = CASE WHEN GeometryType(excluded.geom) = 'POINT' AND GeometryType(had.geom) <> 'POINT' THEN had.geom ELSE excluded.geom END, attributes = excluded.attributes,
    synthetic = excluded.synthetic, source = excluded.source, is_active = true, updated_at = now(){updates}
WHERE %(update)s
