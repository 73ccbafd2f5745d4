-- The leaves of plans in which somebody is in charge on a day: where the bank serves indeed. No person leaves this statement.
SELECT leaf.plan_id, ST_AsBinary(leaf.geom)
FROM grid AS leaf
WHERE leaf.plan_id = ANY (%(plans)s)
    AND NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = leaf.id)
    AND EXISTS (
        SELECT FROM assignment
        WHERE assignment.grid_id = leaf.id AND assignment.kind = 'main' AND assignment.valid_from <= %(day)s
            AND (assignment.valid_to IS NULL OR assignment.valid_to > %(day)s))
