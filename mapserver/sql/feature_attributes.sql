, 'attributes', feature.attributes, 'source', feature.source, 'updated_at', feature.updated_at,
'completeness', CASE WHEN cardinality(coalesce(common.scored, own.scored)) > 0 THEN (
    SELECT json_build_object('done', count(*) FILTER (WHERE is_done), 'of', count(*),
        'missing', coalesce(json_agg(key ORDER BY n) FILTER (WHERE NOT is_done), '[]'))
    FROM unnest(coalesce(common.scored, own.scored)) WITH ORDINALITY AS item (key, n),
        coalesce(feature.attributes -> key = 'true', false) AS is_done) END
