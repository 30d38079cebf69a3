"""Claims of ownership, and what is kept of their evidence; older code leaves both tables alone."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "claims",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("listing", sa.Text(), nullable=False),
        sa.Column("claimant", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("decider", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("deadline_ms", sa.BigInteger(), nullable=True),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_tx", sa.Text(), nullable=False),
        sa.Column("created_block", sa.BigInteger(), nullable=False),
        sa.Column("updated_tx", sa.Text(), nullable=False),
        sa.Column("updated_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claims")),
        comment="Claims of ownership.",
    )
    op.create_index("ix_claims_listing", "claims", ["listing"])
    op.create_index("ix_claims_claimant", "claims", ["claimant", "created_block"])
    op.create_index("ix_claims_owner", "claims", ["owner", "created_block"])
    op.create_index("ix_claims_decider", "claims", ["decider", "created_block"])
    op.create_index("ix_claims_due", "claims", ["deadline_ms"], postgresql_where=sa.text("deadline_ms IS NOT NULL"))
    op.create_table(
        "claim_papers",
        sa.Column("claim", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("stored_ms", sa.BigInteger(), nullable=False),
        sa.Column("deleted_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("claim", name=op.f("pk_claim_papers")),
        comment="Claims whose sealed evidence lies in the object store.",
    )
    op.create_index(
        "ix_claim_papers_kept", "claim_papers", ["stored_ms"], postgresql_where=sa.text("deleted_ms IS NULL")
    )
