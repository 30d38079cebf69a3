"""The SQL toolkit of the platform's parts: what of SQLAlchemy they use, so that only the store knows the library."""

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    Table,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    not_,
    null,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

__all__ = [
    "Column",
    "ColumnElement",
    "Connection",
    "IntegrityError",
    "Row",
    "Table",
    "and_",
    "delete",
    "exists",
    "func",
    "insert",
    "literal",
    "literal_column",
    "not_",
    "null",
    "or_",
    "select",
    "text",
    "tuple_",
    "update",
    "upsert",
]
