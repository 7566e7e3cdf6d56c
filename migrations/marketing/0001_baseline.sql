-- Generated from include/sql by `python -m retention.warehouse.ddl --write`. Do not edit.

create schema if not exists marketing;
comment on schema marketing is 'What marketing tools read and report: the contract between the pipeline and them.';

create schema if not exists staging;
comment on schema staging is 'Audiences being pushed; nobody reads them before they are published.';

create schema if not exists ops;
comment on schema ops is 'Version of this database''s layout.';
