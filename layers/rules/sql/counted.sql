-- Households of grids from counts. Each asked grid is the sum of its leaves, so that sums agree at all levels.
-- A leaf that is as in the counted plan has that plan's count; another has its share, by area, of the leaves it lies on.
-- Down from an asked grid, the walk ends at a grid that is as in the counted plan: the leaves below that are counted there.
WITH RECURSIVE lineage AS (
    -- The plan that was counted: the plan itself when it has no base, else the first base with counts.
    SELECT plan.id AS plan_id, plan.id AS at_id, plan.base_id, 0 AS step
    FROM plan WHERE plan.id IN (SELECT plan_id FROM grid WHERE id = ANY (%(grids)s::bigint[]))
    UNION ALL
    SELECT lineage.plan_id, older.id, older.base_id, lineage.step + 1
    FROM lineage JOIN plan AS older ON older.id = lineage.base_id
    WHERE lineage.step < 20
),
counted AS (
    SELECT DISTINCT ON (lineage.plan_id) lineage.plan_id, lineage.at_id
    FROM lineage
    WHERE (lineage.step > 0 OR lineage.base_id IS NULL) AND (
        -- Not EXISTS, which the planner would answer for all plans at once; the first count found is enough.
        SELECT true FROM grid
        WHERE grid.plan_id = lineage.at_id AND (
            SELECT true FROM grid_count WHERE grid_count.grid_id = grid.id AND grid_count.measure = 'households' LIMIT 1)
        LIMIT 1)
    ORDER BY lineage.plan_id, lineage.step
),
walk AS (
    SELECT grid.id AS asked, grid.id, grid.plan_id, grid.geom, counted.at_id, same.id AS same_id,
        EXISTS (SELECT FROM grid AS child WHERE child.parent_id = grid.id) AS has_children
    FROM grid JOIN counted ON counted.plan_id = grid.plan_id
    LEFT JOIN grid AS same
        ON same.plan_id = counted.at_id AND same.code = grid.code AND same.border_sum = grid.border_sum
    WHERE grid.id = ANY (%(grids)s::bigint[])
    UNION ALL
    SELECT walk.asked, child.id, child.plan_id, child.geom, walk.at_id, same.id,
        EXISTS (SELECT FROM grid AS below WHERE below.parent_id = child.id)
    FROM walk JOIN grid AS child ON child.parent_id = walk.id
    LEFT JOIN grid AS same
        ON same.plan_id = walk.at_id AND same.code = child.code AND same.border_sum = child.border_sum
    WHERE walk.same_id IS NULL
),
-- Down in the counted plan, from what is unchanged to its leaves. OFFSET 0 keeps the planner, which cannot know how few
-- they are, from reading all grids.
down AS (
    SELECT asked, same_id AS id FROM walk WHERE same_id IS NOT NULL
    UNION ALL
    SELECT down.asked, child.id
    FROM down CROSS JOIN LATERAL (SELECT grid.id FROM grid WHERE grid.parent_id = down.id OFFSET 0) AS child
),
part AS (
    SELECT down.asked, down.id AS leaf_id, 1.0::float8 AS share
    FROM down
    WHERE (SELECT true FROM grid AS child WHERE child.parent_id = down.id LIMIT 1) IS NULL
    UNION ALL
    SELECT walk.asked, leaf.id, overlay.share
    FROM walk
    JOIN grid AS leaf ON leaf.plan_id = walk.at_id AND leaf.geom && walk.geom
        AND NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = leaf.id)
    CROSS JOIN LATERAL (
        SELECT CASE WHEN ST_CoveredBy(leaf.geom, walk.geom) THEN 1
            ELSE ST_Area(ST_Intersection(leaf.geom, walk.geom)) / ST_Area(leaf.geom) END AS share
    ) AS overlay
    WHERE walk.same_id IS NULL AND NOT walk.has_children AND ST_Intersects(leaf.geom, walk.geom)
        AND overlay.share > 1e-9
)
-- A leaf may come in several parts (one below each grid that it lies on): whole again, it is not an estimate.
SELECT whole.asked, sum(whole.share * latest.value)::float8, bool_or(whole.share < 1 - 1e-9),
    count(*) FILTER (WHERE latest.value IS NULL), bool_or(latest.is_old)
FROM (SELECT asked, leaf_id, sum(share) AS share FROM part GROUP BY asked, leaf_id) AS whole
LEFT JOIN LATERAL (
    SELECT grid_count.value, plan.status = 'draft' AND plan.revision > 1 AS is_old
    FROM grid_count JOIN grid ON grid.id = grid_count.grid_id JOIN plan ON plan.id = grid.plan_id
    WHERE grid_count.grid_id = whole.leaf_id AND grid_count.measure = 'households'
    ORDER BY grid_count.as_of DESC LIMIT 1
) AS latest ON true
GROUP BY whole.asked
