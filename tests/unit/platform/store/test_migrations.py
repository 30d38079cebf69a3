"""The migrations make exactly the schema of tables.py, however many processes run them at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from countermark.platform.store import migrations, tables
from countermark.platform.store.engine import Database
from countermark.platform.store.migrations import migrate
from countermark.platform.store.objects.tables import metadata
from countermark.platform.store.sql import select, text
from countermark.platform.store.tables import CONTRACT_LEDGER_COLUMNS, LEDGER_TABLES, data_contracts

_DESCRIPTION = {
    "columns": """
        SELECT table_name, row_number() OVER (PARTITION BY table_name ORDER BY ordinal_position),
               column_name, udt_name, is_nullable, column_default, is_identity
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
        ORDER BY 1, 2""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
        ORDER BY 1, 2""",
    "indexes": """
        SELECT tablename, indexname, indexdef FROM pg_indexes
        WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1, 2""",
    "comments": """
        SELECT relname, obj_description(oid) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version' ORDER BY 1""",
}


def _describe(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.begin() as connection:
        return {what: [tuple(row) for row in connection.execute(text(query))] for what, query in _DESCRIPTION.items()}


def test_the_migrations_make_the_schema_that_tables_describes(database: Database, empty_database: Database) -> None:
    with empty_database.begin() as connection:
        metadata.create_all(connection)
    migrated, described = _describe(database), _describe(empty_database)
    for what in _DESCRIPTION:
        assert set(migrated[what]) ^ set(described[what]) == set()
        assert migrated[what] == described[what]


def test_alembic_finds_nothing_to_add(database: Database) -> None:
    with database.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_processes_that_migrate_at_the_same_time_do_not_meet(empty_database: Database) -> None:
    databases = [Database(empty_database._url.render_as_string(hide_password=False)) for _ in range(4)]
    with ThreadPoolExecutor(len(databases)) as pool:
        list(pool.map(migrate, databases))
    for each in databases:
        each.close()
    with empty_database.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar_one() == 1


def test_to_migrate_an_up_to_date_database_changes_nothing(database: Database) -> None:
    before = _describe(database)
    migrate(database)
    assert _describe(database) == before


def test_packages_that_lay_there_before_remedies_are_first_ones(empty_database: Database) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with empty_database.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0009")
        insert = """
            INSERT INTO packages (trade, object_name, size, state, created_ms)
            VALUES ('tr1', 'packages/tr1/a', 1, 'COMPLETE', 0)"""
        connection.execute(text(insert))
    migrate(empty_database)
    with empty_database.begin() as connection:
        (row,) = connection.execute(select(tables.packages)).all()
    assert (row.trade, row.delivery, row.state) == ("tr1", "first", "COMPLETE")


def test_every_ledger_derived_column_is_listed_and_exists() -> None:
    assert set(CONTRACT_LEDGER_COLUMNS) <= set(data_contracts.columns.keys())
    private = {"address", "description", "salt_d", "fingerprint", "fingerprint_root", "search_text", "registered_ms"}
    assert set(data_contracts.columns.keys()) - set(CONTRACT_LEDGER_COLUMNS) == private
    assert data_contracts not in LEDGER_TABLES
