-- People as features of a layer: the columns that all layers have. Whoever has left is there no more.
CREATE VIEW staff_place AS
SELECT id, institution_id, number AS code, name, kind, geom, '{}'::jsonb AS attributes, synthetic, ''::varchar(200) AS source,
       NULL::timestamptz AS updated_at, area_id, grid_code,
       left_on IS NULL OR left_on > (now() AT TIME ZONE 'Asia/Shanghai')::date AS is_active
FROM staff;
