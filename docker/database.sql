-- The database of a new cluster: run once by a superuser (docker/postgres.sh, and the db service of docker/compose.yml).
-- In template1, so that the databases of the tests have the extensions too; the role that owns the data need not be a superuser.
\set ON_ERROR_STOP on
CREATE ROLE jingtian LOGIN CREATEDB NOSUPERUSER;
-- The site of a server connects as this one: it owns nothing, so it cannot change the audit log or switch off a trigger.
CREATE ROLE jingtian_site LOGIN NOSUPERUSER;
\connect template1
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS btree_gist;
-- pg_restore by the owner of the data copies (no) rows into this table of the extension.
GRANT INSERT ON spatial_ref_sys TO jingtian;
GRANT SET ON PARAMETER session_replication_role TO jingtian;
\connect postgres
CREATE DATABASE jingtian OWNER jingtian;
