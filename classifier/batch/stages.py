"""What is done with a shard, wherever: its records read, scored, and made into tables.

A process of its own runs it (`batch.processes`), or a node of a cluster (`batch.cluster`).
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from framescope.classifier import __version__
from framescope.classifier.batch.schema import (
    TABLES,
    VERSION,
    RunTables,
    need_pyarrow,
    to_lines,
    whole,
)
from framescope.classifier.batch.shards import Fault, Item, Shard
from framescope.classifier.errors import InputError
from framescope.classifier.records import Article, ArticleReport, Skipped
from framescope.classifier.taxonomy import SIGNALS, Level, to_records

_TOGETHER = 32  # articles in one call of the model
_MANY = 4_000_000  # characters, from which no more are scored together
_CACHE_BYTES = 64_000_000

Beat = Callable[[int], None]


@dataclass(frozen=True)
class Setup:
    """With what a run scores: what every process of it is given.

    Attributes
    ----------
    model : str
        As `classifier.bundles.load` takes it.
    signals : sequence of str or None
        None for all.
    sources : str or None
        The user's own outlets.
    evidence : bool
        Whether to say why of every flag, or only where techniques stand.
    max_characters : int
        Longer articles are errors.
    max_seconds : float
        So is an article that takes longer.
    format : str
        ``parquet`` or ``jsonl``.
    """

    model: str = "transformer"
    signals: Sequence[str] | None = None
    sources: str | None = None
    evidence: bool = False
    max_characters: int = 2_000_000
    max_seconds: float = 120.0
    format: str = "parquet"


@dataclass(frozen=True)
class Loaded:
    """What was loaded: the bundle's name and digest, what runs it, and what it gives."""

    model: str
    digest: str
    runtime: str
    signals: tuple[str, ...]
    thresholds: Mapping[str, float]
    definitions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # not of what ships

    @property
    def about(self) -> dict[str, str]:
        """What every table says of itself."""
        versions = {"framescope": __version__, "framescope_schema": str(VERSION)}
        return {**versions, "model": self.model, "digest": self.digest, "runtime": self.runtime}


@dataclass
class Counts:
    """What was done; sums of shards."""

    records: int = 0
    articles: int = 0
    scored: int = 0
    noted: int = 0  # articles that say why they have no scores
    errors: int = 0  # records with an error
    sentences: int = 0
    citations: int = 0
    spans: int = 0
    passages: int = 0  # that the encoder was asked for
    reused: int = 0  # of them, that it had encoded before

    def add(self, other: Mapping[str, int]) -> None:
        """Add what another did."""
        for name in asdict(self):
            setattr(self, name, getattr(self, name) + other.get(name, 0))


@dataclass(frozen=True)
class Failure:
    """Why a record has no articles: at which stage it failed, and what is said of it."""

    stage: str  # read, score, time, crash
    reason: str


@dataclass
class _Row:
    """A record on its way: what is known of it so far."""

    item: Item
    failure: Failure | None = None
    reports: list[ArticleReport] = field(default_factory=list)


class Stages:
    """Loads what a run scores with, once, and takes shards through it.

    Parameters
    ----------
    setup : Setup

    Raises
    ------
    FramescopeError
        When the model, a signal, or the user's outlets can't be used, or pyarrow is missing.
    """

    def __init__(self, setup: Setup) -> None:
        from framescope.classifier import bundles
        from framescope.classifier.models import PassageCache
        from framescope.classifier.outlets import load_registry
        from framescope.classifier.scoring import Scorer

        need_pyarrow()
        self.setup = setup
        registry = load_registry(user=None if setup.sources is None else Path(setup.sources))
        self.bundle = bundles.load(setup.model, registry)
        # Techniques stand in words; of the other signals no table has a place.
        shown = setup.evidence or {s.name for s in SIGNALS if s.level is Level.SPAN}
        self.scorer = Scorer(self.bundle, setup.signals, registry, shown, seconds=setup.max_seconds)
        self.cache = PassageCache(_CACHE_BYTES)
        if hasattr(self.bundle.model, "cache"):
            self.bundle.model.cache = self.cache

        self.loaded = Loaded(
            self.bundle.name,
            self.bundle.digest,
            self.bundle.runtime,
            tuple(self.scorer.signals),
            {signal: float(limit) for signal, limit in self.scorer.thresholds.items()},
            to_records(self.scorer.signals),
        )

    def run(
        self,
        shard: Shard,
        failed: Mapping[int, Failure] | None = None,
        beat: Beat = lambda at: None,
        *,
        alone: bool = False,
    ) -> tuple[RunTables, Counts]:
        """Read and score a shard.

        Parameters
        ----------
        shard : Shard
        failed : mapping of int to Failure
            Records, by their number in the shard, that are not to be tried again, and why.
        beat : callable
            Is told of each record before it is touched, and of -1 before the model is.
        alone : bool
            Score article by article, so that of several the one that fails is known.
        """
        before = self.cache.asked, self.cache.reused
        rows = [_Row(item) for item in shard.items]
        for at, failure in (failed or {}).items():
            rows[at].failure = failure
        waiting: list[tuple[_Row, Article]] = []
        characters = 0
        for at, row in enumerate(rows):
            beat(at)
            for article in self._read(row):
                waiting.append((row, article))
                characters += len(article.text)
            if len(waiting) >= (1 if alone else _TOGETHER) or characters >= _MANY:
                self._score(waiting, rows, beat, alone=alone)
                waiting, characters = [], 0
        self._score(waiting, rows, beat, alone=alone)
        beat(-1)
        tables, counts = self._gathered(shard, rows)
        counts.passages = self.cache.asked - before[0]
        counts.reused = self.cache.reused - before[1]
        return tables, counts

    def files(self, tables: RunTables) -> dict[str, bytes]:
        """Give the files of a shard, by their names."""
        return {
            f"{name}.{self.setup.format}": encoded(
                tables, name, self.setup.format, self.loaded.about
            )
            for name in TABLES
        }

    def _read(self, row: _Row) -> Iterator[Article]:
        """Read a record's articles; what can't be used is its failure."""
        if row.failure is not None:
            return
        if isinstance(row.item, Fault):
            row.failure = Failure("read", row.item.reason)
            return
        most, articles = self.setup.max_characters, 0
        try:
            for item in row.item.items():
                if isinstance(item, Skipped):
                    row.failure = row.failure or Failure("read", f"{item.source}: {item.reason}")
                elif len(item.text) > most:
                    reason = f"longer than {most:,} characters ({len(item.text):,}); "
                    reason += "raise --max-characters, or divide it"
                    row.failure = row.failure or Failure("read", reason)
                else:
                    articles += 1
                    yield item
            if not articles:
                row.failure = row.failure or Failure("read", "holds no article")
        except InputError as error:
            row.failure = row.failure or Failure("read", error.reason)
        except MemoryError:
            row.failure = Failure("read", "does not fit into memory; divide it")
        except Exception as error:  # a library met what its authors had not
            reason = f"can't be read ({type(error).__name__}: {error}); please report it"
            row.failure = Failure("crash", " ".join(reason.split()))

    def _score(
        self,
        waiting: Sequence[tuple[_Row, Article]],
        rows: Sequence[_Row],
        beat: Beat,
        *,
        alone: bool,
    ) -> None:
        if not waiting:
            return

        def drawn() -> Iterator[Article]:
            number = {id(row): at for at, row in enumerate(rows)}
            for row, article in waiting:
                beat(number[id(row)])
                yield article
            if not alone:
                beat(-1)

        try:
            found = self.scorer.score_together(drawn())
        except Exception as error:
            if len(waiting) > 1:
                for one in waiting:
                    self._score([one], rows, beat, alone=alone)
                return
            reason = f"can't be scored ({type(error).__name__}: {error}); please report it"
            waiting[0][0].failure = Failure("crash", " ".join(reason.split()))
            return
        for (row, _), report in zip(waiting, found, strict=True):
            if isinstance(report, Skipped):
                row.failure = row.failure or Failure("time", report.reason)
            else:
                row.reports.append(self._known(report))

    def _known(self, report: ArticleReport) -> ArticleReport:
        """Say nothing of how far an article is that was not read as a whole."""
        if report.distance is None or not math.isnan(report.distance):
            return report
        return replace(report, distance=None)

    def _gathered(self, shard: Shard, rows: Sequence[_Row]) -> tuple[RunTables, Counts]:
        tables, counts = RunTables(self.scorer.signals), Counts()
        for at, row in enumerate(rows):
            input_id = shard.start.input_id + at
            scored = sum(report.note is None for report in row.reports)
            for number, report in enumerate(row.reports):
                tables.add_article(input_id, number, report)
            origin = row.item.origin
            tables.add_input(
                input=whole(origin.input),
                line=origin.line,
                record=origin.record,
                bytes=row.item.size,
                input_id=input_id,
                articles=len(row.reports),
                scored=scored,
                stage=row.failure and row.failure.stage,
                error=row.failure and whole(row.failure.reason),
            )
            counts.articles += len(row.reports)
            counts.scored += scored
            counts.errors += row.failure is not None
        counts.records = len(rows)
        counts.noted = counts.articles - counts.scored
        for name in ("sentences", "citations", "spans"):
            setattr(counts, name, tables.rows(name))
        return tables, counts


def encoded(tables: RunTables, name: str, form: str, about: Mapping[str, str]) -> bytes:
    """Write one table as a file holds it."""
    need_pyarrow()
    import pyarrow.parquet as pq

    table = tables.table(name, about)
    if form == "jsonl":
        return "".join(to_lines(table)).encode()
    buffer = io.BytesIO()
    # What follows from the rows alone, so that the same rows are the same file.
    pq.write_table(table, buffer, compression="zstd", compression_level=3)
    return buffer.getvalue()
