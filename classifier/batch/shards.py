"""Inputs cut into shards: what is scored, written and committed together.

The same inputs give the same shards, whoever cuts them and wherever he begins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import InputOptions, ListedFile, RawRecord, split_input
from framescope.classifier.records import Origin, Skipped

_WITHIN = re.compile(r", (line|item) (\d+)")

_RECORDS = ((64, 32), (512, 64))
"""Records of the first so many shards: small ones first, so that few articles keep all cores busy;
larger ones later, so that many articles are not as many files."""
_MOST_RECORDS = 128
_MOST_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class Fault:
    """What stands where a record should, and can't be read."""

    origin: Origin
    reason: str
    size: int = 0


Item = RawRecord | Fault


@dataclass(frozen=True, slots=True)
class Position:
    """Where in the listed files a shard begins.

    Attributes
    ----------
    shard : int
        Its number.
    input_id : int
        Of its first record.
    file : int
        The file, by its number in the listing.
    record : int
        Records of that file before it.
    """

    shard: int = 0
    input_id: int = 0
    file: int = 0
    record: int = 0


@dataclass(frozen=True, slots=True)
class Shard:
    """Some records in a row.

    Attributes
    ----------
    start, after : Position
        Where it begins, and where the next does.
    items : tuple of RawRecord or Fault
    read : int
        Bytes of the listed files that were read when it was cut.
    """

    start: Position
    after: Position
    items: tuple[Item, ...]
    read: int


@dataclass
class Cutter:
    """Cuts files into shards.

    Parameters
    ----------
    files : sequence of ListedFile
    options : InputOptions
    ends : mapping of int to (int, str)
        Files, by number, that are not to be read beyond so many records, and why.
    beat : callable
        Is told of every record, before it is read: file and record; and again whenever some of the
        file was read, for a long way to a record is no standstill.
    """

    files: Sequence[ListedFile]
    options: InputOptions
    ends: Mapping[int, tuple[int, str]] = field(default_factory=dict)
    beat: Callable[[int, int], None] = lambda file, record: None
    _record: int = field(default=0, init=False)  # that is being looked for

    def cut(self, start: Position) -> Iterator[Shard]:
        """Cut what follows a place."""
        held: list[Item] = []
        place, size = start, 0
        for file, record, item, read in self._items(start):
            held.append(item)
            size += item.size
            if len(held) == records_of(place.shard) or size >= _MOST_BYTES:
                after = Position(place.shard + 1, place.input_id + len(held), file, record + 1)
                yield Shard(place, after, tuple(held), read)
                place, held, size = after, [], 0
        if held:
            after = Position(place.shard + 1, place.input_id + len(held), len(self.files))
            yield Shard(place, after, tuple(held), sum(one.size or 0 for one in self.files))

    def _items(self, start: Position) -> Iterator[tuple[int, int, Item, int]]:
        """Give each record with its file, its number there, and the bytes read so far."""
        done = sum(one.size or 0 for one in self.files[: start.file])
        for file in range(start.file, len(self.files)):
            listed, within, self._record = self.files[file], 0, 0

            def taken(count: int, file: int = file) -> None:
                nonlocal within
                within += count
                self.beat(file, self._record)

            options = replace(self.options, taken=taken)
            passed = start.record if file == start.file else 0
            for item in self._of_file(file, options):
                record, self._record = self._record, self._record + 1
                if record >= passed:
                    read = within if listed.size is None else min(within, listed.size)
                    yield file, record, item, done + read
            done += listed.size or 0

    def _of_file(self, file: int, options: InputOptions) -> Iterator[Item]:
        name = self.files[file].name
        end = self.ends.get(file)
        count = 0
        self.beat(file, 0)
        try:
            for item in islice(split_input(name, options), None if end is None else end[0]):
                count += 1
                yield _fault(item, name) if isinstance(item, Skipped) else item
                self.beat(file, count)
        except InputError as error:
            yield Fault(Origin(name), error.reason)
            return
        except MemoryError:
            yield Fault(Origin(name), "does not fit into memory; divide it")
            return
        except Exception as error:  # a library met what its authors had not
            what = f" after {count:,} records" if count else ""
            reason = f"can't be read{what} ({type(error).__name__}: {error}); please report it"
            yield Fault(Origin(name), " ".join(reason.split()))
            return
        if end is not None:
            yield Fault(Origin(name), end[1])
        elif not count:
            yield Fault(Origin(name), "holds no record; give a file with articles")


def records_of(shard: int) -> int:
    """Say how many records a shard holds at most."""
    return next((records for first, records in _RECORDS if shard < first), _MOST_RECORDS)


def _fault(item: Skipped, name: str) -> Fault:
    """Say where in its file what was skipped stands; its source says so in words."""
    within = _WITHIN.fullmatch(item.source.removeprefix(name))
    if within is None:
        return Fault(Origin(name), item.reason)
    line, record = (int(within[2]) if within[1] == word else None for word in ("line", "item"))
    return Fault(Origin(name, line, record), item.reason)
