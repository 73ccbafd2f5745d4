-- Smallest grids of a plan with households farther from a staffed outlet of the bank than their radius (km, by class): how
-- many, of how many, and how far the farthest. Buildings stand for households.
WITH owner AS (
    SELECT left(institution.path, %(step)s) AS bank
    FROM plan JOIN institution ON institution.id = plan.institution_id
    WHERE plan.id = %(plan)s
),
holder AS MATERIALIZED (
    SELECT coalesce(array_agg(institution.id), '{}') AS ids
    FROM institution JOIN owner ON owner.bank = left(institution.path, %(step)s)
),
leaf AS MATERIALIZED (
    SELECT grid.id, grid.code, grid.name, grid.geom,
        1000 * CASE grid.kind WHEN 'urban' THEN %(urban)s::float8 ELSE %(rural)s::float8 END AS radius
    FROM grid
    WHERE grid.plan_id = %(plan)s AND NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = grid.id)
),
home AS MATERIALIZED (
    -- On a border, the leaf with the smallest code, as everywhere.
    SELECT DISTINCT ON (building.id) building.id, building.households, leaf.id AS leaf_id, leaf.radius, spot.geom
    FROM leaf CROSS JOIN holder
    JOIN building ON building.geom && leaf.geom AND building.institution_id = ANY (holder.ids) AND building.households > 0
    CROSS JOIN LATERAL (SELECT place_of(building.geom) AS geom) AS spot
    WHERE ST_Intersects(leaf.geom, spot.geom)
    ORDER BY building.id, leaf.code
),
outlet_spot AS MATERIALIZED (
    SELECT outlet.geom FROM outlet CROSS JOIN holder
    WHERE outlet.kind = 'staffed' AND outlet.institution_id = ANY (holder.ids)
),
far AS MATERIALIZED (
    SELECT home.leaf_id, home.households, home.radius,
        (SELECT min(ST_DistanceSphere(outlet_spot.geom, home.geom)) FROM outlet_spot
            WHERE outlet_spot.geom && ST_Expand(home.geom, home.radius / 50000)) AS near,
        home.geom
    FROM home
)
SELECT leaf.id, leaf.code, leaf.name, ST_X(label), ST_Y(label), counted.far, counted.total, counted.farthest
FROM (
    SELECT far.leaf_id, sum(far.households) AS total,
        sum(far.households) FILTER (WHERE coalesce(far.near, far.radius + 1) > far.radius) AS far,
        max(coalesce(far.near, (SELECT min(ST_DistanceSphere(outlet_spot.geom, far.geom)) FROM outlet_spot)))
            FILTER (WHERE coalesce(far.near, far.radius + 1) > far.radius) AS farthest
    FROM far
    GROUP BY far.leaf_id
) AS counted
JOIN leaf ON leaf.id = counted.leaf_id
CROSS JOIN LATERAL (SELECT ST_PointOnSurface(leaf.geom) AS label) AS spot
WHERE counted.far > 0 AND counted.farthest IS NOT NULL
ORDER BY counted.far DESC, leaf.code
