-- In each grid and below it, on a day: how many smallest grids there are, how many of them have no grid worker in charge,
-- and how many people serve in any role.
WITH RECURSIVE below AS (
    SELECT id AS top, id FROM unnest(%(grids)s::bigint[]) AS grid (id)
    UNION ALL
    SELECT below.top, child.id FROM below JOIN grid AS child ON child.parent_id = below.id
),
serving AS MATERIALIZED (
    SELECT grid_id, staff_id, bool_or(role = 'worker' AND kind = 'main') AS in_charge
    FROM assignment
    WHERE status = 'approved' AND grid_id IN (SELECT id FROM below)
        AND daterange(valid_from, valid_to) @> %(day)s::date
    GROUP BY grid_id, staff_id
),
inner_grid AS MATERIALIZED (SELECT DISTINCT parent_id AS id FROM grid WHERE parent_id IN (SELECT id FROM below))
SELECT below.top,
    count(DISTINCT below.id) FILTER (WHERE inner_grid.id IS NULL),
    count(DISTINCT below.id) FILTER (WHERE inner_grid.id IS NULL) - count(DISTINCT below.id) FILTER (WHERE inner_grid.id IS NULL AND serving.in_charge),
    count(DISTINCT serving.staff_id)
FROM below
LEFT JOIN inner_grid ON inner_grid.id = below.id
LEFT JOIN serving ON serving.grid_id = below.id
GROUP BY below.top
