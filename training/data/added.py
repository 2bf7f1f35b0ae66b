"""A user's own labelled files, which are added to a recipe's corpora.

An article is known by its text: whatever its file is called, and whatever its id, it stays in the
part that it was drawn for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from framescope.classifier.bundles import digest
from framescope.classifier.errors import CorpusError
from framescope.classifier.records import Article
from framescope.training.corpora import read_exchange


@dataclass(frozen=True)
class Added:
    """Articles of one or several files, and which file each is of.

    Attributes
    ----------
    articles : tuple of Article
        File by file, in order; with ids that are unique among them.
    files : mapping of str to int
        From those ids to the number of the file.
    digests : mapping of str to str
        SHA-256 of each file, by its path as it was given.
    """

    articles: tuple[Article, ...] = ()
    files: Mapping[str, int] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, paths: Sequence[Path]) -> Added:
        """Read files in the exchange format.

        Raises
        ------
        CorpusError
            When a file is missing, is given twice, labels nothing, holds an id twice, or has a line
            that can't be read.
        InputError
            When it is empty, or one JSON document.
        """
        articles: list[Article] = []
        files: dict[str, int] = {}
        given: dict[str, Path] = {}
        for number, path in enumerate(paths):
            if not path.is_file():
                raise CorpusError(f"{path}: no such file; give a JSONL file in the exchange format")
            known = digest(path)
            if known in given:
                raise CorpusError(f"{path}: the same as {given[known]}; add it once")
            given[known] = path
            for article in _labelled(path):
                # Two files may know different articles by one id, which says nothing of either.
                name, times = article.id, 1
                while name in files:
                    name, times = f"{article.id}#{times + 1}", times + 1
                files[name] = number
                articles.append(replace(article, id=name))
        return cls(tuple(articles), files, {str(path): known for known, path in given.items()})

    def grouped(self) -> Iterator[tuple[Article, str]]:
        """Return each article with its group: its text, so that it is never divided from itself."""
        for article in self.articles:
            yield article, hashlib.sha256(article.text.encode()).hexdigest()[:24]

    @property
    def digest(self) -> str:
        """SHA-256 over the files, in whichever order they are given, whatever they are called."""
        return hashlib.sha256("\n".join(sorted(self.digests.values())).encode()).hexdigest()


def _labelled(path: Path) -> Iterator[Article]:
    """Read one file, whose labels are somebody's."""
    seen: set[str] = set()
    labels = False
    for article in read_exchange(path):
        if article.id in seen:
            raise CorpusError(f"{path}: two articles have the id '{article.id}'; make ids unique")
        seen.add(article.id)
        labels = labels or bool(article.labels) or any(u.labels for u in article.units or ())
        yield article
    if not labels:
        raise CorpusError(
            f"{path}: labels no sentence and no article; give labels as docs/exchange-format.md "
            "describes them"
        )
