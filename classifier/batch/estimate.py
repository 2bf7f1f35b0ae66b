"""What a batch would read and how long it would take, of a sample that is read and scored."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from framescope.classifier.batch.job import Job
from framescope.classifier.batch.progress import duration, in_bytes
from framescope.classifier.batch.run import cores, prepared
from framescope.classifier.batch.schema import RunTables
from framescope.classifier.batch.shards import Fault, Item, Position, Shard, records_of
from framescope.classifier.batch.stages import Stages
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import InputOptions, ListedFile, RawRecord, split_input
from framescope.classifier.records import Article, Origin, printable

_FILES, _EACH = 10, 3  # that are looked into: of all, by their bytes; of each kind, at least
_RECORDS = 20  # that are scored, about; one of each of these files, at least
_SECONDS = 6.0  # after which no more are
_CUT_SECONDS = 5.0  # for which one file is cut, at most
_CUT_BYTES = 40_000_000  # unpacked, and
_ENOUGH = 100, 1_000_000  # records, and bytes as they are packed, from which to tell of the rest
_NAMED = 3  # of what can't be read
_FIRST = "The ferry of Karst left on time, the harbour said. Observers expect worse."
_PACKED = frozenset({".gz", ".bz2", ".xz", ".zst"})


def estimate(job: Job) -> str:
    """Say what a batch would read, and about how long it would take; nothing is written.

    Some of the inputs are read and scored, spread over all of them, the same every time.

    Parameters
    ----------
    job : Job

    Returns
    -------
    str
        A few lines.

    Raises
    ------
    FramescopeError
        As the run itself would.
    """
    folder, manifest, files = prepared(job)
    said: dict[str, None] = {}
    options = InputOptions(job.columns, job.allow_private, lambda line: said.setdefault(line))
    kinds = _sampled(files, options)
    sample = _Sample(job)
    began = time.monotonic()
    for kind, item in _in_turn(kinds):
        if sample.total.records and time.monotonic() > began + _SECONDS:
            break
        kind.found.add(sample.of(item))
    done = folder.shard_records() if job.resume and manifest is not None else {}
    lines = [_listed(kinds), *map(printable, said), *sample.lines()]
    lines += _expected(job, kinds, sample, sum(one["counts"]["records"] for one in done.values()))
    return "\n".join([*lines, "Nothing was written."])


@dataclass
class _Found:
    """What came of some records; seconds are those of one processor."""

    records: float = 0
    articles: float = 0
    scored: float = 0
    words: float = 0
    seconds: float = 0.0

    def add(self, other: _Found, times: float = 1) -> None:
        """Add what came of others, so many times."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + times * value)


@dataclass
class _Kind:
    """Files of one kind, and what is known of some of them."""

    name: str
    files: list[ListedFile]
    items: list[Item] = field(default_factory=list)
    records: float = 0.0  # in those that were looked into, about
    looked: int = 0
    size: int = 0  # bytes of those
    found: _Found = field(default_factory=_Found)

    @property
    def bytes(self) -> int:
        """Of all its files, where that is known."""
        return sum(one.size or 0 for one in self.files)

    @property
    def expected(self) -> float:
        """Records of all its files: by their bytes, where a file holds several."""
        by_number = len(self.files) / max(self.looked, 1)
        many = self.size and self.records > self.looked
        return self.records * (self.bytes / self.size if many else by_number)


def _kind(file: ListedFile) -> str:
    suffixes = [one.lower() for one in PurePosixPath(file.name.rstrip("/")).suffixes[-2:]]
    if suffixes and suffixes[-1] in _PACKED:
        return "".join(suffixes)
    if not suffixes or len(suffixes[-1]) > 8 or "/" in suffixes[-1]:
        return "address" if "://" in file.name[:32] else "file"
    return suffixes[-1]


def _sampled(files: Sequence[ListedFile], options: InputOptions) -> list[_Kind]:
    """Look into some files of each kind, more of those that most bytes are in."""
    kinds: dict[str, _Kind] = {}
    for file in files:
        kinds.setdefault(_kind(file), _Kind(_kind(file), [])).files.append(file)
    total = sum(kind.bytes for kind in kinds.values()) or 1
    chosen = random.Random(1)
    for kind in kinds.values():
        count = max(_EACH, round(_FILES * kind.bytes / total))
        picked = sorted(chosen.sample(range(len(kind.files)), min(count, len(kind.files))))
        each = max(1, round(_RECORDS * kind.bytes / total / len(picked)))
        for number in picked:
            _look(kind, kind.files[number], each, options)
        chosen.shuffle(kind.items)
    return list(kinds.values())


def _look(kind: _Kind, file: ListedFile, wanted: int, options: InputOptions) -> None:
    """Cut a file for a moment: say about how many records are in it, and take some."""
    taken = [0]
    marks: list[tuple[int, int]] = []  # records that so many bytes were enough for
    cut: list[Item] = []

    def note(count: int) -> None:
        marks.append((len(cut), taken[0]))
        taken[0] += count

    began, ended, size = time.monotonic(), True, 0
    for item in _cut(file.name, replace(options, taken=note)):
        cut.append(item)
        size += item.size
        known = marks[-1] if marks else (0, 0)
        enough = known[0] >= _ENOUGH[0] and known[1] >= _ENOUGH[1]
        if enough or size > _CUT_BYTES or time.monotonic() > began + _CUT_SECONDS:
            ended = False
            break
    records = float(len(cut))
    if not ended:
        records = _rows(file) or records * _share(file, marks, taken[0], cut)
    kind.looked += 1
    kind.records += records
    kind.size += file.size or 0
    step = max(1, len(cut) // wanted)
    kind.items += cut[step // 2 :: step][:wanted]


def _cut(name: str, options: InputOptions) -> Iterator[Item]:
    try:
        for item in split_input(name, options):
            if isinstance(item, RawRecord):
                yield item
            else:
                yield Fault(Origin(item.source), item.reason)
    except InputError as error:
        yield Fault(Origin(name), error.reason)


def _share(
    file: ListedFile, marks: Sequence[tuple[int, int]], taken: int, cut: Sequence[Item]
) -> float:
    """Say how many times what was cut a file is."""
    # What was read last is cut in part only: what came before it is taken for the measure.
    known = [(records, size) for records, size in marks if records and size]
    if not file.size:
        return 1.0
    if known:
        records, size = known[-1]
        return max(1.0, file.size / size * records / len(cut))
    used = sum(item.size for item in cut)
    return max(1.0, file.size / max(min(taken, used) if taken else used, 1))


def _rows(file: ListedFile) -> int | None:
    """Count the rows of a Parquet file, which says so itself."""
    if _kind(file) != ".parquet":
        return None
    import pyarrow.parquet as pq

    try:
        if "://" not in file.name[:32]:
            return int(pq.read_metadata(file.name).num_rows)
        import fsspec

        with fsspec.open(file.name, "rb") as stream:
            return int(pq.read_metadata(stream).num_rows)
    except Exception:  # each store's library has errors of its own; the bytes will do
        return None


def _in_turn(kinds: Sequence[_Kind]) -> Iterator[tuple[_Kind, Item]]:
    """Give a record of each kind, then the next of each."""
    for at in range(max(len(kind.items) for kind in kinds)):
        for kind in kinds:
            if at < len(kind.items):
                yield kind, kind.items[at]


class _Sample:
    """Records that are read and scored, one at a time, as one process of a run does it.

    Parameters
    ----------
    job : Job
    """

    def __init__(self, job: Job) -> None:
        os.environ.setdefault("FRAMESCOPE_THREADS", "1")
        began = time.monotonic()
        self.stages = Stages(job.setup)
        # The first takes longer than those that follow.
        list(self.stages.scorer.score_together([Article("first", _FIRST, lang="en")]))
        self.loading = time.monotonic() - began
        self.total = _Found()
        self.failed: list[str] = []
        self._rows = self._none()
        self._empty = self._bytes()

    def of(self, item: Item) -> _Found:
        """Read and score one."""
        began = time.monotonic()
        tables, counts = self.stages.run(Shard(Position(), Position(1, 1, 1), (item,), 0))
        seconds = time.monotonic() - began
        for name, columns in tables.columns.items():
            for column, values in columns.items():
                self._rows.columns[name][column] += values
        words = sum(len(text.split()) for text in tables.columns["sentences"]["text"])
        found = _Found(1, counts.articles, counts.scored, words, seconds)
        self.total.add(found)
        if counts.errors:
            where, reason = str(item.origin), str(tables.columns["inputs"]["error"][0])
            self.failed.append(printable(f"{where}: {reason.removeprefix(f'{where}: ')}"))
        return found

    def size(self, found: _Found) -> float:
        """Say how many bytes a run of so much takes, about."""
        shards, left = 0, found.records
        while left > 0:
            left -= records_of(shards)
            shards += 1
        rows = self._bytes() - self._empty
        times = found.words / self.total.words if self.total.words else found.records
        return rows * times + shards * self._empty

    def lines(self) -> Iterator[str]:
        """Say what came of them."""
        were = "was" if self.total.records == 1 else "were"
        said = f"Of {_many(self.total.records, 'record')} that {were} tried: "
        said += f"{_many(self.total.articles, 'article')}, {self.total.scored:,} scored"
        if self.failed:
            said += f"; {len(self.failed):,} can't be read or scored:"
        yield said
        yield from (f"  {line}" for line in self.failed[:_NAMED])
        if len(self.failed) > _NAMED:
            yield f"  and {len(self.failed) - _NAMED:,} more"

    def _none(self) -> RunTables:
        return RunTables(self.stages.scorer.signals)

    def _bytes(self) -> int:
        return sum(map(len, self.stages.files(self._rows).values()))


# --- what is said ---------------------------------------------------------------------------------


def _listed(kinds: Sequence[_Kind]) -> str:
    """Say what there is, by kind."""
    count = sum(len(kind.files) for kind in kinds)
    said = ", ".join(
        f"{len(kind.files):,} {kind.name}" + (f" ({in_bytes(kind.bytes)})" if kind.bytes else "")
        for kind in sorted(kinds, key=lambda kind: -kind.bytes)
    )
    whole = sum(kind.bytes for kind in kinds)
    size = f", {in_bytes(whole)}" if whole else ", of unknown size"
    return f"Would read {_many(count, 'file')}{size}: {said}"


def _expected(job: Job, kinds: Sequence[_Kind], sample: _Sample, done: int) -> Iterator[str]:
    """Say what all of it would be, and take."""
    total = _Found()
    for kind in kinds:
        known = kind.found if kind.found.records else sample.total
        total.add(known, kind.expected / known.records)
    if done:
        left = max(total.records - done, 0) / max(total.records, 1)
        yield f"{_many(done, 'record')} of about {_about(total.records)} are done; of the rest:"
        rest = _Found()
        rest.add(total, left)
        total = rest
    yield (
        f"Expected: about {_about(total.records)} records, {_about(total.articles)} articles, "
        f"{_about(total.words)} words"
    )
    each = total.seconds / total.articles if total.articles else 0.0
    if job.engine == "ray" and job.workers is None:
        time_said = f"{duration(total.seconds)} divided by the processors of the cluster"
    else:
        workers = job.workers or cores()
        # A process more than there are processors takes from the others what it gets.
        at_once = workers if job.engine == "ray" else min(workers, cores())
        shards = max(1.0, total.records / records_of(0))
        seconds = sample.loading + total.seconds / min(at_once, shards)
        time_said = f"{duration(seconds)} with {_many(workers, 'worker')}"
    yield f"Time: about {time_said}; {each:.2g} s an article"
    size = sample.size(total)
    free = shutil.disk_usage(job.output.absolute().parent).free
    short = f", of which {in_bytes(free)} are free" if free < size else ""
    yield f"Written to {printable(str(job.output))}: about {in_bytes(size)}{short}"


def _about(count: float) -> str:
    """Say a number in two digits, or as it is where it has no more."""
    digits = len(str(round(count)))
    return f"{round(count, min(0, 2 - digits)):,.0f}"


def _many(count: float, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
