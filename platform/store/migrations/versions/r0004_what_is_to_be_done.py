"""Indexes of what is to be done: every block has the jobs look, and what is done already must not slow them down."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_trades_state", "trades", ["state"])
    op.create_index(
        "ix_data_contracts_unpublished",
        "data_contracts",
        ["address"],
        postgresql_where=sa.text("search_text IS NULL AND description IS NOT NULL"),
    )
    op.create_index(
        "ix_registrations_open",
        "registrations",
        ["address"],
        postgresql_where=sa.text("decision = 'allowed' AND failure IS NULL AND deposited_ms IS NULL"),
    )
