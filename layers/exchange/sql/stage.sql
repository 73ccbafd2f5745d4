-- Rows of a file on their way into a layer. `own` holds what only this layer's features have; null: the file does not say.
-- `path`: a line as WKT.
DROP TABLE IF EXISTS pg_temp.staged;
CREATE TEMPORARY TABLE staged (
    line integer, institution_id bigint, code text, name text, kind text, lon float8, lat float8, path text, attributes jsonb, own jsonb,
    synthetic boolean, source text, had_source text, geom geometry(Geometry, 4490), known boolean DEFAULT false, changed boolean DEFAULT false
) ON COMMIT DROP;
-- What the layer has and the file has not; see absent.sql.
DROP TABLE IF EXISTS pg_temp.absent;
CREATE TEMPORARY TABLE absent (id bigint, code text, is_same_source boolean) ON COMMIT DROP
