"""A second package of a disputed trade, its remedy.

Code before the first release could not go on beside this: it knows one package of a trade, by the trade alone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What is there are first packages; from now on whoever adds one says which it is.
    op.add_column(
        "packages",
        sa.Column("delivery", sa.Text(), autoincrement=False, server_default=sa.text("'first'"), nullable=False),
    )
    op.alter_column("packages", "delivery", server_default=None)
    op.create_check_constraint(op.f("ck_packages_delivery_known"), "packages", "delivery IN ('first', 'remedy')")
    op.drop_constraint(op.f("pk_packages"), "packages", type_="primary")
    op.create_primary_key(op.f("pk_packages"), "packages", ["trade", "delivery"])
    op.create_table_comment(
        "packages", "Encrypted packages in transit (15): the first of a trade, and in a dispute its remedy."
    )
