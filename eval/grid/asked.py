"""What is asked for in words: bundles and benchmarks, each with what tells whether it changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from framescope.classifier.bundles import MANIFEST, digest, resolve
from framescope.classifier.errors import BundleError, FramescopeError, InputError
from framescope.eval.rows import FILE_PART, HELD_OUT
from framescope.training.corpora import KNOWN, SHIPPED, find_corpus
from framescope.training.data import VALIDATION

EVERY = "corpora"
"""The word for every corpus that is known."""
_PARTS = (*HELD_OUT, VALIDATION)


class GridError(FramescopeError):
    """A run of many bundles that can't begin, go on, or be read."""


@dataclass(frozen=True, slots=True)
class GridBundle:
    """A bundle that is asked for.

    ``name``: what tables call it. ``path``: its folder. ``digest``: SHA-256 of its manifest's file
    when it was last looked at; None where there was none.
    """

    name: str
    path: str
    digest: str | None = None

    @property
    def key(self) -> str:
        """What makes it the same one, whatever it is called."""
        return self.path

    def looked_at(self, corpora: Path | None) -> Self:
        """Take the digest that it has now."""
        path = Path(self.path, MANIFEST)
        return replace(self, digest=digest(path) if path.is_file() else None)


@dataclass(frozen=True, slots=True)
class GridBenchmark:
    """A benchmark that is asked for: parts of a corpus, or a labelled file.

    ``corpus``: None for a file. ``parts``: those judged, which are scored together. ``path``: of a
    file. ``digest``: SHA-256 of its files when they were last looked at; None where there were
    none.
    """

    name: str
    corpus: str | None
    parts: tuple[str, ...]
    path: str | None = None
    digest: str | None = None

    @classmethod
    def of_record(cls, record: dict[str, Any]) -> Self:
        """Read what a manifest says."""
        return cls(**{**record, "parts": tuple(record["parts"])})

    @property
    def key(self) -> str:
        """What makes it the same one, whatever it is called."""
        return self.path or f"{self.corpus}/{'+'.join(self.parts)}"

    @property
    def ships(self) -> bool:
        """Whether no folder of corpora is needed."""
        return self.corpus in SHIPPED

    def looked_at(self, corpora: Path | None) -> Self:
        """Take the digest that it has now."""
        if self.path is not None:
            found = Path(self.path)
            return replace(self, digest=digest(found) if found.is_file() else None)
        corpus = find_corpus(self.corpus or "")
        place = corpus.place(corpora)
        there = place is not None and not corpus.lacks(place)
        return replace(self, digest=corpus.digest(place) if there and place else None)


def bundles_asked(words: Iterable[str]) -> tuple[GridBundle, ...]:
    """Say which bundles are meant: those that ship by their names, others by their folders.

    Whether they are there is not asked: one that isn't fails by itself.
    """
    found: dict[str, tuple[str, str]] = {}
    for word in words:
        try:
            folder = resolve(word)
        except BundleError:
            folder = Path(word)
        path = folder.resolve()
        found.setdefault(str(path), (path.name if folder == Path(word) else word, word))
    return tuple(GridBundle(name, path) for path, name in _told_apart(found))


def benchmarks_asked(
    words: Iterable[str], parts: Sequence[str] | None = None
) -> tuple[GridBenchmark, ...]:
    """Say which benchmarks are meant.

    Parameters
    ----------
    words : iterable of str
        A corpus (``house``), some parts of one (``house/test``, ``babe/test+unseen_outlet``), all
        that are known (``corpora``), or a labelled file in the exchange format.
    parts : sequence of str or None
        Of a corpus whose parts aren't named; those that are held out unless given.

    Raises
    ------
    GridError
        When two share rows.
    """
    found: dict[str, GridBenchmark] = {}
    files: dict[str, tuple[str, str]] = {}
    for word in (one for given in words for one in (KNOWN if given == EVERY else (given,))):
        corpus, _, named = word.partition("/")
        chosen = tuple(dict.fromkeys(named.split("+") if named else parts or HELD_OUT))
        if corpus in KNOWN and set(chosen) <= set(_PARTS):
            name = corpus if chosen == HELD_OUT else f"{corpus}/{'+'.join(chosen)}"
            found.setdefault(name, GridBenchmark(name, corpus, chosen))
        else:
            path = str(Path(word).resolve())
            files.setdefault(path, (Path(path).name, word))
            found.setdefault(path, GridBenchmark(word, None, (FILE_PART,), path))
    for path, name in _told_apart(files):
        found[path] = replace(found[path], name=name)
    asked = tuple(found.values())
    refuse_overlap(asked)
    return asked


def refuse_overlap(asked: Sequence[GridBenchmark]) -> None:
    """Refuse two benchmarks that share rows, which would count twice; a `GridError`."""
    seen: dict[tuple[str, str], str] = {}
    for one in asked:
        for part in one.parts if one.corpus else ():
            other = seen.setdefault((str(one.corpus), part), one.name)
            if other != one.name:
                raise GridError(f"{one.name}: shares rows with {other}; give one of the two")


def missing_file(benchmark: GridBenchmark) -> InputError:
    """Say that a word is neither a file nor a corpus."""
    known = f"{', '.join(KNOWN)}, with or without /{' or /'.join(_PARTS)}"
    return InputError(
        benchmark.path or benchmark.name,
        f"no such file, and no corpus; give a labelled file (exchange format), or one of {known}",
    )


def _told_apart(found: dict[str, tuple[str, str]]) -> list[tuple[str, str]]:
    """Name each path by its last part, or by the word that was typed where two have one name."""
    times = Counter(name for name, _ in found.values())
    return [(path, name if times[name] == 1 else word) for path, (name, word) in found.items()]
