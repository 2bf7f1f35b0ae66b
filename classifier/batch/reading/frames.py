"""A run from Python: its tables, and the answers to queries, as pandas DataFrames."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framescope.classifier.batch.folder import RunFolder
from framescope.classifier.batch.reading.database import MEMORY, open_run
from framescope.classifier.batch.schema import schema
from framescope.classifier.reports import need_pandas

if TYPE_CHECKING:
    import pandas
    import pyarrow as pa


@dataclass(frozen=True)
class RunFrames:
    """The tables of a run that ``framescope batch`` wrote, each read when it is first used.

    A table is read whole and kept in memory; use `query` for a run that is too large for that.

    Attributes
    ----------
    path : pathlib.Path
    manifest : mapping
        The model, signals, thresholds and options of the run.
    summary : mapping
        How the run ended; empty while it has not.
    inputs, articles, sentences, citations, spans : pandas.DataFrame
        One row per input record, article, sentence, citation and span.
    """

    path: Path
    manifest: Mapping[str, Any]
    summary: Mapping[str, Any]

    @cached_property
    def inputs(self) -> pandas.DataFrame:
        """One row per input record: where it came from, and why it failed if it did."""
        return self._table("inputs")

    @cached_property
    def articles(self) -> pandas.DataFrame:
        """One row per article."""
        return self._table("articles")

    @cached_property
    def sentences(self) -> pandas.DataFrame:
        """One row per sentence, with its text, flags and scores."""
        return self._table("sentences")

    @cached_property
    def citations(self) -> pandas.DataFrame:
        """One row per citation."""
        return self._table("citations")

    @cached_property
    def spans(self) -> pandas.DataFrame:
        """One row per span of evidence."""
        return self._table("spans")

    def query(self, sql: str, memory: str = MEMORY) -> pandas.DataFrame:
        """Query the tables and ready views with SQL, as ``framescope query`` does.

        Parameters
        ----------
        sql : str
            One statement that reads.
        memory : str
            Size that it may use before it uses the disk, such as ``8GB``.

        Raises
        ------
        FramescopeError
            When it can't be run.
        """
        with open_run(RunFolder(self.path), memory) as database:
            return _frame(database.table(sql))

    def _table(self, name: str) -> pandas.DataFrame:
        with open_run(RunFolder(self.path)) as database:
            table = database.table(f"FROM {name}")
        # The schema makes categories of words of a few kinds, such as voices.
        return _frame(table.cast(schema(name, self.manifest["signals"])))

    def __repr__(self) -> str:
        return f"<framescope.RunFrames {str(self.path)!r}>"


def read_run(path: str | os.PathLike[str]) -> RunFrames:
    """Open the folder of a run that ``framescope batch`` wrote, finished or not.

    Raises
    ------
    FramescopeError
        When there is no run; without pyarrow or DuckDB, when a table is read.
    ImportError
        Without pandas.
    """
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
