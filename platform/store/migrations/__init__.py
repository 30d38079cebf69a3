"""Brings a database to the present schema; many processes may do it at once."""

from pathlib import Path

from countermark.platform.store.engine import Database

_LOCK = 0x636F756E746572  # "counter": one migration at a time in a database


def migrate(database: Database) -> None:
    """Apply every migration that the database has not seen, in one transaction; does nothing when up to date.

    Raises:
        MarketError: DATABASE_UNAVAILABLE.
    """
    # Half a second of imports that only a starting server needs.
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import func, select

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    with database.begin() as connection:
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
