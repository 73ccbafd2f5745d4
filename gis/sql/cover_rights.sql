-- What keeps grid_cover writes it as its owner, so that no other role needs the right to: pg_trigger_depth() tells a direct write,
-- but not one by a trigger that a client made on a temporary table. Nor may anybody hang these functions on a table of his own, and
-- feed them sums of his own. A trigger that is there fires for everybody: the right to execute is asked for when it is made.
ALTER FUNCTION grid_inserted() SECURITY DEFINER;
ALTER FUNCTION grid_updated() SECURITY DEFINER;
ALTER FUNCTION grid_deleted() SECURITY DEFINER;
ALTER FUNCTION plan_policy_changed() SECURITY DEFINER;
REVOKE EXECUTE ON FUNCTION grid_inserted(), grid_updated(), grid_deleted(), plan_policy_changed() FROM PUBLIC;
