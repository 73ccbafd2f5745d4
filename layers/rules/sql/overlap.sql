-- Which share of each grid its siblings cover too; 0 in plans in which nothing may overlap.
SELECT grid.id, coalesce(
    CASE WHEN plan.policy = 'bounded_overlap' THEN
        ST_Area(ST_Union(ST_Intersection(grid.geom, sibling.geom))) / ST_Area(grid.geom) END, 0)::float8
FROM grid JOIN plan ON plan.id = grid.plan_id
LEFT JOIN grid AS sibling ON plan.policy = 'bounded_overlap' AND sibling.parent_id = grid.parent_id
    AND sibling.id <> grid.id AND sibling.geom && grid.geom AND ST_Relate(sibling.geom, grid.geom, '2********')
WHERE grid.id = ANY (%(grids)s::bigint[])
GROUP BY grid.id, grid.geom, plan.policy
