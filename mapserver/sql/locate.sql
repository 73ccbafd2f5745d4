-- Which grid is this, who is in charge, how far is the border, what is near: one statement, one JSON text, which is the
-- answer as it goes out; null outside every grid. The tie-break on a border or corner: the leaf with the smallest code;
-- the chain follows the leaf. Each node of the plan costs its start at every request, so the place is a parameter, not a row.
WITH leaf AS MATERIALIZED (
    SELECT *
    FROM (
        SELECT grid.id, grid.plan_id, grid.parent_id, grid.code, grid.name, grid.kind, grid.level, grid.geom
        FROM grid
        WHERE grid.geom && %(here)s::geometry AND grid.plan_id = ANY (ARRAY({plans}))
            AND NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = grid.id)
        OFFSET 0  -- the exact test reads the whole polygon, so it comes last, for the few leaves whose boxes hold the point
    ) AS candidate
    WHERE ST_Intersects(geom, %(here)s::geometry)
    ORDER BY plan_id, code
    LIMIT 1
),
around AS (
    SELECT other.id, other.code, other.name, ST_Distance(other.geom::geography, %(here)s::geometry::geography) AS distance_m
    FROM leaf, grid AS other
    WHERE %(accuracy)s::float8 > 0 AND other.plan_id = leaf.plan_id AND other.id <> leaf.id
        AND NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = other.id)
        AND other.geom && ST_Expand(%(here)s::geometry,
            %(accuracy)s::float8 / (110000 * cos(radians(ST_Y(%(here)s::geometry)))), %(accuracy)s::float8 / 110000)
        AND ST_Distance(other.geom::geography, %(here)s::geometry::geography) <= %(accuracy)s::float8
),
people AS (
    SELECT assignment.grid_id, staff.name, assignment.kind, assignment.role, staff.kind AS staff_kind, institution.path, staff.synthetic, staff.user_id,
           institution.name AS institution, assignment.valid_from AS since,
           CASE WHEN institution.path LIKE %(own_path)s::text || '%%' THEN staff.work_phone END AS work_phone
    FROM assignment JOIN staff ON staff.id = assignment.staff_id JOIN institution ON institution.id = staff.institution_id
    WHERE assignment.grid_id IN (SELECT id FROM leaf UNION SELECT id FROM around) AND assignment.id IN ({assignments})
),
own_kind AS (  -- words that banks have added, looked at where one occurs
    SELECT layer, key, bank_of(owner.path) AS bank,
           coalesce(CASE WHEN %(language)s::text = 'en' THEN nullif(name_en, '') END, kind.name) AS label
    FROM feature_kind AS kind JOIN institution AS owner ON owner.id = kind.institution_id
),
bank AS MATERIALIZED (SELECT ARRAY({institutions}) AS institutions)
SELECT json_build_object(
    'point', json_build_object('lon', ST_X(%(here)s::geometry), 'lat', ST_Y(%(here)s::geometry), 'datum', 'cgcs2000'),
    'plan', json_build_object('id', plan.id, 'name', plan.name, 'synthetic', plan.synthetic, 'institution', institution.name),
    'grid', json_build_object('id', leaf.id, 'code', leaf.code, 'name', leaf.name, 'kind', leaf.kind, 'level', leaf.level),
    'chain', (
        WITH RECURSIVE chain AS (
            SELECT id, parent_id, code, name, level FROM leaf
            UNION ALL
            SELECT up.id, up.parent_id, up.code, up.name, up.level FROM grid AS up JOIN chain ON up.id = chain.parent_id
        )
        SELECT json_agg(json_build_object('id', id, 'code', code, 'name', name, 'level', level,
            'level_name', plan.level_names[level + 1]) ORDER BY level)
        FROM chain),
    'people_visible', %(people_visible)s::boolean,
    'responsible', (
        SELECT coalesce(json_agg(json_build_object('name', name, 'kind', kind, 'kind_label', {words} -> ('assignment.' || kind),
            'role', role, 'role_label', coalesce({words} ->> ('role.' || role), term_label('{{}}', 'role', role, path, %(language)s::text)),
            'staff_kind_label', coalesce({words} ->> ('staff.' || staff_kind), (
                SELECT min(label) FROM own_kind WHERE layer = 'staff' AND key = staff_kind AND bank = bank_of(path)), staff_kind), 'institution', people.institution,
            'work_phone', work_phone, 'synthetic', synthetic, 'since', since) ORDER BY kind DESC, role DESC, name), '[]')
        FROM people WHERE grid_id = leaf.id),
    'mine', EXISTS (SELECT FROM people WHERE grid_id = leaf.id AND user_id = %(user)s::bigint),
    'border_point', json_build_array(ST_X(border.point), ST_Y(border.point)),
    'border_distance_m', border.distance_m,
    'near_border', border.distance_m <= %(accuracy)s::float8,
    'candidates', (
        SELECT coalesce(json_agg(json_build_object('id', id, 'code', code, 'name', name, 'distance_m', distance_m,
            'responsible', (SELECT coalesce(json_agg(people.name), '[]') FROM people WHERE grid_id = around.id AND kind = 'main'))
            ORDER BY distance_m, code), '[]')
        FROM around),
    'nearest', json_build_object(
        'outlets', (
            SELECT coalesce(json_agg(json_build_object('id', id, 'name', name, 'kind', kind, 'kind_label', coalesce({words} ->> ('outlets.' || kind), (
                    SELECT min(label) FROM own_kind, institution AS owner
                    WHERE owner.id = spot.institution_id AND layer = 'outlets' AND key = spot.kind AND bank = bank_of(owner.path)), kind),
                'synthetic', synthetic, 'lon', ST_X(geom), 'lat', ST_Y(geom), 'distance_m', distance_m) ORDER BY distance_m), '[]')
            FROM (
                SELECT outlet.*, ST_Distance(geom::geography, %(here)s::geometry::geography) AS distance_m
                FROM outlet WHERE is_active AND institution_id = ANY (bank.institutions) ORDER BY geom::geography <-> %(here)s::geometry::geography LIMIT 3) AS spot),
        'machines', (
            SELECT coalesce(json_agg(json_build_object('id', id, 'name', name, 'kind', kind, 'kind_label', coalesce({words} ->> ('machines.' || kind), (
                    SELECT min(label) FROM own_kind, institution AS owner
                    WHERE owner.id = spot.institution_id AND layer = 'machines' AND key = spot.kind AND bank = bank_of(owner.path)), kind),
                'synthetic', synthetic, 'lon', ST_X(geom), 'lat', ST_Y(geom), 'distance_m', distance_m) ORDER BY distance_m), '[]')
            FROM (
                SELECT machine.*, ST_Distance(geom::geography, %(here)s::geometry::geography) AS distance_m
                FROM machine WHERE is_active AND institution_id = ANY (bank.institutions) ORDER BY geom::geography <-> %(here)s::geometry::geography LIMIT 3) AS spot)
    )
)::text
FROM leaf JOIN plan ON plan.id = leaf.plan_id JOIN institution ON institution.id = plan.institution_id, bank,
    LATERAL (
        SELECT point, ST_Distance(point::geography, %(here)s::geometry::geography) AS distance_m
        FROM ST_Transform(ST_ClosestPoint(
            ST_Transform(ST_Boundary(leaf.geom), 3857), ST_Transform(%(here)s::geometry, 3857)), 4490) AS point
    ) AS border
