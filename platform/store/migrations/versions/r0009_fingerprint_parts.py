"""Sealed item fingerprints that wait for their application; older code leaves the table alone."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fingerprint_parts",
        sa.Column("account", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("stored", sa.Boolean(), nullable=False),
        sa.Column("sent_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "digest", name=op.f("pk_fingerprint_parts")),
        comment="Sealed item fingerprints that wait for their application.",
    )
    op.create_index("ix_fingerprint_parts_sent", "fingerprint_parts", ["sent_ms"])
