-- What the layer has of the same institutions and kinds, and the file has not; and whether it came from where the rows of this
-- file come from: from a file of this name, or from the source of a row that the file has. What has no source, somebody typed.
-- What the user does not see is not told.
INSERT INTO absent
SELECT id, code, source <> '' AND source IN (
    SELECT %(source)s UNION SELECT staged.source FROM staged UNION SELECT had_source FROM staged)
FROM {table}
WHERE is_active AND (institution_id, kind) IN (SELECT institution_id, kind FROM staged)
    AND (institution_id, code) NOT IN (SELECT institution_id, code FROM staged)
    AND id <> ALL (%(hidden)s::bigint[]);

SELECT code, count(*) OVER (), count(*) FILTER (WHERE is_same_source) OVER ()
FROM absent
ORDER BY is_same_source DESC, code
LIMIT %(shown)s
