DROP FUNCTION audit_guard();
DROP FUNCTION audit_coverage(bigint[]);
DROP TYPE cover_fault;
