-- A page of a layer's features as GeoJSON. {{page}} gives id, the name as the user is shown it, and metres from the place asked
-- for; {{matched}} is how many there are in all; {{more}} what else is told of each.
WITH page AS MATERIALIZED (
    SELECT row_number() OVER () AS n, found.*
    FROM (SELECT * FROM ({page}) AS found LIMIT %(limit)s::bigint OFFSET %(offset)s::bigint) AS found (id, shown_name, distance_m)
),
-- The vocabulary; `scored`: the attributes that count for completeness (十个一).
word AS MATERIALIZED (
    SELECT DISTINCT ON (known.key, bank_of(owner.path)) known.key, bank_of(owner.path) AS bank,
        coalesce(CASE WHEN %(language)s::text = 'en' THEN nullif(known.name_en, '') END, known.name) AS label,
        ARRAY(SELECT item ->> 'key' FROM jsonb_array_elements(known.attributes) AS item WHERE (item -> 'scored')::boolean) AS scored
    FROM feature_kind AS known LEFT JOIN institution AS owner ON owner.id = known.institution_id
    WHERE known.layer = %(layer)s::text
    ORDER BY known.key, bank_of(owner.path), known.id
)
SELECT json_build_object(
    'type', 'FeatureCollection',
    'numberMatched', {matched},
    'numberReturned', count(*),
    'next', CASE WHEN %(cursor)s::boolean AND count(*) = %(limit)s::bigint THEN max(page.id) END,
    'features', coalesce(json_agg(json_build_object(
        'type', 'Feature',
        'id', feature.id,
        'geometry', ST_AsGeoJSON(feature.geom, 7)::json,
        'properties', json_build_object(
            'id', feature.id,
            'code', feature.code,
            'name', page.shown_name,
            'kind', feature.kind,
            'kind_label', coalesce(common.label, own.label, feature.kind),
            'institution', institution.name,
            'institution_id', institution.id,
            'active', feature.is_active,
            'synthetic', feature.synthetic
            {more})
    ) ORDER BY page.n), '[]')
)::text
FROM page
JOIN {table} AS feature ON feature.id = page.id
JOIN institution ON institution.id = feature.institution_id
LEFT JOIN word AS common ON common.key = feature.kind AND common.bank IS NULL
LEFT JOIN word AS own ON own.key = feature.kind AND own.bank = bank_of(institution.path)
