-- Where the households in the leaves below some grids live: buildings of the bank. On a border, the leaf with the smallest
-- code, as everywhere.
WITH bank AS MATERIALIZED (
    -- As in inside.sql: the institutions of each bank as a list, not joined to one after the other for each leaf.
    SELECT left(path, %(step)s) AS path, array_agg(id) AS holders FROM institution GROUP BY 1
),
leaf AS MATERIALIZED (
    SELECT grid.id, grid.plan_id, grid.code, grid.geom, plan.policy, bank.holders
    FROM grid
    JOIN (SELECT DISTINCT id FROM leaves_below(%(grids)s::bigint[])) AS asked USING (id)
    JOIN plan ON plan.id = grid.plan_id
    JOIN institution AS owner ON owner.id = plan.institution_id
    JOIN bank ON bank.path = left(owner.path, %(step)s)
)
SELECT leaf.id, building.households::float8, ST_X(spot.geom), ST_Y(spot.geom), building.code, building.name
FROM leaf
JOIN building ON building.geom && leaf.geom AND building.households > 0 AND building.institution_id = ANY (leaf.holders)
CROSS JOIN LATERAL (SELECT place_of(building.geom) AS geom OFFSET 0) AS spot
WHERE ST_Intersects(leaf.geom, spot.geom)
    AND ((leaf.policy = 'partition' AND ST_Contains(leaf.geom, spot.geom)) OR NOT EXISTS (
        SELECT FROM grid AS other
        WHERE other.plan_id = leaf.plan_id AND other.code < leaf.code AND other.geom && spot.geom
            AND NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = other.id)
            AND ST_Intersects(other.geom, spot.geom)))
ORDER BY leaf.id, building.id
