"""What a batch is asked to do, and does on any machine: split into shards, read, score, write."""

import io
import re
import shlex
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain, count, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeAlias

from framescope.classifier import __version__
from framescope.classifier.batch import schema
from framescope.classifier.batch.schema import TABLES, RunTables, need_pyarrow, to_lines, whole
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import InputOptions, ListedFile, RawRecord, split_input
from framescope.classifier.output import tell
from framescope.classifier.records import Article, ArticleReport, Origin, Skipped
from framescope.classifier.taxonomy import DEFINITIONS, SIGNALS, Level, to_records

_WITHIN = re.compile(r", (line|item) (\d+)")
# Records of the first so many shards: small ones first, so that few articles keep all cores busy;
# larger ones later, so that many articles are not as many files.
_RECORDS = ((64, 32), (512, 64))
_MOST_RECORDS = 128
_MOST_BYTES = 16_000_000
_TOGETHER = 32  # articles in one call of the model
_MANY = 4_000_000  # characters, from which no more are scored together
_CACHE_BYTES = 64_000_000


@dataclass(frozen=True, slots=True)
class ReadError:
    """In the place of a record that can't be read."""

    origin: Origin
    reason: str
    size: int = 0
    stage: str = "read"


Item = RawRecord | ReadError


@dataclass(frozen=True, slots=True)
class Position:
    """Where a shard begins in the listed files."""

    shard: int = 0  # its number
    input_id: int = 0  # of its first record
    file: int = 0  # the file, by its number in the listing
    record: int = 0  # records of that file before it
    read: int = 0  # bytes of the listed files before it


@dataclass(frozen=True, slots=True)
class Shard:
    """Consecutive records, which are scored, written and committed together."""

    start: Position
    after: Position
    items: tuple[Item, ...]
    again: tuple[int, ...] = ()  # the records that they take the place of, in a shard that is there


@dataclass(frozen=True)
class Plan:
    """The files that are read, and which records of them are scored."""

    files: Sequence[ListedFile]
    start: Position = Position()
    until: int | None = None  # the first shard that is not scored; None: up to the end of the files
    until_id: int | None = None  # its first record, if that is known
    again: Sequence[tuple[int, int]] = ()  # of each file: the shard and record that it replaces


# A record (none in the last step), its file; the file, record and bytes at which the next begins.
Step: TypeAlias = tuple[Item | None, int, int, int, int]
# What was loaded, as a manifest says it: the bundle, what runs it, its signals; and the bundle for
# other languages, which each process loads when it needs it.
Loaded: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Setup:
    """How a run scores; the attributes are options of the command."""

    model: str | None = None  # None: those that ship, each for its languages
    signals: Sequence[str] | None = None
    sources: str | None = None
    evidence: bool = False
    max_characters: int = 2_000_000
    max_seconds: float = 120.0
    format: str = "parquet"
    experimental: bool = False


@dataclass(frozen=True)
class Job:
    """What a batch is asked to do; the attributes are the command's options."""

    inputs: Sequence[str]  # "-": a list of them on standard input; empty: as the run was started
    output: Path
    setup: Setup = field(default_factory=Setup)
    columns: Mapping[str, str] = field(default_factory=dict)
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    follow_links: bool = False
    allow_private: bool = False
    workers: int | None = None
    resume: bool = False
    retry_failed: bool = False
    add: bool = False
    quiet: bool = False
    engine: str = "local"
    address: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What decides a run's rows besides its inputs and its bundle."""
        setup = self.setup
        return {
            "format": setup.format,
            "signal": None if setup.signals is None else list(setup.signals),
            "sources": setup.sources and _digest(setup.sources),
            "evidence": setup.evidence,
            **({"experimental": True} if setup.experimental else {}),
            "max-characters": setup.max_characters,
            "max-seconds": setup.max_seconds,
            "allow-private": self.allow_private,
            **{f"{name}-column": column for name, column in self.columns.items()},
        }

    def tell(self, line: str) -> None:
        """Print a line for the user, beside the progress, unless they want quiet."""
        if not self.quiet:
            with suppress(OSError):  # its reader is gone; the run isn't
                tell(line)

    def as_started(self, manifest: Mapping[str, Any]) -> "Job":
        """Return the job with all that it doesn't give as the run was started."""
        then = manifest["options"]
        given = {k: value for k, value in vars(self.setup).items() if value != vars(Setup())[k]}
        names = ("evidence", "max_characters", "max_seconds", "format", "experimental")
        was = {k: value for k in names if (value := then.get(k.replace("_", "-"))) is not None}
        was |= {"model": manifest["model"].get("path"), "signals": then["signal"]}
        columns = {k.removesuffix("-column"): v for k, v in then.items() if k.endswith("-column")}
        return replace(
            self, setup=Setup(**(was | given)), columns=self.columns or columns,
            allow_private=self.allow_private or then["allow-private"],
        )  # fmt: skip

    def to_resume(self) -> str:
        """Return the command that resumes the run, with what it doesn't know by itself."""
        engine = None if self.engine == "local" else self.engine
        given = {"sources": self.setup.sources, "workers": self.workers, "engine": engine}
        how = "--retry-failed" if self.retry_failed else "--resume"
        words = [f"framescope batch --output {shlex.quote(str(self.output))} {how}"]
        words += [
            f"--{name} {shlex.quote(str(value))}"
            for name, value in (given | {"address": self.address}).items()
            if value is not None
        ]
        return " ".join(words)


def _digest(path: str) -> str:
    from framescope.classifier.bundles import digest

    try:
        return digest(Path(path))
    except OSError as error:
        reason = f"cannot be opened ({error.strerror}); give --sources a file of outlets"
        raise InputError(path, reason) from None


# "noted" are articles with a note that says why they have no scores; "passages" are those that the
# encoder was asked for, and "reused" those of them that it had encoded before.
_COUNTED = ("records", "articles", "scored", "noted", "errors", "sentences", "citations", "spans")
Counts: TypeAlias = Counter[str]


def sum_counts(shards: Iterable[Mapping[str, int]]) -> Counts:
    """Return the counts of a run, which are the sums of its shards'."""
    counts = Counter(dict.fromkeys((*_COUNTED, "passages", "reused"), 0))
    for one in shards:
        counts.update(one)
    return counts


@dataclass(frozen=True)
class RecordError:
    """Why a record has no articles, or not all."""

    stage: str  # read, changed, time, crash
    reason: str


def other_model(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run's manifest says of the bundle for other languages."""
    from framescope.classifier.bundles import digest_of

    known = {key: manifest.get(key, []) for key in ("name", "thresholds", "experimental")}
    return known | {"digest": digest_of(manifest)}


def defect(done: str, error: Exception) -> RecordError:
    """Return the error of a record that meets a defect while it is read, scored or written."""
    reason = f"can't be {done} ({type(error).__name__}: {error}); please report it"
    return RecordError("crash", whole(" ".join(reason.split())))


def read_items(name: str, options: InputOptions) -> Iterator[Item]:
    """Read the records of a file; what can't be read is one `ReadError`."""
    count = 0
    try:
        for item in split_input(name, options):
            count += 1
            if isinstance(item, Skipped):  # whose source says in words where in its file it is
                within = _WITHIN.fullmatch(item.source.removeprefix(name))
                places = {within[1]: int(within[2])} if within else {}
                yield ReadError(Origin(name, places.get("line"), places.get("item")), item.reason)
            else:
                yield item
        if not count:
            yield ReadError(Origin(name), "holds no record; give a file with articles")
    except InputError as error:
        yield ReadError(Origin(name), error.reason)
    except MemoryError:
        yield ReadError(Origin(name), "does not fit into memory; divide it")
    except Exception as error:  # a library met what its authors had not
        after = f" after {count:,} records" if count else ""
        yield ReadError(Origin(name), defect(f"read{after}", error).reason)


def group_shards(steps: Iterable[Step], plan: Plan) -> Iterator[Shard]:
    """Group the records of a plan into shards: the same ones, wherever that begins."""
    held: list[Item] = []
    place, size = plan.start, 0
    for item, _, *position in steps:
        if item is not None:
            held.append(item)
            size += item.size
        most = next((most for first, most in _RECORDS if place.shard < first), _MOST_RECORDS)
        full = len(held) == most or size >= _MOST_BYTES
        if place.shard + 1 == plan.until:  # it ends where the next one, which is there, begins
            full = plan.until_id is not None and place.input_id + len(held) >= plan.until_id
        if full or (held and item is None):
            after = Position(place.shard + 1, place.input_id + len(held), *position)
            yield Shard(place, after, tuple(held))
            if after.shard == plan.until:
                return
            place, held, size = after, [], 0


def group_again(steps: Iterable[Step], plan: Plan) -> Iterator[Shard]:
    """Group records by the shards in which they replace others."""
    found = ((*plan.again[number], item) for item, number, *_ in steps if item is not None)
    for shard, group in groupby(found, key=itemgetter(0)):
        _, ids, items = zip(*group, strict=True)
        place = Position(shard, ids[0])
        yield Shard(place, place, items, ids)


def merge(old: Path, new: Path, again: Collection[int], manifest: Mapping[str, Any]) -> Counts:
    """Add to a shard the rows of another one, except those of some records; return its counts."""
    form, tables = manifest["options"]["format"], RunTables(manifest["signals"])
    for name in TABLES:
        key, many = ("input_id", 1) if name == "inputs" else ("article_id", schema.MANY)
        before, now = (schema.read_rows(folder / f"{name}.{form}") for folder in (old, new))
        kept = (row for row in before if row[key] // many not in again)
        for row in sorted(chain(kept, now), key=itemgetter(key)):
            tables.add(name, **row)
    for name, data in encode(tables, form, manifest["model"]).items():
        (new / name).write_bytes(data)
    return count_rows(tables)


def encode(tables: RunTables, form: str, model: Mapping[str, str]) -> dict[str, bytes]:
    """Return the files of a shard, by their names."""
    import pyarrow.parquet as pq

    about = {"framescope": __version__, "model": model["name"]}
    about |= {"digest": model["digest"], "runtime": model["runtime"]}
    found = {}
    for name in TABLES:
        table, buffer = tables.table(name, about), io.BytesIO()
        if form == "jsonl":
            buffer.writelines(line.encode() for line in to_lines(table))
        else:  # with nothing but what follows from the rows: the same rows are the same file
            pq.write_table(table, buffer, compression="zstd", compression_level=3)
        found[f"{name}.{form}"] = buffer.getvalue()
    return found


def count_rows(tables: RunTables) -> Counts:
    """Count what is in a shard."""
    rows = tables.columns["inputs"]
    found = {name: sum(rows[name]) for name in ("articles", "scored")}
    found |= {name: len(tables.columns[name]["article_id"]) for name in TABLES[2:]}
    found |= {"records": len(rows["error"]), "noted": found["articles"] - found["scored"]}
    return sum_counts([found, {"errors": len(rows["error"]) - rows["error"].count(None)}])


@dataclass
class _Row:
    item: Item
    error: RecordError | None = None
    reports: list[ArticleReport] = field(default_factory=list)

    def fail(self, stage: str, reason: str) -> None:
        """Note the first error."""
        self.error = self.error or RecordError(stage, reason)


class Stages:
    """Loads what a run scores with, once, and takes shards through it."""

    def __init__(self, setup: Setup) -> None:
        from framescope.classifier.models import PassageCache
        from framescope.classifier.scoring import load_scorer

        need_pyarrow()
        self.setup = setup
        # Techniques stand in words; of the other signals no table has a place.
        shown = setup.evidence or {s.name for s in SIGNALS if s.level is Level.SPAN}
        how = shown, setup.max_seconds, setup.experimental
        self._scorer = load_scorer(setup.model, setup.signals, setup.sources, *how)
        bundle = self._scorer.bundle
        self._cache = PassageCache(_CACHE_BYTES)
        if hasattr(bundle.model, "cache"):
            bundle.model.cache = self._cache
        self.loaded: Loaded = {
            "model": {"name": bundle.name, "digest": bundle.digest, "runtime": bundle.runtime}
            | {"path": setup.model},
            "signals": list(self._scorer.signals),
            **({DEFINITIONS: own} if (own := to_records(self._scorer.signals)) else {}),
            "thresholds": dict(self._scorer.thresholds),
            "experimental": list(self._scorer.experimental),
            "other": self._scorer.other and other_model(self._scorer.other),
        }

    def run(
        self, shard: Shard, failed: Mapping[int, RecordError] | None = None, *, alone: bool = False
    ) -> tuple[RunTables, Counts]:
        """Read and score a shard, article by article if `alone`, but for records in `failed`."""
        asked, reused = self._cache.asked, self._cache.reused
        rows = [_Row(item, (failed or {}).get(at)) for at, item in enumerate(shard.items)]
        waiting: list[tuple[_Row, Article]] = []
        characters = 0
        for row in rows:
            for article in () if row.error else self._read(row):
                waiting.append((row, article))
                characters += len(article.text)
            if len(waiting) >= (1 if alone else _TOGETHER) or characters >= _MANY:
                self._score(waiting)
                waiting, characters = [], 0
        if waiting:
            self._score(waiting)
        tables, counts = self._tables(shard, rows)
        counts["passages"] = self._cache.asked - asked
        counts["reused"] = self._cache.reused - reused
        return tables, counts

    def files(self, tables: RunTables) -> dict[str, bytes]:
        """Return the files of a shard, by their names."""
        return encode(tables, self.setup.format, self.loaded["model"])

    def _read(self, row: _Row) -> Iterator[Article]:
        if isinstance(row.item, ReadError):
            row.fail(row.item.stage, row.item.reason)
            return
        most, articles = self.setup.max_characters, 0
        try:
            for item in row.item.items():
                if isinstance(item, Skipped):
                    row.fail("read", f"{item.source}: {item.reason}")
                elif len(item.text) > most:
                    reason = f"longer than {most:,} characters ({len(item.text):,}); "
                    row.fail("read", f"{reason}raise --max-characters, or divide it")
                else:
                    articles += 1
                    yield item
            if not articles:
                row.fail("read", "holds no article")
        except InputError as error:
            row.fail(error.stage, error.reason)
        except MemoryError:
            row.error = RecordError("read", "does not fit into memory; divide it")
        except Exception as error:  # a library met what its authors had not
            row.error = defect("read", error)

    def _score(self, waiting: Sequence[tuple[_Row, Article]]) -> None:
        try:
            found = self._scorer.score_together(article for _, article in waiting)
        except Exception as error:
            if len(waiting) == 1:
                waiting[0][0].error = defect("scored", error)
            else:
                for one in waiting:
                    self._score([one])
            return
        for (row, _), report in zip(waiting, found, strict=True):
            if isinstance(report, Skipped):
                row.fail("time", report.reason)
            else:
                row.reports.append(report)

    def _tables(self, shard: Shard, rows: Sequence[_Row]) -> tuple[RunTables, Counts]:
        tables = RunTables(self._scorer.signals)
        for input_id, row in zip(shard.again or count(shard.start.input_id), rows, strict=False):
            for number, report in enumerate(row.reports):
                tables.add_article(input_id, number, report)
            origin = row.item.origin
            tables.add(
                "inputs", input_id=input_id, input=whole(origin.input), line=origin.line,
                record=origin.record, bytes=row.item.size, articles=len(row.reports),
                scored=sum(report.note is None for report in row.reports),
                stage=row.error and row.error.stage, error=row.error and whole(row.error.reason),
            )  # fmt: skip
        return tables, count_rows(tables)
