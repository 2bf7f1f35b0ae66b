"""A run as a database in memory: its tables and ready views, which can be read and nothing else.

The parts are read where they lie, as a query needs them; a run that goes on is seen as it was when
it was opened. Queries may hold anything a stranger thought of: they reach no file but the parts.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from shlex import quote
from typing import TYPE_CHECKING, Any

from framescope.classifier.batch.folder import RunError, RunFolder
from framescope.classifier.batch.reading.views import View, create, views
from framescope.classifier.batch.schema import TABLES, VERSION, columns, need_pyarrow
from framescope.classifier.errors import FramescopeError, need

if TYPE_CHECKING:
    import pyarrow as pa

MEMORY = "2GB"
"""That queries may use before they use the disk, unless told otherwise."""

_ROWS = 10_000  # handed on at a time
_TYPES = {
    "int64": "BIGINT", "int32": "INTEGER", "float": "FLOAT", "bool": "BOOLEAN",
    "string": "VARCHAR", "word": "VARCHAR", "date32": "DATE",
    "list": "VARCHAR[]", "places": "INTEGER[]",
}  # fmt: skip
_CLOSED = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}
_PLACE = re.compile(r"\n\s*LINE (\d+): (.*)\n( *)\^")


class QueryError(FramescopeError):
    """SQL that can't be run, or answered."""


@dataclass(frozen=True)
class Database:
    """A run that is open to be asked.

    Attributes
    ----------
    folder : RunFolder
    manifest : mapping
    connection : duckdb.DuckDBPyConnection
    """

    folder: RunFolder
    manifest: Mapping[str, Any]
    connection: Any
    _answers: list[Any] = field(default_factory=list, repr=False)

    @property
    def finished(self) -> bool:
        """Whether the run has ended; else this is what it had come to."""
        return bool(self.manifest.get("finished"))

    @property
    def signals(self) -> tuple[str, ...]:
        """What its model gives."""
        return tuple(self.manifest["signals"])

    @property
    def views(self) -> tuple[View, ...]:
        """The ready views."""
        return views(self.signals, self.manifest["thresholds"])

    def ask(self, sql: str) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """Answer a question in SQL; it ends the answer before it, whose rest can't be read.

        Parameters
        ----------
        sql : str
            One statement that reads: SELECT, FROM, WITH, DESCRIBE, SHOW, SUMMARIZE, PIVOT.

        Returns
        -------
        schema : pyarrow.Schema
        batches : iterator of pyarrow.RecordBatch
            As they come: a large answer is never held whole.

        Raises
        ------
        QueryError
            At once or on the way.
        """
        self._check(sql)
        while self._answers:
            self._answers.pop().close()
        with _told(self.folder):
            reader = self._watched(lambda: self._reader(sql))
        self._answers.append(reader)
        schema = _plainer(reader.schema)

        def batches() -> Iterator[pa.RecordBatch]:
            while True:
                with _told(self.folder):
                    batch = self._watched(lambda: next(reader, None))
                    if batch is None:
                        return
                    plain = batch.cast(schema)
                yield plain

        return schema, batches()

    def table(self, sql: str) -> pa.Table:
        """Answer a question in SQL with a whole table; raises `QueryError`."""
        schema, batches = self.ask(sql)
        return need_pyarrow().Table.from_batches(list(batches), schema)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Answer a question in SQL with a row a dictionary; raises `QueryError`."""
        found: list[dict[str, Any]] = self.table(sql).to_pylist()
        return found

    def keep(self, name: str, sql: str) -> None:
        """Put an answer by under a name, for the questions that follow."""
        made = f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}"
        with _told(self.folder):
            self._watched(lambda: self.connection.execute(made))

    def _reader(self, sql: str) -> pa.RecordBatchReader:
        import duckdb

        try:
            return self.connection.sql(sql).to_arrow_reader(_ROWS)
        except duckdb.ProgrammingError:
            # Of a name that isn't there only this says where; it too stops before anything is read.
            self.connection.execute(sql)
            raise

    def _watched(self, call: Callable[[], Any]) -> Any:
        """Let another thread wait for DuckDB, which is deaf to the keyboard while it computes."""
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(call)
            try:
                return waiting.result()
            except BaseException:
                if not waiting.done():
                    self.connection.interrupt()
                raise

    def _check(self, sql: str) -> None:
        from duckdb import StatementType

        with _told(self.folder):
            statements = self.connection.extract_statements(sql)
        # MULTI: what PIVOT becomes.
        reads = (StatementType.SELECT, StatementType.MULTI)
        if not statements:
            raise QueryError(
                f"the SQL is empty; type: framescope query {quote(str(self.folder.path))}"
            )
        if len(statements) > 1 or statements[0].type not in reads:
            reason = "is not one question that only reads; give one SELECT"
            raise QueryError(f"the SQL: {reason}, for parts of it WITH")


@contextmanager
def opened(folder: RunFolder, memory: str = MEMORY) -> Iterator[Database]:
    """Open a run.

    Parameters
    ----------
    folder : RunFolder
    memory : str
        That queries may use before they use the disk: ``500MB``, ``8GB``.

    Raises
    ------
    RunError
        When there is none, or one that can't be read.
    QueryError
        When `memory` is no size.
    FramescopeError
        Without DuckDB or pyarrow.
    """
    manifest = folder.manifest()
    if manifest.get("schema", VERSION) > VERSION:
        reason = f"its tables were written by framescope {manifest.get('framescope')}"
        raise RunError(f"{folder.path}: {reason}, which is newer; upgrade to read it")
    duckdb = need_duckdb()
    need_pyarrow()
    if not re.fullmatch(r"(?i)\d+(\.\d+)?\s*[KMGT]i?B", memory):
        raise QueryError(f"--memory {memory}: is no size; give one such as {MEMORY}")
    with tempfile.TemporaryDirectory(prefix="framescope-") as spare:
        settings = {**_CLOSED, "memory_limit": memory, "temp_directory": spare}
        with _told(folder):
            connection = duckdb.connect(config=settings)
        try:
            with _told(folder, of_tables=True):
                _fill(connection, folder, manifest)
            yield Database(folder, manifest, connection)
        finally:
            connection.close()


def need_duckdb() -> Any:
    """Import DuckDB; a `FramescopeError` says how to get it."""
    return need("duckdb", "asking a run needs", "batch")


def _fill(connection: Any, folder: RunFolder, manifest: Mapping[str, Any]) -> None:
    """Make the views, and then close every other way out of the database."""
    connection.execute("SET enable_progress_bar = false")  # it is drawn on standard output
    files: list[str] = []
    for table in TABLES:
        parts = [str(path.absolute()) for path in folder.parts(table)]
        files += parts
        types = columns(table, manifest["signals"])
        connection.execute(f"CREATE VIEW {table} AS {_reading(types, parts, manifest)}")
    for statement in create(manifest["signals"], manifest["thresholds"]):
        connection.execute(statement)
    connection.execute(f"SET allowed_paths = {_texts(files)}")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _reading(types: Mapping[str, str], parts: Sequence[str], manifest: Mapping[str, Any]) -> str:
    """Give the SQL that reads a table off its parts; of no part, one without rows."""
    cast = {name: _TYPES[kind] for name, kind in types.items()}
    if not parts:
        nulls = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in cast.items())
        return f"SELECT {nulls} WHERE false"
    # Lines of JSON leave empty lists out.
    wanted = ", ".join(
        f"coalesce(\"{name}\", []) AS \"{name}\"" if kind.endswith("[]")
        else f'"{name}"::{kind} AS "{name}"'
        for name, kind in cast.items()
    )  # fmt: skip
    if manifest["options"]["format"] == "parquet":
        return f"SELECT {wanted} FROM read_parquet({_texts(parts)})"
    given = ", ".join(f"\"{name}\": '{kind}'" for name, kind in cast.items())
    lines = f"{_texts(parts)}, format = 'newline_delimited', columns = {{{given}}}"
    return f"SELECT {wanted} FROM read_json({lines})"


def _plainer(schema: pa.Schema) -> pa.Schema:
    """Take plain numbers for the decimals that DuckDB makes of sums and of "1.5"."""
    import pyarrow as pa

    def plain(kind: pa.DataType) -> pa.DataType:
        if not pa.types.is_decimal(kind):
            return kind
        return pa.float64() if kind.scale else pa.int64()

    return pa.schema([field.with_type(plain(field.type)) for field in schema])


def _texts(values: Sequence[str]) -> str:
    return "[" + ", ".join("'" + value.replace("'", "''") + "'" for value in values) + "]"


@contextmanager
def _told(folder: RunFolder, of_tables: bool = False) -> Iterator[None]:
    """Say what DuckDB complains of in one line, and where."""
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException:
        reason = "needs more memory than it may use; give more with --memory 8GB, or ask for less"
        raise QueryError(f"the SQL: {reason}") from None
    except duckdb.PermissionException:
        reason = "reaches for a file or a setting; it can read the run's own tables and no more"
        raise QueryError(f"the SQL: {reason}") from None
    except (duckdb.IOException, duckdb.InvalidInputException) as error:
        if of_tables or "parts" in str(error):
            reason = f"its tables can't be read ({_first(error)}); run the batch again"
            raise RunError(f"{folder.path}: {reason}") from None
        raise QueryError(_said(error, folder)) from None
    except duckdb.Error as error:
        raise QueryError(_said(error, folder)) from None
    except (OSError, ValueError) as error:  # as pyarrow hands on what DuckDB raises on the way
        raise QueryError(_said(error, folder)) from None


def _said(error: Exception, folder: RunFolder) -> str:
    found = _PLACE.search(str(error))
    where = (
        f" (line {found[1]}, character {len(found[3]) - 5 - len(found[1]) - 1})" if found else ""
    )
    hint = f"framescope query {quote(str(folder.path))} lists the views and their columns"
    return f"the SQL can't be run: {_first(error)}{where}; {hint}"


def _first(error: Exception) -> str:
    """Give the message's own lines, without the SQL that it repeats."""
    return " ".join(str(error).partition("\n\n")[0].split())
