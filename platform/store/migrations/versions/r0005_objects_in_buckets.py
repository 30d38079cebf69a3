"""What lies in a bucket, for object stores that speak S3; older code knows folders alone and leaves both empty."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stored_objects",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("incarnation", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_stored_objects"),
        sa.UniqueConstraint("incarnation", name="uq_stored_objects_incarnation"),
        comment="Objects in a bucket (ADR 0016); one that was deleted and written anew is another incarnation.",
    )
    op.create_table(
        "object_pieces",
        sa.Column("incarnation", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incarnation"],
            ["stored_objects.incarnation"],
            name="fk_object_pieces_incarnation",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("incarnation", "start", name="pk_object_pieces"),
        comment="Where in the bucket the bytes of an object are: one row for each piece, from `start` on.",
    )
