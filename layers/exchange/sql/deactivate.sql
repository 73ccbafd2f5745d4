-- What came from where the rows of this file come from, and is not in it: there no more.
UPDATE {table} SET is_active = false, updated_at = now()
WHERE id IN (SELECT id FROM absent WHERE is_same_source)
