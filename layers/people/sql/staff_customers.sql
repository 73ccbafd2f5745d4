-- Customers that count for people by their recorded shares, on a day (OB02). Of a customer, what the institution that helps has
-- (served_share) is not theirs. The rest is divided by the shares of all who own the customers of its grid, at whatever level;
-- shares that are more than 100 together are scaled down, less than 100 leave a rest that is nobody's.
WITH RECURSIVE turn AS MATERIALIZED (
    SELECT assignment.staff_id, assignment.share, grid.id AS grid_id
    FROM assignment JOIN grid ON grid.id = assignment.grid_id
    WHERE assignment.status = 'approved' AND assignment.kind = 'main' AND assignment.role = ANY (%(roles)s)
        AND daterange(assignment.valid_from, assignment.valid_to) @> %(day)s::date
        AND grid.plan_id IN (
            SELECT held.plan_id FROM assignment AS own JOIN grid AS held ON held.id = own.grid_id
            WHERE own.staff_id = ANY (%(staff)s) AND own.status = 'approved')
),
below AS (
    SELECT turn.staff_id, turn.share, turn.grid_id AS id FROM turn
    UNION ALL
    SELECT below.staff_id, below.share, child.id FROM below JOIN grid AS child ON child.parent_id = below.id
),
part AS (
    SELECT below.staff_id, below.id, below.share::float8 / greatest(100, sum(below.share) OVER (PARTITION BY below.id)) AS share
    FROM below WHERE NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = below.id)
)
SELECT part.staff_id, sum(part.share * customers.n)
FROM part JOIN grid ON grid.id = part.id JOIN service_area AS area ON area.plan_id = grid.plan_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(1 - customer.served_share), 0) AS n
    FROM customer WHERE is_active AND customer.area_id = area.id AND customer.grid_code = grid.code
) AS customers
WHERE part.staff_id = ANY (%(staff)s)
GROUP BY part.staff_id
