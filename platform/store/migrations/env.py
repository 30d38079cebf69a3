"""Alembic's entry: runs the migrations on the connection, and in the transaction, of `migrate`."""

from alembic import context

from countermark.platform.store.objects.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
)
context.run_migrations()
