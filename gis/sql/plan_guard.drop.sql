ALTER TABLE plan DROP CONSTRAINT plan_one_in_force_a_service_area;
DROP TRIGGER plan_policy_changed ON plan;
DROP TRIGGER plan_published ON plan;
DROP TRIGGER plan_born ON plan;
DROP TRIGGER plan_truncated ON plan;
DROP TRIGGER plan_changed ON plan;
DROP FUNCTION plan_policy_changed();
DROP FUNCTION plan_published();
DROP FUNCTION plan_changed();
