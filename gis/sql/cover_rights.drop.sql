GRANT EXECUTE ON FUNCTION grid_inserted(), grid_updated(), grid_deleted(), plan_policy_changed() TO PUBLIC;
ALTER FUNCTION grid_inserted() SECURITY INVOKER;
ALTER FUNCTION grid_updated() SECURITY INVOKER;
ALTER FUNCTION grid_deleted() SECURITY INVOKER;
ALTER FUNCTION plan_policy_changed() SECURITY INVOKER;
