-- The log of edits only grows: no row is changed, and none goes before its plan does.

CREATE FUNCTION refuse_change_of_log() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM plan WHERE id = OLD.plan_id) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'edit % of plan % cannot be changed or deleted: the log only grows', OLD.id, OLD.plan_id
        USING ERRCODE = 'object_not_in_prerequisite_state', TABLE = 'edit', CONSTRAINT = 'edit_log_only_grows',
              HINT = 'Undo an edit by another edit.';
END $$;

ALTER TABLE edit ADD CONSTRAINT edit_plan_id_fkey
    FOREIGN KEY (plan_id) REFERENCES plan ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
CREATE TRIGGER edit_log_only_grows BEFORE UPDATE OR DELETE ON edit FOR EACH ROW EXECUTE FUNCTION refuse_change_of_log();
CREATE TRIGGER edit_truncated BEFORE TRUNCATE ON edit FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
