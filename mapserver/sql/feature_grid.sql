, 'grid', (
    SELECT json_build_object('id', leaf.id, 'code', leaf.code, 'name', leaf.name, 'plan_id', leaf.plan_id, 'chain', (
        WITH RECURSIVE chain AS (
            SELECT leaf.id, leaf.parent_id, leaf.code, leaf.name, leaf.level
            UNION ALL
            SELECT up.id, up.parent_id, up.code, up.name, up.level FROM grid AS up JOIN chain ON up.id = chain.parent_id
        )
        SELECT json_agg(json_build_object('id', chain.id, 'code', chain.code, 'name', chain.name, 'level', level,
            'level_name', plan.level_names[level + 1]) ORDER BY level)
        FROM chain))
    FROM service_area AS area
    JOIN plan ON plan.id = area.plan_id
    JOIN grid AS leaf ON leaf.plan_id = plan.id AND leaf.code = feature.grid_code
    WHERE area.id = feature.area_id AND plan.id IN ({plans}))
