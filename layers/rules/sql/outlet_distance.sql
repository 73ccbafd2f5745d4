-- Metres from a point inside each grid to the nearest staffed outlet of its bank; null where the bank has none.
-- Materialized: each point is computed once, not for each outlet. Ordering by degrees, in which a degree of longitude is too long,
-- is quick: so the nearest of the first sixteen.
WITH spot AS MATERIALIZED (
    SELECT grid.id, ST_PointOnSurface(grid.geom) AS geom, left(owner.path, %(step)s) AS bank
    FROM grid JOIN plan ON plan.id = grid.plan_id JOIN institution AS owner ON owner.id = plan.institution_id
    WHERE grid.id = ANY (%(grids)s::bigint[])
),
staffed AS MATERIALIZED (
    SELECT outlet.geom, left(institution.path, %(step)s) AS bank
    FROM outlet JOIN institution ON institution.id = outlet.institution_id
    WHERE outlet.kind = 'staffed'
)
SELECT spot.id, (
    SELECT min(ST_Distance(near.geom::geography, spot.geom::geography))
    FROM (SELECT geom FROM staffed WHERE staffed.bank = spot.bank ORDER BY staffed.geom <-> spot.geom LIMIT 16) AS near)
FROM spot
