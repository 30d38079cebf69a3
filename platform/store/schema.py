"""What all tables have in common: the metadata that holds them, names of their constraints, forms of their keys."""

from typing import Any

from sqlalchemy import CheckConstraint, Column, MetaData, SmallInteger, Text

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def key(name: str, kind: Any = Text) -> Column[Any]:
    """Return a column of the primary key, whose values are given."""
    return Column(name, kind, primary_key=True, autoincrement=False)


def one_row() -> tuple[Column[Any], CheckConstraint]:
    """Return the key of a table that has at most one row."""
    return key("id", SmallInteger), CheckConstraint("id = 1", name="one_row")
