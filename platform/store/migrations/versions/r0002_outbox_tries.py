"""How often an outbox row was tried in vain; older code leaves the column at its default."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False))
