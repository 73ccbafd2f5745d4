-- Which of the grids lie in a service area where the bank has a building with households.
-- Materialized, and CASE: so that only the plans of these grids are looked at, and no building where the bank has none.
WITH RECURSIVE holder AS (
    -- Who has buildings at all, from one entry of the index to the next.
    (SELECT building.institution_id AS id FROM building ORDER BY building.institution_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT building.institution_id FROM building
        WHERE building.institution_id > holder.id ORDER BY building.institution_id LIMIT 1)
    FROM holder
    WHERE holder.id IS NOT NULL
),
area AS MATERIALIZED (
    SELECT root.plan_id, root.geom, ARRAY(
        SELECT holder.id FROM holder JOIN institution ON institution.id = holder.id
        WHERE left(institution.path, %(step)s) = left(owner.path, %(step)s)) AS holders
    FROM grid AS root JOIN plan ON plan.id = root.plan_id JOIN institution AS owner ON owner.id = plan.institution_id
    WHERE root.parent_id IS NULL
        AND root.plan_id = ANY (ARRAY(SELECT DISTINCT plan_id FROM grid WHERE id = ANY (%(grids)s::bigint[])))
),
registered AS MATERIALIZED (
    SELECT area.plan_id
    FROM area
    WHERE CASE WHEN area.holders = '{}' THEN false ELSE (
        SELECT true
        FROM building
        WHERE building.geom && area.geom AND building.households > 0
            AND building.institution_id = ANY (area.holders) AND ST_Intersects(area.geom, building.geom)
        LIMIT 1) END
)
SELECT grid.id
FROM grid JOIN registered ON registered.plan_id = grid.plan_id
WHERE grid.id = ANY (%(grids)s::bigint[])
