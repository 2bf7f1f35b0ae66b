"""A raw record: one article's worth of an input, cut out cheaply, and read later or elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from framescope.classifier.inputs.language import detect_language
from framescope.classifier.records import Article, Origin, Skipped


class Content(Protocol):
    """What a record is read from: a line, a row's cells, a document."""

    def read(self, origin: Origin, /) -> Iterator[Article | Skipped]:
        """Read its articles. Raises `InputError`."""
        ...


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record of an input, not yet read. It is small, and may be pickled.

    Attributes
    ----------
    origin : Origin
        Where it stands.
    size : int
        Bytes that it costs to hold or to read, about.
    content : Content
        What it is read from. A file that is one document is opened when the record is read.
    """

    origin: Origin
    size: int
    content: Content

    def items(self) -> Iterator[Article | Skipped]:
        """Yield articles, with their language and origin, or `Skipped` for entries that are none.

        Raises `InputError` when nothing of the record can be used.
        """
        for item in self.content.read(self.origin):
            if isinstance(item, Article):
                lang = detect_language(item.text) or item.lang
                item = replace(item, lang=lang, origin=item.origin or self.origin)
            yield item

    def held(self) -> RawRecord:
        """Return the record with the contents of its file, to be read on another machine.

        An address stays one. Raises `InputError` when the file can't be read, or is too long.
        """
        load = None if "://" in self.origin.input[:32] else getattr(self.content, "loaded", None)
        return self if load is None else replace(self, content=load(self.origin))
