#!/bin/sh
# Run once by the PostgreSQL image, on an empty data folder: one database and one owner for each purpose.
set -eu
for pair in "airflow:$AIRFLOW_DB_PASSWORD" "warehouse:$WAREHOUSE_DB_PASSWORD" "marketing:$MARKETING_DB_PASSWORD"; do
    name=${pair%%:*}
    psql --username "$POSTGRES_USER" --set ON_ERROR_STOP=1 --set name="$name" --set password="${pair#*:}" <<'SQL'
create role :"name" login createrole password :'password';
create database :"name" owner :"name" encoding 'UTF8' template template0;
SQL
done
