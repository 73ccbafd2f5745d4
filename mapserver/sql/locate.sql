-- Which grid is this, who is in charge, how far is the border, what is near: one statement, one JSON value; null outside
-- every grid. The tie-break on a border or corner: the leaf with the smallest code; the chain follows the leaf.
WITH here AS (
    SELECT point AS geom, point::geography AS geog
    FROM ST_SetSRID(ST_MakePoint(%(lon)s::float8, %(lat)s::float8), 4490) AS point
),
-- The exact test reads the whole polygon, so it comes last, for the few leaves whose boxes hold the point.
candidate AS MATERIALIZED (
    SELECT grid.*
    FROM grid, here
    WHERE grid.geom && here.geom AND grid.plan_id = ANY (ARRAY({plans}))
        AND NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = grid.id)
),
leaf AS MATERIALIZED (
    SELECT candidate.*
    FROM candidate, here
    WHERE ST_Intersects(candidate.geom, here.geom)
    ORDER BY candidate.plan_id, candidate.code
    LIMIT 1
),
border AS (
    SELECT ST_Transform(ST_ClosestPoint(
        ST_Transform(ST_Boundary(leaf.geom), 3857), ST_Transform(here.geom, 3857)), 4490) AS nearest
    FROM leaf, here
),
around AS (
    SELECT other.id, other.code, other.name, ST_Distance(other.geom::geography, here.geog) AS distance_m
    FROM leaf, here, grid AS other
    WHERE %(accuracy)s::float8 > 0 AND other.plan_id = leaf.plan_id
        AND NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = other.id)
        AND other.geom && ST_Expand(here.geom, %(accuracy)s::float8 / (110000 * cos(radians(%(lat)s::float8))), %(accuracy)s::float8 / 110000)
        AND ST_Distance(other.geom::geography, here.geog) <= %(accuracy)s::float8
),
people AS (
    SELECT assignment.grid_id, staff.name, assignment.kind, assignment.role, staff.kind AS staff_kind, institution.id AS institution_id, staff.synthetic, staff.user_id,
           institution.name AS institution, assignment.valid_from AS since,
           CASE WHEN institution.path LIKE %(own_path)s::text || '%%' THEN staff.work_phone END AS work_phone
    FROM assignment JOIN staff ON staff.id = assignment.staff_id JOIN institution ON institution.id = staff.institution_id
    WHERE assignment.grid_id IN (SELECT id FROM leaf UNION SELECT id FROM around) AND assignment.id IN ({assignments})
)
SELECT jsonb_build_object(
    'plan', (
        SELECT jsonb_build_object('id', plan.id, 'name', plan.name, 'synthetic', plan.synthetic, 'institution', institution.name)
        FROM plan JOIN institution ON institution.id = plan.institution_id WHERE plan.id = leaf.plan_id),
    'grid', jsonb_build_object('id', leaf.id, 'code', leaf.code, 'name', leaf.name, 'kind', leaf.kind, 'level', leaf.level),
    'chain', (
        WITH RECURSIVE chain AS (
            SELECT id, parent_id, code, name, level FROM leaf
            UNION ALL
            SELECT up.id, up.parent_id, up.code, up.name, up.level FROM grid AS up JOIN chain ON up.id = chain.parent_id
        )
        SELECT jsonb_agg(jsonb_build_object('id', chain.id, 'code', code, 'name', chain.name, 'level', level,
            'level_name', plan.level_names[level + 1]) ORDER BY level)
        FROM chain JOIN plan ON plan.id = leaf.plan_id),
    'responsible', (
        SELECT coalesce(jsonb_agg(to_jsonb(people) - '{{grid_id,user_id}}'::text[] ORDER BY kind DESC, role DESC, name), '[]')
        FROM people WHERE grid_id = leaf.id),
    'mine', EXISTS (SELECT FROM people WHERE grid_id = leaf.id AND user_id = %(user)s::bigint),
    'border_point', jsonb_build_array(ST_X(border.nearest), ST_Y(border.nearest)),
    'border_distance_m', ST_Distance(border.nearest::geography, here.geog),
    'candidates', (
        SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'code', code, 'name', name, 'distance_m', distance_m,
            'responsible', (SELECT coalesce(jsonb_agg(people.name), '[]') FROM people WHERE grid_id = around.id AND kind = 'main'))
            ORDER BY distance_m, code), '[]')
        FROM around WHERE around.id <> leaf.id),
    'nearest', jsonb_build_object(
        'outlets', (
            SELECT coalesce(jsonb_agg(to_jsonb(spot) ORDER BY distance_m), '[]') FROM (
                SELECT outlet.id, name, kind, label_of_kind('outlets', kind, %(language)s::text) AS kind_label, synthetic, ST_X(outlet.geom) AS lon, ST_Y(outlet.geom) AS lat,
                    ST_Distance(outlet.geom::geography, here.geog) AS distance_m
                FROM outlet WHERE outlet.institution_id = ANY (ARRAY({institutions})) ORDER BY outlet.geom::geography <-> here.geog LIMIT 3) AS spot),
        'machines', (
            SELECT coalesce(jsonb_agg(to_jsonb(spot) ORDER BY distance_m), '[]') FROM (
                SELECT machine.id, name, kind, label_of_kind('machines', kind, %(language)s::text) AS kind_label, synthetic, ST_X(machine.geom) AS lon, ST_Y(machine.geom) AS lat,
                    ST_Distance(machine.geom::geography, here.geog) AS distance_m
                FROM machine WHERE machine.institution_id = ANY (ARRAY({institutions})) ORDER BY machine.geom::geography <-> here.geog LIMIT 3) AS spot)
    )
)::text
FROM leaf, here, border
