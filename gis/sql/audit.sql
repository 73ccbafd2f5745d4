-- The audit reads the rows themselves, so it finds what was loaded with triggers disabled.

CREATE TYPE cover_fault AS (plan_id bigint, grid_id bigint, code text, fault text);

-- Faults of the given plans (null: all): of structure, of cover, and of the running sum.
-- One pass over the children; the full join keeps it a hash join even when statistics are stale.
CREATE FUNCTION audit_coverage(plan_ids bigint[] DEFAULT NULL) RETURNS SETOF cover_fault
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH children AS MATERIALIZED (
        SELECT parent_id, plan_id, level, sum(border_sum) AS total
        FROM grid
        WHERE parent_id IS NOT NULL AND (plan_ids IS NULL OR plan_id = ANY (plan_ids))
        GROUP BY parent_id, plan_id, level
    ),
    parents AS MATERIALIZED (
        SELECT children.*, parent.id, parent.code, parent.border_sum
        FROM children LEFT JOIN grid AS parent
            ON parent.id = children.parent_id AND parent.plan_id = children.plan_id AND parent.level = children.level - 1
    )
    SELECT plan_id, parent_id, NULL::text, 'parent is missing, or in another plan or level' FROM parents WHERE id IS NULL
    UNION ALL
    SELECT plan_id, id, code::text, fault
    FROM parents CROSS JOIN LATERAL grid_cover_fault(id, total) AS fault
    WHERE total <> border_sum AND fault IS NOT NULL
    UNION ALL
    SELECT grid.plan_id, grid.id, grid.code::text, 'running sum is not that of the rows'
    FROM grid_cover FULL JOIN parents ON parents.id = grid_cover.grid_id
    JOIN grid ON grid.id = coalesce(grid_cover.grid_id, parents.id)
    WHERE coalesce(grid_cover.children_sum, 0) <> coalesce(parents.total, 0)
        AND (plan_ids IS NULL OR grid.plan_id = ANY (plan_ids));
END;

-- Parts of the guard that are absent or switched off: triggers, and the constraints that bind even without triggers.
CREATE FUNCTION audit_guard() RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'trigger ' || expected.name || ' on ' || expected.relation
        || CASE WHEN pg_trigger.oid IS NULL THEN ' is missing' ELSE ' is disabled' END
    FROM (VALUES
        ('grid', 'grid_geom_to_lattice'), ('grid', 'grid_inserted'), ('grid', 'grid_updated'), ('grid', 'grid_deleted'),
        ('grid', 'grid_truncated'), ('grid_cover', 'grid_children_cover_their_parent'),
        ('grid_cover', 'grid_cover_is_kept_by_triggers'), ('grid_cover', 'grid_level_has_a_name'),
        ('plan', 'plan_changed'), ('plan', 'plan_truncated'),
        ('plan', 'plan_born'), ('plan', 'plan_published'), ('plan', 'plan_policy_changed')
    ) AS expected (relation, name)
    LEFT JOIN pg_trigger ON tgrelid = to_regclass(expected.relation) AND tgname = expected.name
    WHERE tgenabled IS DISTINCT FROM 'O' AND tgenabled IS DISTINCT FROM 'A'
    UNION ALL
    SELECT 'constraint ' || expected.name || ' on ' || expected.relation || ' is missing or not validated'
    FROM (VALUES
        ('grid', 'grid_geom_is_in_degrees'), ('grid', 'grid_geom_is_on_lattice'), ('grid', 'grid_geom_is_valid'),
        ('grid', 'grid_parent_is_one_level_up_in_the_same_plan'), ('grid', 'grid_level_counts_from_the_root'),
        ('grid', 'grid_kind_is_urban_or_rural'), ('grid', 'grid_code_is_unique_in_its_plan'),
        ('plan', 'plan_one_in_force_a_service_area'), ('plan', 'plan_in_force_has_a_first_day'),
        ('plan', 'plan_retired_has_a_last_day')
    ) AS expected (relation, name)
    LEFT JOIN pg_constraint ON conrelid = to_regclass(expected.relation) AND conname = expected.name AND convalidated
    WHERE pg_constraint.oid IS NULL
    UNION ALL
    SELECT 'index grid_one_root_a_plan on grid is missing'
    WHERE NOT EXISTS (
        SELECT FROM pg_index WHERE indexrelid = to_regclass('grid_one_root_a_plan') AND indrelid = to_regclass('grid')
            AND indisunique AND indisvalid);
END;
