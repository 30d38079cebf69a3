"""Contracts whose opening was purged, and holds that lie on contracts instead of packages.

Code before the first release could not go on beside this: it asks the packages for a hold that nobody ever laid.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("registrations", sa.Column("erased_ms", sa.BigInteger()))
    op.create_index(
        "ix_data_contracts_erased",
        "data_contracts",
        ["address"],
        postgresql_where=sa.text("(record ->> 'erased') = 'true'"),
    )
    op.drop_column("packages", "legal_hold")
