DROP TRIGGER audit_truncated ON audit;
DROP TRIGGER audit_only_grows ON audit;
DROP FUNCTION log_writes(regclass, text[], text);
-- With its triggers on all tables.
DROP FUNCTION log_write() CASCADE;
DROP FUNCTION purge_audit(integer);
DROP FUNCTION log_event(text, bigint, text, bigint, text, text[], text[], text, text);
DROP FUNCTION refuse_change_of_audit();
