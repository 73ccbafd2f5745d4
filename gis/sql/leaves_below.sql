-- Leaves at and below grids of any plans, each once.
CREATE FUNCTION leaves_below(grid_ids bigint[]) RETURNS TABLE (plan_id bigint, id bigint, code varchar)
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE below AS (
        SELECT grid.id, grid.plan_id, grid.code FROM grid WHERE grid.id = ANY (grid_ids)
        UNION
        SELECT child.id, child.plan_id, child.code FROM below JOIN grid AS child ON child.parent_id = below.id
    )
    SELECT below.plan_id, below.id, below.code FROM below
    WHERE NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = below.id);
END;
