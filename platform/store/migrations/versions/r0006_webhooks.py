"""Webhooks; older code leaves the table alone."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("url", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("news", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("disabled_ms", sa.BigInteger(), nullable=True),
        sa.Column("lease_holder", sa.Text(), nullable=True),
        sa.Column("lease_until_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('ACTIVE', 'DISABLED')", name=op.f("ck_webhooks_state_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        comment="Where accounts want to be told of their events, and how far each was told.",
    )
    op.create_index("ix_webhooks_account", "webhooks", ["account", "created_ms", "id"])
    op.create_index(
        "ix_webhooks_due",
        "webhooks",
        ["due_ms"],
        postgresql_where=sa.text("state = 'ACTIVE' AND news > position"),
    )
    op.create_table_comment("quotas", "What was used of each limit in each window.")
