-- How much of a table of the bank's lies in each grid; {table}, {weight} and {which} come from measures.py.
-- The tie-break is that of locate.sql: a point on a border is in the leaf with the smallest code, and in its ancestors.
WITH asked AS (
    SELECT grid.id, grid.plan_id, grid.geom, plan.policy, left(owner.path, %(step)s) AS bank
    FROM grid JOIN plan ON plan.id = grid.plan_id JOIN institution AS owner ON owner.id = plan.institution_id
    WHERE grid.id = ANY (%(grids)s::bigint[])
),
candidate AS MATERIALIZED (
    SELECT asked.id, asked.plan_id, spot.geom, {weight} AS weight,
        asked.policy = 'partition' AND ST_Contains(asked.geom, spot.geom) AS is_certain
    FROM asked
    JOIN {table} AS item ON item.geom && asked.geom AND {which}
    JOIN institution AS holder ON holder.id = item.institution_id AND left(holder.path, %(step)s) = asked.bank
    CROSS JOIN LATERAL (
        SELECT CASE GeometryType(item.geom) WHEN 'POINT' THEN item.geom ELSE ST_PointOnSurface(item.geom) END AS geom
    ) AS spot
    WHERE ST_Intersects(asked.geom, spot.geom)
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
