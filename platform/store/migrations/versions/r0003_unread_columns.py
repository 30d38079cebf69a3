"""Columns that nothing ever read, dropped before the first release.

Code of a release could not go on beside this: a migration that takes something away from one comes a release later
than the code that does without it.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("packages", "received")  # and with it its constraint: the object store knows
    op.drop_column("packages", "fetched_ms")
    op.drop_column("leases", "fence")
    op.create_table_comment("leases", "One holder at a time for each job.")
