-- What the layer has of the same institutions and kinds, and the file has not.
SELECT had.code, count(*) OVER ()
FROM {table} AS had
WHERE (had.institution_id, had.kind) IN (SELECT institution_id, kind FROM staged)
    AND NOT EXISTS (SELECT FROM staged WHERE staged.institution_id = had.institution_id AND staged.code = had.code)
ORDER BY had.code
LIMIT %(shown)s
