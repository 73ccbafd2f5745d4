DROP FUNCTION IF EXISTS rehome_table(text, service_area, bigint);
DROP FUNCTION audit_homes();
DROP TRIGGER plan_moves_homes ON plan;
DROP FUNCTION plan_moves_homes(), refresh_service_areas();
DROP TRIGGER service_area_changed ON service_area;
DROP TRIGGER service_area_begins ON service_area;
DROP TRIGGER service_area_has_the_plan_in_force ON service_area;
DROP FUNCTION service_area_has_the_plan_in_force(), plan_in_force(bigint, text), service_area_changed(),
    leaves_changed(bigint, bigint), stop_keeping_homes(text), keep_homes(text, text);
DROP TABLE feature_table;
DROP FUNCTION feature_kind_is_known(), feature_finds_its_grid(), home_of(geometry, bigint), place_of(geometry), bank_of(text);
