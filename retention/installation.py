"""Making an installation: folders, embedded server, databases, migrations, the pepper. Every function is safe to repeat."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import sqlalchemy as sa

from retention.deployment import Deployment
from retention.warehouse import RetentionError, Warehouse, migrate
from retention.warehouse.embedded import EmbeddedPostgres

EMBEDDED_DATABASES = ("airflow", "warehouse", "marketing", "source_crm", "source_sales")


def make_folders(home: Path) -> None:
    """Make the home folder and, readable by its owner alone, the folder of the secrets."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "secrets").mkdir(mode=0o700, exist_ok=True)


def start_embedded(home: Path) -> list[str]:
    """Start the embedded server and make its databases; return the names of those that are new."""
    server = EmbeddedPostgres(home)
    server.start()
    return server.ensure_databases(EMBEDDED_DATABASES)


def bring_up_to_date(deployment: Deployment) -> dict[str, str]:
    """Migrate both databases and return their revisions by name."""
    urls = {"warehouse": deployment.warehouse_url, "marketing": deployment.marketing_url}
    revisions = {}
    for name, url in urls.items():
        if url:
            database = Warehouse(url, application_name="retention migrate")
            revisions[name] = migrate(database, name)
            database.dispose()
    return revisions


def make_pepper(deployment: Deployment) -> bool:
    """Make the key of the pseudonyms when there is none; tell whether it was made.

    A lost pepper is never replaced silently: with a new one every customer would get a new key, and consents,
    suppressions and control groups would no longer find their people.
    """
    path = deployment.pepper_file
    if path.exists():
        deployment.secrets()
        return False
    warehouse = Warehouse(deployment.warehouse_url, application_name="retention init")
    with warehouse.connect() as connection:
        in_use = connection.execute(sa.text("select exists (select 1 from pii.source_customer)")).scalar_one()
    warehouse.dispose()
    if in_use:
        raise RetentionError(
            f"the warehouse holds customers, but their pepper is missing at {path}. Nothing was changed.", runbook="lost-pepper"
        )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(secrets.token_hex(32))
        stream.flush()
        os.fsync(stream.fileno())
    return True
