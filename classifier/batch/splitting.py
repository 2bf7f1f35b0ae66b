"""Inputs split into shards: what is scored, written and committed together.

The same inputs give the same shards, wherever the splitting begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import InputOptions, RawRecord, split_input
from framescope.classifier.records import Origin, Skipped

_WITHIN = re.compile(r", (line|item) (\d+)")

_RECORDS = ((64, 32), (512, 64))
"""Records of the first so many shards: small ones first, so that few articles keep all cores busy;
larger ones later, so that many articles are not as many files."""
_MOST_RECORDS = 128
_MOST_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class ReadError:
    """In the place of a record that can't be read."""

    origin: Origin
    reason: str
    size: int = 0


Item = RawRecord | ReadError


@dataclass(frozen=True, slots=True)
class Position:
    """Where a shard begins in the listed files."""

    shard: int = 0  # its number
    input_id: int = 0  # of its first record
    file: int = 0  # the file, by its number in the listing
    record: int = 0  # records of that file before it


@dataclass(frozen=True, slots=True)
class Shard:
    """Consecutive records: where they begin, and where the next shard does."""

    start: Position
    after: Position
    items: tuple[Item, ...]
    read: int  # bytes of the listed files up to its end


class Step(NamedTuple):
    """A record, where the next one begins, and the bytes of the listed files up to there.

    The last step has no record.
    """

    item: Item | None
    file: int
    record: int
    read: int


def read_items(name: str, options: InputOptions) -> Iterator[Item]:
    """Read the records of a file; what can't be read is one `ReadError`."""
    count = 0
    try:
        for item in split_input(name, options):
            count += 1
            yield _read_error(item, name) if isinstance(item, Skipped) else item
        if not count:
            yield ReadError(Origin(name), "holds no record; give a file with articles")
    except InputError as error:
        yield ReadError(Origin(name), error.reason)
    except MemoryError:
        yield ReadError(Origin(name), "does not fit into memory; divide it")
    except Exception as error:  # a library met what its authors had not
        after = f" after {count:,} records" if count else ""
        reason = f"can't be read{after} ({type(error).__name__}: {error}); please report it"
        yield ReadError(Origin(name), " ".join(reason.split()))


def group_shards(steps: Iterable[Step], start: Position) -> Iterator[Shard]:
    """Group records into shards, of which the first begins at `start`."""
    held: list[Item] = []
    place, size = start, 0
    for item, file, record, read in steps:
        if item is not None:
            held.append(item)
            size += item.size
        full = len(held) == _records_of(place.shard) or size >= _MOST_BYTES
        if full or (held and item is None):
            after = Position(place.shard + 1, place.input_id + len(held), file, record)
            yield Shard(place, after, tuple(held), read)
            place, held, size = after, [], 0


def _records_of(shard: int) -> int:
    return next((records for first, records in _RECORDS if shard < first), _MOST_RECORDS)


def _read_error(item: Skipped, name: str) -> ReadError:
    """Return where in its file something was skipped, which its source says in words."""
    within = _WITHIN.fullmatch(item.source.removeprefix(name))
    if within is None:
        return ReadError(Origin(name), item.reason)
    line, record = (int(within[2]) if within[1] == word else None for word in ("line", "item"))
    return ReadError(Origin(name, line, record), item.reason)
