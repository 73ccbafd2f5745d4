DROP TRIGGER edit_truncated ON edit;
DROP TRIGGER edit_log_only_grows ON edit;
ALTER TABLE edit DROP CONSTRAINT edit_plan_id_fkey;
DROP FUNCTION refuse_change_of_log();
