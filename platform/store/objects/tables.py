"""The index of a bucket (ADR 0016): own tables, as `store.tables` says, empty where objects lie in a folder."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, Table, Text

from countermark.platform.store.tables import metadata

__all__ = ["metadata", "object_pieces", "stored_objects"]

stored_objects = Table(
    "stored_objects",
    metadata,
    Column("name", Text(collation="C"), primary_key=True),  # bytewise, so that a prefix is a range
    Column("incarnation", Text, nullable=False, unique=True),
    Column("size", BigInteger, nullable=False),
    Column("sealed", Boolean, nullable=False),
    comment="Objects in a bucket (ADR 0016); one that was deleted and written anew is another incarnation.",
)

object_pieces = Table(
    "object_pieces",
    metadata,
    Column("incarnation", Text, ForeignKey("stored_objects.incarnation", ondelete="CASCADE"), primary_key=True),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("size", Integer, nullable=False),  # of its bytes that count; the rest was given up
    Column("token", Text, nullable=False),
    comment="Where in the bucket the bytes of an object are: one row for each piece, from `start` on.",
)
