"""A raw record: one article's worth of an input, cut out cheaply, and read later or elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import decoding
from framescope.classifier.records import Article, Origin, Skipped


class Unread(Protocol):
    """What of an input makes a record: a line, a row's cells, a page, the name of a file."""

    def read(self, origin: Origin, /) -> Iterator[Article | Skipped]:
        """Read its articles; raises `InputError` when it can't be used."""
        ...


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record of an input, not yet looked into. It is small, and may be pickled.

    Attributes
    ----------
    origin : Origin
        Where it stands.
    size : int
        Bytes that it costs to hold or to read, about.
    content : Unread
        What it is read from. That of a file which is one document is the file: it is opened when
        the record is read.
    """

    origin: Origin
    size: int
    content: Unread

    def items(self) -> Iterator[Article | Skipped]:
        """Read the record.

        Yields
        ------
        Article or Skipped
            Articles with their language, where it can be told, and where they stand; `Skipped` for
            what of a feed or a list is none.

        Raises
        ------
        InputError
            When nothing of it can be used.
        """
        return located(self.content.read(self.origin), self.origin)

    def held(self) -> RawRecord:
        """Give the record with what its file holds, to be read where the file isn't.

        An address stays one. Raises `InputError` when the file can't be read, or is too long.
        """
        holding = None if "://" in self.origin.input[:32] else getattr(self.content, "held", None)
        return self if holding is None else replace(self, content=holding(self.origin))

    def articles(self) -> list[Article]:
        """Read the record's articles; raises `InputError` when nothing of it can be used."""
        return [item for item in self.items() if isinstance(item, Article)]


def located(items: Iterable[Article | Skipped], origin: Origin) -> Iterator[Article | Skipped]:
    """Add to articles their language, and where they were read from."""
    for item in items:
        if isinstance(item, Article):
            lang = decoding.detect_language(item.text) or item.lang
            item = replace(item, lang=lang, origin=item.origin or origin)
        yield item


def gathered(
    records: Iterable[RawRecord | Skipped], none: Callable[[Skipped | None], InputError]
) -> Iterator[Article | Skipped]:
    """Read records one after another; one that can't be used is `Skipped`, and takes none along.

    Raises
    ------
    InputError
        At the end, when none held an article: `none` makes it of the first that was skipped.
    """
    good, first = 0, None
    for record in records:
        try:
            found = [record] if isinstance(record, Skipped) else record.content.read(record.origin)
            for item in found:
                good += isinstance(item, Article)
                first = first or (item if isinstance(item, Skipped) else None)
                yield item
        except InputError as error:
            skipped = Skipped(error.source, error.reason)
            first = first or skipped
            yield skipped
    if not good:
        raise none(first)
