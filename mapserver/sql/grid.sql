-- Everything that the panel shows of one grid, as one JSON value.
WITH grid AS (
    SELECT grid.*, plan.level_names, plan.synthetic
    FROM grid JOIN plan ON plan.id = grid.plan_id
    WHERE grid.id = %(grid)s::bigint AND grid.plan_id IN ({plans})
)
SELECT jsonb_build_object(
    'id', grid.id,
    'plan_id', grid.plan_id,
    'code', grid.code,
    'bank_code', grid.bank_code,
    'name', grid.name,
    'level', grid.level,
    'level_name', grid.level_names[grid.level + 1],
    'kind', grid.kind,
    'locked', grid.locked,
    'synthetic', grid.synthetic,
    'area_m2', ST_Area(grid.geom::geography),
    'bbox', jsonb_build_array(ST_XMin(grid.geom), ST_YMin(grid.geom), ST_XMax(grid.geom), ST_YMax(grid.geom)),
    'households', (
        SELECT jsonb_build_object('value', value, 'as_of', as_of, 'synthetic', synthetic)
        FROM grid_count WHERE grid_id = grid.id AND measure = 'households' ORDER BY as_of DESC LIMIT 1),
    'chain', (
        WITH RECURSIVE chain AS (
            SELECT id, parent_id, code, name, level FROM public.grid AS self WHERE self.id = grid.id
            UNION ALL
            SELECT up.id, up.parent_id, up.code, up.name, up.level FROM public.grid AS up JOIN chain ON up.id = chain.parent_id
        )
        SELECT jsonb_agg(jsonb_build_object(
            'id', id, 'code', code, 'name', name, 'level', level, 'level_name', grid.level_names[level + 1]) ORDER BY level)
        FROM chain),
    'children', (SELECT count(*) FROM public.grid AS child WHERE child.parent_id = grid.id),
    'responsible', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'name', staff.name, 'kind', assignment.kind, 'role', assignment.role, 'staff_kind', staff.kind,
            'institution', institution.name, 'institution_id', institution.id,
            'staff_id', CASE WHEN institution.path LIKE %(own_path)s::text || '%%' THEN staff.id END,
            'away', EXISTS (SELECT FROM absence WHERE absence.staff_id = staff.id AND %(day)s::date BETWEEN first_day AND last_day),
            'work_phone', CASE WHEN institution.path LIKE %(own_path)s::text || '%%' THEN staff.work_phone END,
            'synthetic', staff.synthetic, 'since', assignment.valid_from) ORDER BY assignment.kind DESC, assignment.role DESC, staff.number), '[]')
        FROM assignment JOIN staff ON staff.id = assignment.staff_id JOIN institution ON institution.id = staff.institution_id
        WHERE assignment.grid_id = grid.id AND assignment.id IN ({assignments})),
    'neighbours', (
        SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'code', code, 'name', name, 'border_m', border_m) ORDER BY code), '[]')
        FROM (
            SELECT other.id, other.code, other.name,
                ST_Length(ST_CollectionExtract(ST_Intersection(grid.geom, other.geom), 2)::geography) AS border_m
            FROM public.grid AS other
            WHERE other.plan_id = grid.plan_id AND other.level = grid.level AND other.id <> grid.id
                AND ST_Intersects(other.geom, grid.geom)
        ) AS neighbour
        WHERE border_m > 0),
    'outlets', (SELECT count(*) FROM outlet WHERE id IN ({outlets}) AND ST_Intersects(outlet.geom, grid.geom)),
    'machines', (SELECT count(*) FROM machine WHERE id IN ({machines}) AND ST_Intersects(machine.geom, grid.geom))
)::text
FROM grid
