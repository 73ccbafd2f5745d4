-- A page of a layer's features as GeoJSON. `page` gives id, the name as the user is shown it, and metres from the place asked for.
WITH page AS MATERIALIZED (
    SELECT row_number() OVER () AS n, found.* FROM ({page}) AS found (id, shown_name, distance_m)
)
SELECT json_build_object(
    'type', 'FeatureCollection',
    'numberMatched', coalesce(%(matched)s::bigint, count(*)),
    'numberReturned', count(*),
    'next', CASE WHEN %(cursor)s::boolean AND count(*) = %(limit)s::bigint THEN max(page.id) END,
    'features', coalesce(json_agg(json_build_object(
        'type', 'Feature',
        'id', feature.id,
        'geometry', ST_AsGeoJSON(feature.geom, 7)::json,
        'properties', jsonb_build_object(
            'id', feature.id,
            'code', feature.code,
            'name', page.shown_name,
            'kind', feature.kind,
            'kind_label', coalesce(CASE WHEN %(language)s::text = 'en' THEN nullif(kind.name_en, '') END, kind.name, feature.kind),
            'institution', institution.name,
            'institution_id', institution.id,
            'active', feature.is_active,
            'synthetic', feature.synthetic)
            || CASE WHEN page.distance_m IS NULL THEN '{{}}' ELSE jsonb_build_object('distance_m', page.distance_m) END
            || CASE WHEN %(personal)s::boolean THEN '{{}}' ELSE jsonb_build_object(
                'attributes', feature.attributes, 'source', feature.source, 'updated_at', feature.updated_at) END
            || CASE WHEN score.total > 0 AND NOT %(personal)s::boolean THEN jsonb_build_object('completeness',
                jsonb_build_object('done', score.total - cardinality(score.missing), 'of', score.total, 'missing', score.missing))
                ELSE '{{}}' END
            || CASE WHEN %(with_grid)s::boolean THEN jsonb_build_object('grid', (
                SELECT jsonb_build_object('id', leaf.id, 'code', leaf.code, 'name', leaf.name, 'plan_id', leaf.plan_id, 'chain', (
                    WITH RECURSIVE chain AS (
                        SELECT leaf.id, leaf.parent_id, leaf.code, leaf.name, leaf.level
                        UNION ALL
                        SELECT up.id, up.parent_id, up.code, up.name, up.level FROM grid AS up JOIN chain ON up.id = chain.parent_id
                    )
                    SELECT jsonb_agg(jsonb_build_object('id', chain.id, 'code', chain.code, 'name', chain.name, 'level', level,
                        'level_name', plan.level_names[level + 1]) ORDER BY level)
                    FROM chain))
                FROM service_area AS area
                JOIN plan ON plan.id = area.plan_id
                JOIN grid AS leaf ON leaf.plan_id = plan.id AND leaf.code = feature.grid_code
                WHERE area.id = feature.area_id AND plan.id IN ({plans}))) ELSE '{{}}' END
    ) ORDER BY page.n), '[]')
)::text
FROM page
JOIN {table} AS feature ON feature.id = page.id
JOIN institution ON institution.id = feature.institution_id
LEFT JOIN LATERAL (
    SELECT known.* FROM feature_kind AS known LEFT JOIN institution AS owner ON owner.id = known.institution_id
    WHERE known.layer = %(layer)s::text AND known.key = feature.kind
        AND (known.institution_id IS NULL OR bank_of(owner.path) = bank_of(institution.path))
    ORDER BY known.institution_id NULLS FIRST LIMIT 1
) AS kind ON true
-- Of the attributes that count for completeness (十个一), those that are not true.
CROSS JOIN LATERAL (
    SELECT count(*) AS total,
        coalesce(array_agg(item ->> 'key') FILTER (WHERE feature.attributes -> (item ->> 'key') IS DISTINCT FROM 'true'), '{{}}') AS missing
    FROM jsonb_array_elements(kind.attributes) AS item
    WHERE (item -> 'scored')::boolean
) AS score
