"""Alembic environment: the connection is handed over by retention.warehouse.migrations, in its transaction."""

from alembic import context

from retention.warehouse.migrations import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True, **VERSION_TABLE)
context.run_migrations()
