-- As inside.sql, by the grids that the database keeps for features: of grids of the plan in force of their service area.
-- Where a bank has several service areas, a feature has its home in one of them only, so these grids are left to inside.sql.
WITH RECURSIVE below AS (
    SELECT grid.id AS asked, grid.id, grid.code, area.id AS area_id
    FROM grid
    JOIN service_area AS area ON area.plan_id = grid.plan_id
    JOIN institution AS owner ON owner.id = area.institution_id
    WHERE grid.id = ANY (%(grids)s::bigint[]) AND NOT EXISTS (
        SELECT FROM service_area AS other JOIN institution ON institution.id = other.institution_id
        WHERE other.plan_id IS NOT NULL AND other.id <> area.id
            AND left(institution.path, %(step)s) = left(owner.path, %(step)s))
    UNION ALL
    SELECT below.asked, child.id, child.code, below.area_id
    FROM below JOIN grid AS child ON child.parent_id = below.id
),
counted AS MATERIALIZED (
    SELECT item.area_id, item.grid_code, sum({weight}) AS total
    FROM {table} AS item
    JOIN institution AS holder ON holder.id = item.institution_id AND left(holder.path, length(%(whose)s)) = %(whose)s
    WHERE item.area_id = ANY (ARRAY(SELECT DISTINCT area_id FROM below)) AND {which}
    GROUP BY item.area_id, item.grid_code
)
SELECT below.asked, coalesce(sum(counted.total), 0)::float8
FROM below LEFT JOIN counted ON counted.area_id = below.area_id AND counted.grid_code = below.code
GROUP BY below.asked
