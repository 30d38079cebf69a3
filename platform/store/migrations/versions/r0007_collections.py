"""How many items of others a registration holds; older code leaves the column at its default."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("registrations", sa.Column("of_others", sa.Integer(), server_default=sa.text("0"), nullable=False))
