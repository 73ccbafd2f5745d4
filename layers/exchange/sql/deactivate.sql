-- What came from where the rows of this file come from, and is not in it: there no more. See missing.sql.
UPDATE {table} AS had SET is_active = false, updated_at = now()
WHERE had.is_active AND (had.institution_id, had.kind) IN (SELECT institution_id, kind FROM staged)
    AND (had.institution_id, had.code) NOT IN (SELECT institution_id, code FROM staged)
    AND had.source <> '' AND had.source IN (
        SELECT %(source)s UNION SELECT staged.source FROM staged UNION SELECT had_source FROM staged)
