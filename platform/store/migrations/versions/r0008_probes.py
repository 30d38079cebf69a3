"""Attempts that came near a registration, and payments for inquiries; older code leaves both tables alone."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "probes",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("sponsor", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("degree", sa.Text(), nullable=False),
        sa.Column("registration", sa.LargeBinary(), nullable=False),
        sa.Column("finding", sa.LargeBinary(), nullable=False),
        sa.Column("samples", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_probes")),
        comment="Attempts that came near somebody else's registration, for the supervisor (A-31).",
    )
    op.create_index("ix_probes_registration", "probes", ["registration", "at_ms"])
    op.create_index("ix_probes_account", "probes", ["account", "at_ms"])
    op.create_index("ix_probes_sponsor", "probes", ["sponsor", "at_ms"])
    op.create_index("ix_probes_at", "probes", ["at_ms"])
    op.create_table(
        "search_payments",
        sa.Column("tx_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("used_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tx_id", name=op.f("pk_search_payments")),
        comment="Transfers that have paid for an inquiry; each counts once, so none is ever deleted.",
    )
