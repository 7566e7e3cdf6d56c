#!/bin/sh
# Bring all three databases to the layout of this image, and make the first login. Safe to repeat.
set -eu
airflow db migrate
if ! airflow users list --output plain 2>/dev/null | awk '{print $2}' | grep -qx "$RETENTION_ADMIN_USER"; then
    airflow users create --role Admin --username "$RETENTION_ADMIN_USER" --password "$RETENTION_ADMIN_PASSWORD" \
        --firstname Retention --lastname Admin --email "$RETENTION_ADMIN_EMAIL"
fi
retention init
