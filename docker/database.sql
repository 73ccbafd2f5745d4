-- The roles, the extensions and the database of a cluster: run by a superuser at each start (docker/postgres.sh), so that a cluster
-- which an older version made gets what it lacks; the db service of docker/compose.yml runs it once.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SELECT 'CREATE ROLE jingtian LOGIN CREATEDB NOSUPERUSER' WHERE to_regrole('jingtian') IS NULL \gexec
-- The site connects as this one: it owns nothing, so it cannot change the audit log or switch off a trigger.
SELECT 'CREATE ROLE jingtian_site LOGIN NOSUPERUSER' WHERE to_regrole('jingtian_site') IS NULL \gexec
-- The owner may act as the site: so do the tests.
GRANT jingtian_site TO jingtian;
-- In template1, so that the databases of the tests have the extensions too; the role that owns the data need not be a superuser.
\connect template1
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS btree_gist;
-- pg_restore by the owner of the data copies (no) rows into this table of the extension.
GRANT INSERT ON spatial_ref_sys TO jingtian;
GRANT SET ON PARAMETER session_replication_role TO jingtian;
\connect postgres
SELECT 'CREATE DATABASE jingtian OWNER jingtian' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'jingtian') \gexec
