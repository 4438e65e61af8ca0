-- The database and the two roles of Portcullis, for psql as a superuser. README.md says which is for what.
CREATE ROLE portcullis_owner LOGIN PASSWORD 'CHANGE-ME-OWNER';
CREATE ROLE portcullis LOGIN PASSWORD 'CHANGE-ME-GATEWAY';
CREATE DATABASE portcullis OWNER portcullis_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE portcullis FROM PUBLIC;
GRANT CONNECT ON DATABASE portcullis TO portcullis;
\connect portcullis
-- Of all that the owner will make there.
ALTER DEFAULT PRIVILEGES FOR ROLE portcullis_owner GRANT USAGE ON SCHEMAS TO portcullis;
ALTER DEFAULT PRIVILEGES FOR ROLE portcullis_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO portcullis;
