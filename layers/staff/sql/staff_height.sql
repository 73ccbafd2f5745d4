-- How many steps of supervision are below each person: 0 for those without anybody. The recursion stops at 9 steps.
WITH RECURSIVE up AS (
    SELECT staff.id, staff.supervisor_id, 0 AS steps FROM staff
    WHERE staff.institution_id IN (SELECT id FROM institution WHERE path LIKE %(bank)s || '%%')
        AND (staff.left_on IS NULL OR staff.left_on > %(day)s::date)
    UNION
    SELECT boss.id, boss.supervisor_id, up.steps + 1
    FROM up JOIN staff AS boss ON boss.id = up.supervisor_id WHERE up.steps < 9
)
SELECT id, max(steps) FROM up WHERE id = ANY (%(staff)s) GROUP BY id
