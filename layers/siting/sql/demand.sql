-- Where households of a grid live: those of the bank's buildings, those within some hundred metres put together.
SELECT avg(ST_X(spot))::float8, avg(ST_Y(spot))::float8, sum(households)::float8
FROM (
    SELECT building.households, ST_PointOnSurface(building.geom) AS spot
    FROM building
    JOIN grid ON grid.id = %(grid)s AND building.geom && grid.geom
    JOIN institution AS holder ON holder.id = building.institution_id
    JOIN plan ON plan.id = grid.plan_id
    JOIN institution AS owner ON owner.id = plan.institution_id AND bank_of(owner.path) = bank_of(holder.path)
    WHERE building.households > 0 AND ST_Intersects(grid.geom, building.geom)
) AS house
GROUP BY round(ST_X(spot)::numeric, 3), round(ST_Y(spot)::numeric, 3)
ORDER BY 1, 2
