-- Metres from a point inside each grid to the nearest staffed outlet of its bank; null where the bank has none.
-- The index orders by degrees, in which a degree of longitude is too long: so the nearest of the first sixteen.
SELECT spot.id, (
    SELECT min(ST_Distance(near.geom::geography, spot.geom::geography))
    FROM (
        SELECT outlet.geom
        FROM outlet JOIN institution ON institution.id = outlet.institution_id
        WHERE outlet.kind = 'staffed' AND left(institution.path, %(step)s) = spot.bank
        ORDER BY outlet.geom <-> spot.geom
        LIMIT 16
    ) AS near)
FROM (
    SELECT grid.id, ST_PointOnSurface(grid.geom) AS geom, left(owner.path, %(step)s) AS bank
    FROM grid JOIN plan ON plan.id = grid.plan_id JOIN institution AS owner ON owner.id = plan.institution_id
    WHERE grid.id = ANY (%(grids)s::bigint[])
) AS spot
