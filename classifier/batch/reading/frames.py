"""A run from Python: its tables and the answers to questions, as tables of pandas."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framescope.classifier.batch.folder import RunFolder
from framescope.classifier.batch.reading.database import MEMORY, opened
from framescope.classifier.batch.schema import schema
from framescope.classifier.reports import need_pandas

if TYPE_CHECKING:
    import pandas
    import pyarrow as pa


@dataclass(frozen=True)
class RunFrames:
    """The tables of a run that `framescope batch` wrote, each read when it is first asked for.

    A table is read whole, and kept: for a run that doesn't fit into memory, ask with `query`.

    Attributes
    ----------
    path : pathlib.Path
    manifest : mapping
        What was run: model, signals, thresholds, options.
    summary : mapping
        How it ended; empty where it has not.
    """

    path: Path
    manifest: Mapping[str, Any]
    summary: Mapping[str, Any]

    @cached_property
    def inputs(self) -> pandas.DataFrame:
        """A row an input record: where it came from, and why nothing came of it."""
        return self._table("inputs")

    @cached_property
    def articles(self) -> pandas.DataFrame:
        """A row an article."""
        return self._table("articles")

    @cached_property
    def sentences(self) -> pandas.DataFrame:
        """A row a sentence, with its text, flags and scores."""
        return self._table("sentences")

    @cached_property
    def citations(self) -> pandas.DataFrame:
        """A row a citation."""
        return self._table("citations")

    @cached_property
    def spans(self) -> pandas.DataFrame:
        """A row a span: the characters that speak for a signal."""
        return self._table("spans")

    def query(self, sql: str, memory: str = MEMORY) -> pandas.DataFrame:
        """Ask with SQL, over the tables and the ready views, as ``framescope query`` does.

        Parameters
        ----------
        sql : str
            One statement that reads.
        memory : str
            That it may use before it uses the disk.

        Raises
        ------
        FramescopeError
            When it can't be run.
        ImportError
            Without pandas.
        """
        return _frame(self._ask(sql, memory))

    def _table(self, name: str) -> pandas.DataFrame:
        # Words of a few kinds, such as voices, come back as categories, as the schema has them.
        table = self._ask(f"FROM {name}", MEMORY)
        return _frame(table.cast(schema(name, self.manifest["signals"])))

    def _ask(self, sql: str, memory: str) -> pa.Table:
        need_pandas()
        with opened(RunFolder(self.path), memory) as database:
            return database.table(sql)

    def __repr__(self) -> str:
        return f"<framescope.RunFrames {str(self.path)!r}>"


def read_run(path: str | os.PathLike[str]) -> RunFrames:
    """Open the folder of a run that `framescope batch` wrote, finished or not.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    RunFrames
        With the tables ``inputs``, ``articles``, ``sentences``, ``citations`` and ``spans``.

    Raises
    ------
    FramescopeError
        When there is no run; without pyarrow or DuckDB, when a table is asked for.
    ImportError
        Without pandas.
    """
    need_pandas()
    folder = RunFolder(Path(path))
    return RunFrames(folder.path, folder.manifest(), folder.summary())


def _frame(table: pa.Table) -> pandas.DataFrame:
    """Give a table to pandas; whole numbers and yes-or-no stay what they are beside nulls."""
    import pandas as pd
    import pyarrow as pa

    kinds = {
        pa.int64(): pd.Int64Dtype(), pa.int32(): pd.Int32Dtype(), pa.bool_(): pd.BooleanDtype(),
    }  # fmt: skip
    found: pandas.DataFrame = table.to_pandas(types_mapper=kinds.get, date_as_object=False)
    return found
