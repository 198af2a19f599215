"""Connections to databases: which tables there are, by the catalogue, without asking for data."""

import sys
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any

from cave_agent.runtime._foreign import attempt
from cave_agent.runtime._summaries._look import Describe, Look, counted, cut, label, listed

_MOST_TABLES = 50
_MOST_COLUMNS = 200
# As bytes, since a connection's `text_factory` makes anything of texts.
_TABLES = "SELECT CAST(name AS BLOB) FROM sqlite_master WHERE type IN ('table', 'view') LIMIT 1000"
_COLUMNS = "SELECT CAST(name AS BLOB), CAST(type AS BLOB) FROM pragma_table_info(?)"
_DUCKDB = """
    SELECT table_name, column_name, data_type FROM information_schema.columns
    WHERE table_schema NOT IN ('information_schema', 'pg_catalog')
    ORDER BY table_name, ordinal_position LIMIT 1000
"""


def _sqlite(connection: Any, look: Look) -> str:
    if getattr(connection, "autocommit", -1) is False:  # a look would begin a transaction
        return ""
    with closing(connection.cursor()) as cursor, _impatient(cursor):
        cursor.row_factory = None
        names = [row[0].decode("utf-8", "replace") for row in cursor.execute(_TABLES)]
        tables = [_table(name, _columns(cursor, name)) for name in names[:_MOST_TABLES]]
    return _listed(tables, len(names), look)


def _columns(cursor: Any, table: str) -> list[tuple[str, str]]:
    rows = cursor.execute(_COLUMNS, (table,)).fetchmany(_MOST_COLUMNS)
    return [
        (name.decode("utf-8", "replace"), kind.decode("utf-8", "replace")) for name, kind in rows
    ]


@contextmanager
def _impatient(cursor: Any) -> Generator[None]:
    """Wait for nobody who has locked the file, and leave the user's own patience as it was."""
    patience = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
    cursor.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        cursor.execute(f"PRAGMA busy_timeout = {int(patience)}")


def _duckdb(connection: Any, look: Look) -> str:
    with closing(connection.cursor()) as cursor:  # the connection's own would lose its result
        rows = cursor.execute(_DUCKDB).fetchall()
    tables: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in rows:
        tables.setdefault(table, []).append((column, kind))
    described = [_table(*each) for each in islice(tables.items(), _MOST_TABLES)]
    return _listed(described, len(tables), look)


def _engine(engine: Any, look: Look) -> str:
    """An engine of SQLAlchemy; only one of SQLite is asked, since any other may be far away."""
    sync: Any = getattr(engine, "sync_engine", engine)
    dialect = cut(str(sync.dialect.name), 20)
    is_shared = type(sync.pool).__name__ == "StaticPool"  # a look would roll back what is begun
    if dialect != "sqlite" or is_shared or sync is not engine:
        return f", {dialect}"
    return f", {dialect}{attempt(lambda: _asked(sync, look), '')}"


def _asked(engine: Any, look: Look) -> str:
    with (
        engine.connect() as connection,
        closing(connection.connection.cursor()) as cursor,
        _impatient(cursor),
    ):
        return _inspected(connection, look)


def _connection(connection: Any, look: Look) -> str:
    dialect = cut(str(connection.dialect.name), 20)
    is_begun = connection.in_transaction()  # else a look would begin one
    is_near = dialect == "sqlite" and is_begun and hasattr(connection, "execution_options")
    return f", {dialect}{_inspected(connection, look) if is_near else ''}"


def _session(session: Any, look: Look) -> str:
    bind: Any = attempt(session.get_bind, None)
    if bind is None:
        return ""
    return _engine(bind, look) if hasattr(bind, "pool") else f", {cut(str(bind.dialect.name), 20)}"


def _inspected(connection: Any, look: Look) -> str:
    inspector: Any = sys.modules["sqlalchemy"].inspect(connection)
    names: list[str] = inspector.get_table_names()
    tables = [
        _table(name, ((each["name"], each["type"]) for each in inspector.get_columns(name)))
        for name in names[:_MOST_TABLES]
    ]
    return _listed(tables, len(names), look)


def _table(name: str, columns: Iterable[tuple[Any, Any]]) -> str:
    told = [f"{label(str(column))} {cut(str(kind), 20)}".rstrip() for column, kind in columns]
    return f"{label(name)}({', '.join(told)})"


def _listed(tables: list[str], total: int, look: Look) -> str:
    return f", {counted(total, 'table')}{listed(tables, total, look.budget - 80)}"


def _schema(table: Any, look: Look) -> str:
    """A table of SQLAlchemy as the code declares it."""
    return cut(f" {_declared(table)}", look.budget)


def _metadata(metadata: Any, look: Look) -> str:
    tables = [_declared(each) for each in islice(metadata.tables.values(), _MOST_TABLES)]
    return _listed(tables, len(metadata.tables), look)


def _declared(table: Any) -> str:
    columns = islice(table.columns, _MOST_COLUMNS)
    return _table(str(table.name), ((each.name, each.type) for each in columns))


DESCRIBERS: dict[str, Describe] = {
    "sqlite3.Connection": _sqlite,
    "duckdb.DuckDBPyConnection": _duckdb,
    "sqlalchemy.engine.Engine": _engine,
    "sqlalchemy.engine.Connection": _connection,
    "sqlalchemy.orm.Session": _session,
    "sqlalchemy.ext.asyncio.AsyncEngine": _engine,
    "sqlalchemy.Table": _schema,
    "sqlalchemy.MetaData": _metadata,
}
