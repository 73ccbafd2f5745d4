-- How much of a table of the bank's lies in each grid; which table, weight and rows: parts from this project's own code.
-- The tie-break is that of locate.sql: a point on a border is in the leaf with the smallest code, and in its ancestors.
WITH bank AS MATERIALIZED (
    -- The institutions of each bank as a list: joined to, they would be tried one after the other for each grid.
    SELECT left(path, %(step)s) AS path, array_agg(id) FILTER (WHERE left(path, length(%(whose)s)) = %(whose)s) AS holders
    FROM institution
    GROUP BY 1
),
asked AS MATERIALIZED (
    SELECT grid.id, grid.plan_id, grid.geom, plan.policy, bank.holders
    FROM grid JOIN plan ON plan.id = grid.plan_id JOIN institution AS owner ON owner.id = plan.institution_id
    JOIN bank ON bank.path = left(owner.path, %(step)s)
    WHERE grid.id = ANY (%(grids)s::bigint[])
),
candidate AS MATERIALIZED (
    SELECT asked.id, asked.plan_id, spot.geom, {weight} AS weight,
        relation.is_certain
    FROM asked
    JOIN {table} AS item ON item.geom && asked.geom AND item.institution_id = ANY (asked.holders) AND {which}
    CROSS JOIN LATERAL (
        SELECT CASE GeometryType(item.geom) WHEN 'POINT' THEN item.geom ELSE place_of(item.geom) END AS geom
    ) AS spot
    -- Asked in this order, and once: most are well inside, and few on a border. OFFSET 0 keeps it from being written out twice.
    CROSS JOIN LATERAL (
        SELECT CASE WHEN asked.policy = 'partition' AND ST_Contains(asked.geom, spot.geom) THEN true
            WHEN ST_Intersects(asked.geom, spot.geom) THEN false END AS is_certain
        OFFSET 0
    ) AS relation
    WHERE relation.is_certain IS NOT NULL
)
SELECT asked.id, coalesce(sum(candidate.weight), 0)::float8
FROM asked
LEFT JOIN candidate ON candidate.id = asked.id AND (candidate.is_certain OR EXISTS (
    WITH RECURSIVE up AS (
        (SELECT leaf.id, leaf.parent_id
        FROM grid AS leaf
        WHERE leaf.plan_id = candidate.plan_id AND leaf.geom && candidate.geom
            AND NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = leaf.id)
            AND ST_Intersects(leaf.geom, candidate.geom)
        ORDER BY leaf.code
        LIMIT 1)
        UNION ALL
        SELECT above.id, above.parent_id FROM grid AS above JOIN up ON above.id = up.parent_id
    )
    SELECT FROM up WHERE up.id = candidate.id))
GROUP BY asked.id
