-- Decisions are history: no row is changed, and none goes before its plan does.

CREATE FUNCTION refuse_change_of_decision() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM plan WHERE id = OLD.plan_id) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'decision % on plan % cannot be changed or deleted: the log only grows', OLD.id, OLD.plan_id
        USING ERRCODE = 'object_not_in_prerequisite_state', TABLE = 'decision', CONSTRAINT = 'decision_log_only_grows',
              HINT = 'Take the next step instead.';
END $$;

ALTER TABLE decision ADD CONSTRAINT decision_plan_id_fkey
    FOREIGN KEY (plan_id) REFERENCES plan ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
CREATE TRIGGER decision_log_only_grows BEFORE UPDATE OR DELETE ON decision
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_decision();
CREATE TRIGGER decision_truncated BEFORE TRUNCATE ON decision FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
