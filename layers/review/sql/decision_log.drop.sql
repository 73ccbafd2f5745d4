DROP TRIGGER decision_truncated ON decision;
DROP TRIGGER decision_log_only_grows ON decision;
ALTER TABLE decision DROP CONSTRAINT decision_plan_id_fkey;
DROP FUNCTION refuse_change_of_decision();
