"""One side of a comparison: what a run holds of its articles, as arrays.

A text counts once, however often it stands in a run. Of a run with very many a part is taken by
lot, the same each time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier.batch.folder import RunError, RunFolder
from framescope.classifier.batch.reading import open_run
from framescope.classifier.batch.schema import VERSION
from framescope.classifier.taxonomy import BY_NAME, Level
from numpy.typing import NDArray

UNKNOWN = "unknown"
"""The key of an outlet that no page names."""

_WORD = re.compile(r"[^\W\d_]{2,}(?:['’][^\W\d_]+)?")

Floats = NDArray[np.float64]
Single = NDArray[np.float32]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class DriftSide:
    """The articles of a run, n of them, and their sentences, m.

    Attributes
    ----------
    name : str
        The run's, for readers.
    manifest : mapping
    total : int
        Different texts that were scored; n of them are here.
    outlet : ndarray of str, shape (n,)
        A key an outlet; `UNKNOWN` where nobody is named.
    called : mapping of str to str
        An outlet's name by its key.
    registered : ndarray of bool, shape (n,)
    distance : ndarray of float64, shape (n,)
        To the training data, 0 to 1; NaN where it isn't known.
    far : ndarray of bool, shape (n,)
    digest : tuple of str
        Of each text, `batch.schema.text_digest`.
    article : ndarray of int, shape (m,)
        Each sentence's.
    place : ndarray of int, shape (m, 2)
        Where each sentence starts and ends.
    texts : tuple of str
        The sentences'.
    scores : mapping of str to ndarray of float32
        Of shape (m,), or (n,) of an article-level signal; NaN where it isn't given.
    """

    name: str
    manifest: Mapping[str, Any]
    total: int
    outlet: NDArray[np.str_]
    called: Mapping[str, str]
    registered: NDArray[np.bool_]
    distance: Floats
    far: NDArray[np.bool_]
    digest: tuple[str, ...]
    article: Rows
    place: Rows
    texts: tuple[str, ...]
    scores: Mapping[str, Single]

    def __len__(self) -> int:
        return len(self.outlet)

    @property
    def signals(self) -> tuple[str, ...]:
        """That its model gives."""
        return tuple(self.scores)

    @property
    def bundle(self) -> tuple[str, str]:
        """Name and digest of what it was scored by."""
        model = self.manifest["model"]
        return str(model.get("name")), str(model.get("digest") or "")

    def rows(self, signal: str) -> Rows:
        """Give the article of each score of a signal."""
        return np.arange(len(self)) if of_articles(signal) else self.article

    @cached_property
    def words(self) -> tuple[Counter[str], ...]:
        """How often each article has a word; lower case, without figures."""
        found: list[Counter[str]] = [Counter() for _ in range(len(self))]
        for article, text in zip(self.article.tolist(), self.texts, strict=True):
            found[article].update(_WORD.findall(text.lower()))
        return tuple(found)


def of_articles(signal: str) -> bool:
    """Whether a signal is one of whole articles."""
    return BY_NAME[signal].level is Level.ARTICLE if signal in BY_NAME else False


def read_side(path: Path, most: int, memory: str | None = None) -> DriftSide:
    """Read a run.

    Parameters
    ----------
    path : pathlib.Path
        A folder that `framescope batch` wrote.
    most : int
        Articles to take.
    memory : str, optional
        That the database may use before it uses the disk.

    Raises
    ------
    RunError
        When it is no run, not finished, or of another version's tables.
    """
    folder = RunFolder(path)
    manifest = folder.manifest()
    if manifest.get("schema", VERSION) != VERSION:
        reason = f"its tables are of version {manifest.get('schema')}, not of {VERSION}"
        raise RunError(f"{path}: {reason}; run the batch again with this framescope")
    if not manifest.get("finished"):
        reason = "is not finished; go on with it: framescope batch --output"
        raise RunError(f"{path}: {reason} {path} --resume")
    with open_run(folder, *([] if memory is None else [memory])) as database:
        database.keep("of_texts", _TEXTS)
        (counted,) = database.rows("SELECT count(*) AS n FROM of_texts")
        of_articles_ = [s for s in manifest["signals"] if of_articles(s)]
        chosen = ", ".join(f'a."{s}"' for s in of_articles_)
        database.keep("taken", f"FROM of_texts ORDER BY hash(article_id), article_id LIMIT {most}")
        articles = database.table(
            f"SELECT a.article_id, a.outlet_key, a.outlet, a.text_digest, a.distance, a.far, "
            f"(a.publisher IS NOT NULL OR a.author_outlet IS NOT NULL) AS registered"
            f"{', ' + chosen if chosen else ''} FROM taken a ORDER BY article_id"
        )
        of_sentences = [s for s in manifest["signals"] if not of_articles(s)]
        scored = "".join(f', s."{name}"' for name in of_sentences)
        sentences = database.table(
            f'SELECT s.article_id, s."start", s."end", s.text{scored} FROM sentences s '
            "SEMI JOIN taken USING (article_id) ORDER BY article_id, sentence"
        )
    keys = articles["article_id"].to_numpy()
    outlets = articles["outlet_key"].to_pylist()
    place = np.stack([sentences[name].to_numpy() for name in ("start", "end")], axis=1)
    scores = {
        name: _numbers(articles[name] if of_articles(name) else sentences[name]).astype(np.float32)
        for name in manifest["signals"]
    }
    far = np.array([bool(one) for one in articles["far"].to_pylist()], np.bool_)
    return DriftSide(
        name=path.name or str(path),
        manifest=manifest,
        total=int(counted["n"]),
        outlet=np.array(outlets, np.str_) if outlets else np.empty(0, "<U1"),
        called=dict(zip(outlets, articles["outlet"].to_pylist(), strict=True)),
        registered=np.array(articles["registered"].to_pylist(), np.bool_),
        distance=_numbers(articles["distance"]),
        far=far,
        digest=tuple(articles["text_digest"].to_pylist()),
        article=np.searchsorted(keys, sentences["article_id"].to_numpy()),
        place=place.astype(np.intp),
        texts=tuple(one or "" for one in sentences["text"].to_pylist()),
        scores=scores,
    )


def _numbers(column: Any) -> Floats:
    """Give a column of numbers, NaN for null."""
    found: Floats = np.array(
        [np.nan if one is None else one for one in column.to_pylist()], np.float64
    )
    return found


def thresholds(side: DriftSide, signals: Sequence[str]) -> Single:
    """Give the thresholds of a run's bundle, in order."""
    limits = side.manifest["thresholds"]
    return np.array([limits[signal] for signal in signals], np.float32)


_TEXTS = """
    SELECT * FROM published WHERE note IS NULL
    QUALIFY row_number() OVER (PARTITION BY text_digest ORDER BY article_id) = 1"""
