-- What the role of the site may do: read and write rows, and nothing to the log but read it and add events. What the triggers and
-- the migrations keep it can only read. It owns nothing, so it can neither drop a trigger nor switch one off.
GRANT USAGE ON SCHEMA public TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
REVOKE INSERT, UPDATE, DELETE ON {read_only} FROM {role};
GRANT EXECUTE ON FUNCTION log_event(text, bigint, text, bigint, text, text[], text[], text, text) TO {role};
