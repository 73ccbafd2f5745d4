-- Grids without grids below, at and below each of some grids.
SELECT asked.id, leaf.id
FROM unnest(%(grids)s::bigint[]) AS asked (id) CROSS JOIN LATERAL leaves_below(ARRAY[asked.id]) AS leaf
