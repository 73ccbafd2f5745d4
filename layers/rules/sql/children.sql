-- How many grids lie directly below each.
SELECT asked.id, (SELECT count(*) FROM grid AS child WHERE child.parent_id = asked.id)
FROM unnest(%(grids)s::bigint[]) AS asked (id)
