-- The log of who did what: writes of every client, by triggers; reads, unmaskings and logins, by log_event. It only grows.
-- All functions run as their owner, so that the role of the site needs no right on the table but SELECT.

CREATE FUNCTION refuse_change_of_audit() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    -- The age is asked for here, too: whoever sets the variable by hand gets no further than purge_audit would.
    IF TG_OP = 'DELETE' AND current_setting('jingtian.purging', true) = 'on' AND OLD.at < now() - interval '184 days' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit log only grows: % is refused', TG_OP
        USING ERRCODE = 'object_not_in_prerequisite_state', TABLE = 'audit', CONSTRAINT = 'audit_only_grows',
              HINT = 'SELECT purge_audit(days) removes what is older than the days to keep, at least 184.';
END $$;

CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_change_of_audit();
CREATE TRIGGER audit_truncated BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit();
-- Also for whoever sets session_replication_role.
ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_only_grows;
ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_truncated;

-- One event that is no write of a row. `actor` is an account, or null for an unknown one; the name is kept as it is now.
CREATE FUNCTION log_event(
    kind text, actor bigint, actor_name text, institution bigint, subject text, keys text[], fields text[], reason text, address text
) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO audit (at, kind, operation, table_name, keys, rows, fields, reason, address,
                       user_id, username, user_institution_id, institution_id, db_role, program)
    SELECT clock_timestamp(), kind, '', subject, keys, coalesce(cardinality(keys), 0), fields, reason, address,
           account.id, coalesce(account.username, actor_name), account.institution_id,
           coalesce(institution, account.institution_id), session_user, current_setting('application_name')
    FROM (VALUES (1)) AS one LEFT JOIN account ON account.id = actor
    RETURNING id
$$;

-- Removes what is older than `keep` days; returns how many entries went. That is an entry itself.
CREATE FUNCTION purge_audit(keep integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    gone bigint;
BEGIN
    IF keep IS NULL OR keep < 184 THEN
        RAISE EXCEPTION 'the audit log is kept for 184 days at least, not %', keep
            USING ERRCODE = 'invalid_parameter_value', TABLE = 'audit', CONSTRAINT = 'audit_is_kept';
    END IF;
    PERFORM set_config('jingtian.purging', 'on', true);
    DELETE FROM audit WHERE at < now() - make_interval(days => keep);
    GET DIAGNOSTICS gone = ROW_COUNT;
    PERFORM set_config('jingtian.purging', '', true);
    PERFORM log_event('purge', nullif(current_setting('jingtian.user', true), '')::bigint, '', NULL, 'audit', '{}', '{}',
                      format('%s entries older than %s days', gone, keep), '');
    RETURN gone;
END $$;

-- The trigger of every logged table, once a statement. Arguments: key columns, columns to leave out, and an SQL expression for
-- the institution that a row (as `r`) belongs to.
--   update, delete: an entry a row, because the old values are nowhere else; only the columns that changed.
--   insert: an entry a row, and one for all rows of a statement that inserts more than 1,000: the rows themselves tell the rest.
CREATE FUNCTION log_write() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    keys CONSTANT text[] := TG_ARGV[0];
    ignored CONSTANT text[] := TG_ARGV[1];
    -- A `key` is a secret where it is one of a second factor; elsewhere it is a word, as that of a kind.
    secrets CONSTANT text[] := '{password,digest,secret,token,session_data,session_key}'::text[]
        || CASE WHEN starts_with(TG_TABLE_NAME, 'otp_') THEN '{key}'::text[] ELSE '{}' END;
    actor record;
    key text;
    joined text;
    partner text;
    differs text;
    old_row text;
    new_row text;
    many boolean := false;
BEGIN
    SELECT account.id, coalesce(account.username, '') AS username, account.institution_id INTO actor
    FROM (VALUES (1)) AS one
    LEFT JOIN account ON account.id = nullif(current_setting('jingtian.user', true), '')::bigint;

    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO audit (at, kind, operation, table_name, keys, rows, fields, reason, address,
                           user_id, username, user_institution_id, institution_id, db_role, program)
        VALUES (clock_timestamp(), 'write', 'truncate', TG_TABLE_NAME, '{}', 0, '{}', '', '',
                actor.id, actor.username, actor.institution_id, actor.institution_id, session_user, current_setting('application_name'));
        RETURN NULL;
    END IF;

    SELECT string_agg(format('r.%I::text', name), ' || '','' || '), string_agg(format('o.%1$I = n.%1$I', name), ' AND '),
           string_agg(format('r.%1$I = n.%1$I', name), ' AND ')
    INTO key, joined, partner FROM unnest(keys) AS name;
    -- Binary comparison: it works for every type, and reads no geometry as GeoJSON.
    SELECT format('ROW(%s)::record *<> ROW(%s)::record', string_agg(format('o.%I', attname), ', '), string_agg(format('n.%I', attname), ', ')),
           string_agg(CASE
               WHEN typname IN ('geometry', 'geography', 'bytea')
                   THEN format('length(o.%1$I::bytea) || '' bytes, md5 '' || md5(o.%1$I::bytea) AS %1$I', attname)
               WHEN attname = ANY (secrets) THEN format('CASE WHEN o.%1$I::text <> '''' THEN ''***'' END AS %1$I', attname)
               ELSE format('o.%I', attname) END, ', '),
           string_agg(CASE
               WHEN typname IN ('geometry', 'geography', 'bytea')
                   THEN format('length(n.%1$I::bytea) || '' bytes, md5 '' || md5(n.%1$I::bytea) AS %1$I', attname)
               WHEN attname = ANY (secrets) AND TG_OP = 'UPDATE' THEN
                   format('CASE WHEN o.%1$I IS DISTINCT FROM n.%1$I THEN ''*** (new)'' ELSE ''***'' END AS %1$I', attname)
               WHEN attname = ANY (secrets) THEN format('CASE WHEN n.%1$I::text <> '''' THEN ''***'' END AS %1$I', attname)
               ELSE format('n.%I', attname) END, ', ')
    INTO differs, old_row, new_row
    FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
    WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped AND attname <> ALL (ignored);

    IF TG_OP = 'INSERT' THEN
        SELECT count(*) > 1000 INTO many FROM (SELECT FROM new_rows LIMIT 1001) AS first_rows;
    END IF;
    EXECUTE format(
        'INSERT INTO audit (at, kind, operation, table_name, keys, rows, fields, reason, address, old, new,'
        '                   user_id, username, user_institution_id, institution_id, db_role, program) '
        'SELECT clock_timestamp(), ''write'', $1, $2, keys, cardinality(keys), ''{}'', '''', '''', old, new,'
        '       $3, $4, $5, coalesce(institution, $5), session_user, current_setting(''application_name'') FROM (%s) AS change',
        CASE
        WHEN many THEN format(
            'SELECT array_agg(%s) AS keys, NULL::jsonb AS old, NULL::jsonb AS new, %s AS institution FROM new_rows AS r GROUP BY 4',
            key, TG_ARGV[2])
        WHEN TG_OP = 'INSERT' THEN format(
            'SELECT ARRAY[%s] AS keys, NULL::jsonb AS old, to_jsonb(shown) AS new, %s AS institution'
            ' FROM new_rows AS r, LATERAL (SELECT %s FROM (SELECT r.*) AS n) AS shown', key, TG_ARGV[2], new_row)
        WHEN TG_OP = 'DELETE' THEN format(
            'SELECT ARRAY[%s] AS keys, to_jsonb(shown) AS old, NULL::jsonb AS new, %s AS institution'
            ' FROM old_rows AS r, LATERAL (SELECT %s FROM (SELECT r.*) AS o) AS shown', key, TG_ARGV[2], old_row)
        ELSE format(
            'SELECT ARRAY[%1$s] AS keys, diff.old, diff.new, %2$s AS institution'
            ' FROM old_rows AS o JOIN new_rows AS n ON %3$s'
            ' CROSS JOIN LATERAL (SELECT n.*) AS r'
            ' CROSS JOIN LATERAL (SELECT to_jsonb(shown) AS row FROM (SELECT %4$s) AS shown) AS before'
            ' CROSS JOIN LATERAL (SELECT to_jsonb(shown) AS row FROM (SELECT %5$s) AS shown) AS after'
            ' CROSS JOIN LATERAL (SELECT jsonb_object_agg(name, before.row -> name) AS old, jsonb_object_agg(name, after.row -> name) AS new'
            '     FROM jsonb_object_keys(after.row) AS name WHERE before.row -> name IS DISTINCT FROM after.row -> name) AS diff'
            ' WHERE %6$s'
            -- A row whose key was changed has no partner: what it was, and what it became.
            ' UNION ALL SELECT ARRAY[%1$s], to_jsonb(shown), NULL, %2$s FROM old_rows AS r,'
            '     LATERAL (SELECT %4$s FROM (SELECT r.*) AS o) AS shown WHERE NOT EXISTS (SELECT FROM new_rows AS n WHERE %7$s)'
            ' UNION ALL SELECT ARRAY[%1$s], NULL, to_jsonb(shown), %2$s FROM new_rows AS r,'
            '     LATERAL (SELECT %5$s FROM (SELECT r.*) AS n, LATERAL (SELECT r.*) AS o) AS shown'
            '     WHERE NOT EXISTS (SELECT FROM old_rows AS n WHERE %7$s)',
            key, TG_ARGV[2], joined, old_row, new_row, differs, partner)
        END)
    USING lower(TG_OP), TG_TABLE_NAME::text, actor.id, actor.username, actor.institution_id;
    RETURN NULL;
END $$;

-- Logs all writes of a table from now on, instead of as before. `institution` is an SQL expression over a row `r`.
CREATE FUNCTION log_writes(logged regclass, ignored text[], institution text) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    keys text[];
    event text;
BEGIN
    SELECT array_agg(attname::text ORDER BY attnum) INTO STRICT keys
    FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey) WHERE indrelid = logged AND indisprimary;
    FOREACH event IN ARRAY '{insert,update,delete,truncate}'::text[] LOOP
        EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', 'log_' || event, logged);
        EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION log_write(%L, %L, %L)',
            'log_' || event, event, logged,
            CASE event WHEN 'insert' THEN 'REFERENCING NEW TABLE AS new_rows' WHEN 'delete' THEN 'REFERENCING OLD TABLE AS old_rows'
                       WHEN 'update' THEN 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows' ELSE '' END,
            keys, ignored, institution);
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', logged, 'log_' || event);
    END LOOP;
END $$;

-- log_write() among them: on a table of his own, anybody could make it log what never was, and run what its arguments say as the owner.
REVOKE EXECUTE ON FUNCTION log_write(), purge_audit(integer), log_event(text, bigint, text, bigint, text, text[], text[], text, text)
    FROM PUBLIC;
