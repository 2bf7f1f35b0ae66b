"""A run as a database in memory, locked to its tables, since strangers may query it; DataFrames."""

from __future__ import annotations

import os
import re
import tempfile
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from shlex import quote
from threading import Event, Timer
from typing import TYPE_CHECKING, Any

from framescope.classifier.batch.folder import RunError, RunFolder
from framescope.classifier.batch.reading import sources
from framescope.classifier.batch.reading import views as ready
from framescope.classifier.batch.schema import ADDED, TABLES, VERSION, columns, need_pyarrow, schema
from framescope.classifier.errors import FramescopeError, need
from framescope.classifier.reports.document import need_pandas

if TYPE_CHECKING:
    import pandas
    import pyarrow as pa

MEMORY, DISK, SECONDS = "2GB", "20GB", 600.0  # that a query may use; the disk beyond the memory
_BATCH_ROWS = 10_000
_MOSTLY = 0.5  # of a run's articles
_TYPES = {
    "int64": "BIGINT", "int32": "INTEGER", "float": "FLOAT", "bool": "BOOLEAN",
    "string": "VARCHAR", "word": "VARCHAR", "date32": "DATE",
    "list": "VARCHAR[]", "places": "INTEGER[]",
}  # fmt: skip
_OFF = ("autoinstall_known_extensions", "autoload_known_extensions", "python_enable_replacements")
_WORD = re.compile(r"\w+")
_BY_NAME = {"query", "query_table"}  # functions that reach tables by the value of a text
_POSITION = re.compile(r"\n\s*LINE (\d+): (.*)\n( *)\^")


class QueryError(FramescopeError):
    """SQL that can't be run."""


@dataclass(frozen=True)
class Database:
    """An open run."""

    folder: RunFolder
    manifest: Mapping[str, Any]
    connection: Any  # of DuckDB
    views: Mapping[str, str]  # their SQL
    seconds: float | None = None  # that a query may take
    _answer: ExitStack = field(default_factory=ExitStack, repr=False)  # ends the last one
    _checked: set[str] = field(default_factory=set, repr=False)  # tables

    def ask(self, sql: str) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """Run one query that reads, or raise `QueryError`; it ends the answer before."""
        import pyarrow as pa
        from duckdb import StatementType

        with _errors(self.folder):
            statements = self.connection.extract_statements(sql)
        if not statements:
            run = quote(str(self.folder.path))
            raise QueryError(f"the SQL is empty; type: framescope query {run}")
        reading = (StatementType.SELECT, StatementType.MULTI)  # which PIVOT becomes
        if len(statements) > 1 or statements[0].type not in reading:
            raise QueryError("the SQL: is not one query that only reads; give one SELECT")
        self._check(sql)
        self._answer.close()  # a connection has one result at a time
        late = self._timed()
        with _errors(self.folder, late), warnings.catch_warnings():
            # Only `execute` can be interrupted from the keyboard; DuckDB warns of a slower copy.
            warnings.simplefilter("ignore")
            reader = self.connection.execute(sql).to_arrow_reader(_BATCH_ROWS)
        self._answer.callback(reader.close)
        # Plain numbers, in place of the decimals that DuckDB makes of sums and of "1.5".
        schema = pa.schema(
            one.with_type(pa.float64() if one.type.scale else pa.int64())
            if pa.types.is_decimal(one.type)
            else one
            for one in reader.schema
        )

        def batches() -> Iterator[pa.RecordBatch]:
            with _errors(self.folder, late):
                for batch in reader:
                    yield batch.cast(schema)
            self._answer.close()

        return schema, batches()

    def _timed(self) -> Event:
        """Interrupt the next query when its time is up; return the event that it is."""
        late = Event()

        def stop() -> None:
            late.set()
            self.connection.interrupt()

        if self.seconds is not None:
            timer = Timer(self.seconds, stop)
            timer.daemon = True
            timer.start()
            self._answer.callback(timer.cancel)
        return late

    def table(self, sql: str) -> pa.Table:
        """Return the answer to a query as a table; raise `QueryError`."""
        schema, batches = self.ask(sql)
        return need_pyarrow().Table.from_batches(list(batches), schema)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Return the answer to a query as one dictionary per row; raise `QueryError`."""
        return list(self.table(sql).to_pylist())

    def of_one_model(self) -> tuple[Mapping[str, Any], str]:
        """Return the manifest as if the model of most articles were alone, and the SQL of these."""
        manifest, other = self.manifest, self.manifest.get("other")
        if not other:
            return manifest, "note IS NULL"
        name = other["name"].replace("'", "''")
        its = f"(model IS NOT DISTINCT FROM '{name}')"
        [row] = self.rows(f"SELECT avg({its}::INT) AS share FROM articles WHERE note IS NULL")
        most = (row["share"] or 0) > _MOSTLY
        if most:
            manifest = {**manifest, **other, "model": {**manifest["model"], **other}}
        return manifest, f"note IS NULL AND {its} = {most}"

    def _check(self, sql: str) -> None:
        """Compare the tables that a query may read with their checksums, or raise `RunError`."""
        words, new = set[str](), set(_WORD.findall(sql.lower()))
        while new := new - words:
            words |= new
            new = {word for one in new for word in _WORD.findall(self.views.get(one, "").lower())}
        named = words if words.isdisjoint(_BY_NAME) else {*TABLES}
        if wanted := {*TABLES} & named - self._checked:
            self.folder.check(*wanted)
            self._checked.update(wanted)

    def keep(self, name: str, sql: str) -> None:
        """Store the answer to a query as a temporary table."""
        self._check(sql)
        with _errors(self.folder):
            self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")


@contextmanager
def open_run(
    folder: RunFolder, memory: str = MEMORY, disk: str = DISK, seconds: float | None = None
) -> Iterator[Database]:
    """Open a run, finished or not; queries use the disk beyond `memory`, such as ``8GB``."""
    manifest = folder.manifest()
    if (version := manifest.get("schema", VERSION)) > VERSION:
        found = f"its tables are of version {version}, not of {VERSION}"
        raise RunError(f"{folder.path}: {found}; upgrade framescope to read it")
    duckdb = need("duckdb", "querying a run needs", "batch")
    need_pyarrow()
    folder.check()
    for option, size, such in (("memory", memory, MEMORY), ("disk", disk, DISK)):
        if not re.fullmatch(r"(?i)\d+(\.\d+)?\s*[KMGT]i?B", size):
            raise QueryError(f"--{option} {size}: is not a size; give one such as {such}")
    with tempfile.TemporaryDirectory(prefix="framescope-") as spill:
        settings = dict.fromkeys(_OFF, "false") | {"memory_limit": memory, "temp_directory": spill}
        settings["max_temp_directory_size"] = disk
        with _errors(folder):
            connection = duckdb.connect(config=settings)
        try:
            with _errors(folder, opening=True):
                views = _fill(connection, folder, manifest)
            database = Database(folder, manifest, connection, views, seconds)
            with database._answer:
                yield database
        finally:
            connection.close()


def _fill(connection: Any, folder: RunFolder, manifest: Mapping[str, Any]) -> dict[str, str]:
    """Create the tables and views, then close every way out of the database; return the views."""
    connection.execute("SET enable_progress_bar = false")  # it would write to standard output
    is_called, on_record = sources.registry_functions(manifest["options"].get("sources"))
    for name, function, given, answer in (
        (ready.INTERVAL, ready.share_interval, ["DOUBLE"] * 7, "DOUBLE[]"),
        (sources.SPEAKERS, sources.speakers, ["VARCHAR[]", "BIGINT[]"], "VARCHAR[]"),
        (sources.IS_CALLED, is_called, ["VARCHAR", "VARCHAR[]"], "BOOLEAN"),
        (sources.ON_RECORD, on_record, ["VARCHAR"], "STRUCT(name VARCHAR, state_media BOOLEAN)"),
    ):
        connection.create_function(name, function, given, answer, null_handling="special")
    files, views = list[str](), dict[str, str]()
    for table in reversed(TABLES):  # sentences and citations before the articles of 0.3
        parts = [str(path.absolute()) for path in folder.parts(table)]
        files += parts
        types = {name: _TYPES[kind] for name, kind in columns(table, manifest["signals"]).items()}
        version = manifest.get("schema", VERSION) if table == "articles" else VERSION
        views[table] = counts = ready.rests_query(manifest["signals"]) if version == 1 else ""
        missing = ADDED if version < VERSION else ()
        query = _table_query(types, parts, manifest["options"]["format"], counts, missing)
        connection.execute(f"CREATE VIEW {table} AS {query}")
    for statement in ready.create_views(manifest):
        connection.execute(statement)
        views[statement.split()[2]] = statement
    connection.execute(f"SET allowed_paths = {_sql_list(files)}")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return views


def _table_query(
    types: Mapping[str, str], parts: Sequence[str], form: str, counts: str, missing: Collection[str]
) -> str:
    """Return the SQL of a table; `counts` is that of some columns; those `missing` are null."""
    if not parts:
        nulls = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in types.items())
        return f"SELECT {nulls} WHERE false"
    # JSON Lines leave empty lists out.
    selected = ", ".join(
        f"coalesce({value}, []) AS {name}" if kind.endswith("[]") else f"{value}::{kind} AS {name}"
        for name, value, kind in (
            (f'"{name}"', f"NULL::{kind}" if name in missing else f'"{name}"', kind)
            for name, kind in types.items()
        )
    )
    joined = f"LEFT JOIN ({counts}) USING (article_id) ORDER BY article_id" if counts else ""
    if form == "parquet":
        return f"SELECT {selected} FROM read_parquet({_sql_list(parts)}) {joined}"
    of_file = (one for one in types.items() if not (counts and one[0].startswith("rests_")))
    given = ", ".join(f"\"{name}\": '{kind}'" for name, kind in of_file)
    options = f"format = 'newline_delimited', columns = {{{given}}}"
    return f"SELECT {selected} FROM read_json({_sql_list(parts)}, {options}) {joined}"


def _sql_list(values: Sequence[str]) -> str:
    return "[" + ", ".join("'" + value.replace("'", "''") + "'" for value in values) + "]"


@contextmanager
def _errors(
    folder: RunFolder, late: Event | None = None, *, opening: bool = False
) -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        spilt = "max_temp_directory_size" in str(error)
        what, option = ("disk", "--disk 100GB") if spilt else ("memory", "--memory 8GB")
        reason = f"needs more {what} than it may use; give more with {option}, or ask for less"
        raise QueryError(f"the SQL: {reason}") from None
    except duckdb.PermissionException:
        reason = "reaches for a file or a setting; only the run's own tables can be read"
        raise QueryError(f"the SQL: {reason}") from None
    except (duckdb.Error, OSError, ValueError, RuntimeError) as error:
        if late is not None and late.is_set():
            hint = "give more with --max-seconds 3600, or ask for less"
            raise QueryError(f"the SQL: takes longer than it may; {hint}") from None
        if isinstance(error, RuntimeError) and "interrupt" in str(error).lower():
            raise KeyboardInterrupt from None
        reason = " ".join(str(error).partition("\n\n")[0].split())
        damaged = isinstance(error, duckdb.IOException | duckdb.InvalidInputException)
        if opening or (damaged and str(folder.shards) in str(error)):
            folder.check(*TABLES)  # which names the file, and what to type
            reason = f"its tables can't be read ({reason}); run the batch again"
            raise RunError(f"{folder.path}: {reason}") from None
        match = _POSITION.search(str(error))
        where = match and f" (line {match[1]}, character {len(match[3]) - 6 - len(match[1])})"
        hint = f"framescope query {quote(str(folder.path))} lists the views and their columns"
        raise QueryError(f"the SQL can't be run: {reason}{where or ''}; {hint}") from None


@dataclass(frozen=True)
class RunFrames:
    """The tables of a run that ``framescope batch`` wrote, each read when it is first used.

    They have one row per input record, article, sentence, citation and span. A table is read whole
    and kept in memory; use `query` for a run that is too large for that.
    """

    path: Path
    manifest: Mapping[str, Any]  # the model, signals, thresholds and options of the run
    summary: Mapping[str, Any]  # how the run ended; empty while it has not

    inputs = cached_property(lambda run: run._table("inputs"))
    articles = cached_property(lambda run: run._table("articles"))
    sentences = cached_property(lambda run: run._table("sentences"))
    citations = cached_property(lambda run: run._table("citations"))
    spans = cached_property(lambda run: run._table("spans"))

    def query(
        self, sql: str, memory: str = MEMORY, disk: str = DISK, max_seconds: float | None = SECONDS
    ) -> pandas.DataFrame:
        """Query the tables and ready views with one SELECT, as ``framescope query`` does.

        Beyond `memory`, such as ``8GB``, it uses the disk. Raises `FramescopeError`.
        """
        with open_run(RunFolder(self.path), memory, disk, max_seconds) as database:
            return _frame(database.table(sql))

    def _table(self, name: str) -> pandas.DataFrame:
        with open_run(RunFolder(self.path)) as database:
            table = database.table(f"FROM {name}")
        # The schema makes categories of words of a few kinds, such as voices.
        return _frame(table.cast(schema(name, self.manifest["signals"])))

    def __repr__(self) -> str:
        return f"<framescope.RunFrames {str(self.path)!r}>"


def read_run(path: str | os.PathLike[str]) -> RunFrames:
    """Open a run's folder; see `framescope.read_run`."""
    need_pandas()
    folder = RunFolder(Path(path))
    return RunFrames(folder.path, folder.manifest(), folder.summary())


def _frame(table: pa.Table) -> pandas.DataFrame:
    """Convert a table; integers and booleans keep their type beside nulls."""
    import pandas as pd
    import pyarrow as pa

    types = {
        pa.int64(): pd.Int64Dtype(), pa.int32(): pd.Int32Dtype(), pa.bool_(): pd.BooleanDtype(),
    }  # fmt: skip
    frame: pandas.DataFrame = table.to_pandas(types_mapper=types.get, date_as_object=False)
    return frame
