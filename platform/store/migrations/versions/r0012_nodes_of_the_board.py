"""The inner nodes of the board's tree, which make its proofs quick whatever its size.

The table begins empty: the next anchor fills it, and until then proofs are made from the leaves. Code that knows
nothing of it goes on beside this.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "board_nodes",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "level BETWEEN 1 AND 40 AND position BETWEEN 0 AND 1099511627776",
            name=op.f("ck_board_nodes_in_a_tree"),
        ),
        sa.PrimaryKeyConstraint("level", "position", name=op.f("pk_board_nodes")),
        comment="Roots of complete subtrees of the board's tree: they follow from leaf_hash, and make proofs quick.",
    )
