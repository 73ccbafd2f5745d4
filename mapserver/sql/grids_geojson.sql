-- ST_AsGeoJSON with 7 decimals writes lattice coordinates without loss.
SELECT json_build_object('type', 'FeatureCollection', 'features', coalesce(json_agg(json_build_object(
    'type', 'Feature',
    'id', grid.id,
    'geometry', ST_AsGeoJSON(grid.geom, 7)::json,
    'properties', json_build_object('code', grid.code, 'name', grid.name, 'level', grid.level, 'kind', grid.kind,
        'parent', parent.code, 'bank_code', grid.bank_code)
) ORDER BY grid.level, grid.code), '[]'))::text
FROM grid LEFT JOIN grid AS parent ON parent.id = grid.parent_id
WHERE grid.plan_id = %(plan)s::bigint AND (%(level)s::int IS NULL OR grid.level = %(level)s::int)
