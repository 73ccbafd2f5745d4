-- Customers that count for institutions by their recorded shares (OB02): of its own, what no other helps with; of others', what it helps with.
SELECT institution.id, own.n, own.given, helped.n
FROM institution
CROSS JOIN LATERAL (
    SELECT count(*) AS n, coalesce(sum(served_share), 0) AS given FROM customer WHERE is_active AND customer.institution_id = institution.id
) AS own
CROSS JOIN LATERAL (
    SELECT coalesce(sum(served_share), 0) AS n FROM customer WHERE is_active AND customer.served_by_id = institution.id
) AS helped
WHERE institution.id = ANY (%(institutions)s)
