-- Where the households in the leaves below some grids live: buildings of the bank. On a border, the leaf with the smallest
-- code, as everywhere. In the plan in force, by the grids that the database keeps for buildings.
WITH bank AS MATERIALIZED (
    -- As in inside.sql: the institutions of each bank as a list, not joined to one after the other for each leaf.
    SELECT left(path, %(step)s) AS path, array_agg(id) AS holders FROM institution GROUP BY 1
),
leaf AS MATERIALIZED (
    SELECT grid.id, grid.plan_id, grid.code, grid.geom, plan.policy, bank.holders, plan.area_id
    FROM grid
    JOIN (SELECT DISTINCT id FROM leaves_below(%(grids)s::bigint[])) AS asked USING (id)
    JOIN (SELECT *, area_homing(id) AS area_id FROM plan OFFSET 0) AS plan ON plan.id = grid.plan_id
    JOIN institution AS owner ON owner.id = plan.institution_id
    JOIN bank ON bank.path = left(owner.path, %(step)s)
),
lives AS (
    SELECT leaf.id AS leaf_id, building.id AS building_id
    FROM leaf JOIN building ON building.area_id = leaf.area_id AND building.grid_code = leaf.code
    UNION ALL
    SELECT leaf.id, building.id
    FROM leaf
    JOIN building ON building.geom && leaf.geom AND building.households > 0 AND building.institution_id = ANY (leaf.holders)
    CROSS JOIN LATERAL (SELECT place_of(building.geom) AS geom OFFSET 0) AS spot
    WHERE leaf.area_id IS NULL AND ST_Intersects(leaf.geom, spot.geom)
        AND ((leaf.policy = 'partition' AND ST_Contains(leaf.geom, spot.geom)) OR NOT EXISTS (
            SELECT FROM grid AS other
            WHERE other.plan_id = leaf.plan_id AND other.code < leaf.code AND other.geom && spot.geom
                AND NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = other.id)
                AND ST_Intersects(other.geom, spot.geom)))
)
SELECT lives.leaf_id, building.households::float8, ST_X(spot.geom), ST_Y(spot.geom), building.code, building.name
FROM lives JOIN building ON building.id = lives.building_id
CROSS JOIN LATERAL (SELECT place_of(building.geom) AS geom OFFSET 0) AS spot
WHERE building.households > 0
ORDER BY lives.leaf_id, building.id
