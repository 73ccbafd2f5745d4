-- A point in each grid so many levels above the leaves, below a grid (itself included): where its label stands.
WITH RECURSIVE below AS (
    SELECT grid.id, grid.level, grid.code, grid.name, grid.geom FROM grid WHERE grid.id = %(grid)s
    UNION ALL
    SELECT child.id, child.level, child.code, child.name, child.geom FROM below JOIN grid AS child ON child.parent_id = below.id
)
SELECT below.id, below.code, below.name, ST_X(spot), ST_Y(spot)
FROM below CROSS JOIN LATERAL ST_PointOnSurface(below.geom) AS spot
WHERE CASE WHEN %(up)s = 0 THEN NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = below.id)
    ELSE EXISTS (SELECT FROM grid AS child WHERE child.parent_id = below.id
        AND NOT EXISTS (SELECT FROM grid AS grandchild WHERE grandchild.parent_id = child.id)) END
ORDER BY below.code
