DROP TABLE grid_cover;
DROP FUNCTION grid_cover_check();
DROP FUNCTION grid_cover_fault(bigint, numeric);
DROP FUNCTION refuse_direct_write();
DROP TRIGGER grid_truncated ON grid;
DROP TRIGGER grid_deleted ON grid;
DROP TRIGGER grid_updated ON grid;
DROP TRIGGER grid_inserted ON grid;
DROP TRIGGER grid_geom_to_lattice ON grid;
DROP FUNCTION refuse_truncate();
DROP FUNCTION grid_deleted();
DROP FUNCTION grid_updated();
DROP FUNCTION grid_inserted();
DROP FUNCTION overlap_is_allowed_in(bigint);
DROP FUNCTION refuse_change_of_plan_in_force(bigint[]);
DROP FUNCTION grid_geom_to_lattice();
ALTER TABLE grid
    DROP CONSTRAINT grid_geom_is_valid,
    DROP CONSTRAINT grid_geom_is_on_lattice,
    DROP CONSTRAINT grid_geom_is_in_degrees,
    DROP CONSTRAINT grid_parent_is_one_level_up_in_the_same_plan,
    DROP CONSTRAINT grid_id_plan_level,
    DROP COLUMN parent_level;
