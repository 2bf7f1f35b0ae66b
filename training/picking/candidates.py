"""The sentences that may be picked, with what a model says of each, and what another does.

Of very many, whole articles are drawn by lot until there are `MOST` sentences, the outlets by
turns. What belongs to the page around an article is no candidate, nor is what has labels already.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from framescope.classifier.errors import InputError
from framescope.classifier.records import Article, ArticleReport
from framescope.classifier.taxonomy import BY_NAME, Level, in_order
from framescope.training.picking.methods import Floats, PickError
from numpy.typing import NDArray

if TYPE_CHECKING:
    from framescope.classifier.bundles import Bundle

MOST = 20_000
"""Sentences that are weighed against each other."""
FEWEST_WORDS = 3
"""Of a sentence that can be judged by itself."""
UNKNOWN = "unknown"
"""Whoever published what nothing names a publisher of: one outlet, for the shares."""

Tell = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class ScoredArticle:
    """An article with its sentences as units, and what a model says of each.

    Attributes
    ----------
    article : Article
        Without labels; every sentence is a unit.
    outlet : str
        Who published it, as `framescope query` has it; `UNKNOWN` where nothing says.
    proba : ndarray, shape (n_units, k)
    flags : tuple of tuple of str
        Of each unit, what the model decides.
    eligible : ndarray of bool, shape (n_units,)
        Which may be picked.
    far : float
        How far it lies from what the model learned from, 0 to 1; 0 where that isn't known.
    """

    article: Article
    outlet: str
    proba: Floats
    flags: tuple[tuple[str, ...], ...]
    eligible: NDArray[np.bool_]
    far: float = 0.0


@dataclass(frozen=True, eq=False)
class Candidates:
    """What may be picked, and by what it was scored.

    Attributes
    ----------
    articles : tuple of ScoredArticle
    signals : tuple of str
        The k columns, in taxonomy order: sentence-level signals.
    thresholds : ndarray, shape (k,)
    model : str
        Name of the bundle.
    digest : str
        Of the bundle.
    """

    articles: tuple[ScoredArticle, ...]
    signals: tuple[str, ...]
    thresholds: Floats
    model: str
    digest: str

    @property
    def rows(self) -> list[tuple[int, int]]:
        """Number each candidate: its article's place and its unit's, in order."""
        return [
            (number, int(unit))
            for number, one in enumerate(self.articles)
            for unit in np.flatnonzero(one.eligible)
        ]

    def proba(self) -> Floats:
        """Give the probabilities of the candidates, shape (n, k)."""
        parts = [one.proba[one.eligible] for one in self.articles]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.signals)))

    def text(self, row: tuple[int, int]) -> str:
        """Give a candidate's words."""
        article = self.articles[row[0]].article
        assert article.units is not None
        unit = article.units[row[1]]
        return article.text[unit.start : unit.end]


def wanted_signals(
    given: Sequence[str] | None, known: Sequence[str], model: str
) -> tuple[str, ...]:
    """Give the sentence-level signals that are picked for.

    Parameters
    ----------
    given : sequence of str or None
        As asked for; None for all that the model gives, but for `content`, which tells what may be
        picked at all.
    known : sequence of str
        That the model gives.
    model : str
        Its name, for messages.

    Raises
    ------
    SignalError
        When the taxonomy doesn't name one.
    PickError
        When the model doesn't give one, or it is one of whole articles.
    """
    known = [name for name in known if BY_NAME[name].level is not Level.ARTICLE]
    if not given:
        return tuple(name for name in known if name != "content")
    for name in in_order(given):
        if BY_NAME[name].level is Level.ARTICLE:
            raise PickError(f"--signal {name}: is one of whole articles; sentences are picked")
        if name not in known:
            raise PickError(
                f"--signal {name}: {model} doesn't give it; it gives {', '.join(known)}"
            )
    return in_order(given)


def long_enough(article: Article) -> NDArray[np.bool_]:
    """Tell which units of an article have `FEWEST_WORDS`, shape (n_units,)."""
    units = article.units or ()
    words = (len(article.text[unit.start : unit.end].split()) for unit in units)
    return np.array([count >= FEWEST_WORDS for count in words], bool)


def draw_articles(
    outlets: Sequence[str], sizes: Sequence[int], names: Sequence[str], tell: Tell, seed: int
) -> list[int]:
    """Draw articles by lot, the outlets by turns, until there are `MOST` sentences; in order."""
    total = sum(sizes)
    if total <= MOST:
        return list(range(len(sizes)))
    lots = [hashlib.sha256(f"{seed}|{name}".encode()).digest() for name in names]
    turn: Counter[str] = Counter()
    keyed = []
    for at in sorted(range(len(sizes)), key=lots.__getitem__):
        keyed.append((turn[outlets[at]], lots[at], at))
        turn[outlets[at]] += 1
    found, taken = [], 0
    for *_, at in sorted(keyed):
        if taken + sizes[at] <= MOST:
            found.append(at)
            taken += sizes[at]
    tell(
        f"of {total:,} sentences {taken:,} are weighed, in articles drawn by lot, outlet by outlet"
    )
    return sorted(found)


def named_apart(articles: Sequence[ScoredArticle]) -> tuple[ScoredArticle, ...]:
    """Number the second article of a name: ids are unique within a file."""
    seen: set[str] = set()
    found = []
    for one in articles:
        name, number = one.article.id, 1
        while name in seen:
            number += 1
            name = f"{one.article.id}-{number}"
        seen.add(name)
        found.append(replace(one, article=replace(one.article, id=name)))
    return tuple(found)


def second_proba(candidates: Candidates, bundle: Bundle) -> tuple[Floats, Floats]:
    """Score the candidates' articles by another model.

    Returns
    -------
    proba : ndarray, shape (n, k)
        What the other doesn't give is as the first has it: no disagreement.
    thresholds : ndarray, shape (k,)

    Raises
    ------
    PickError
        When it is the same model, or gives none of the signals.
    """
    from framescope.classifier.scoring import Scorer

    shared = [name for name in candidates.signals if name in bundle.signals]
    if bundle.digest == candidates.digest:
        raise PickError(f"--second {bundle.path}: is the first model too; give another bundle")
    if not shared:
        raise PickError(f"--second {bundle.path}: gives none of {', '.join(candidates.signals)}")
    columns = [candidates.signals.index(name) for name in shared]
    thresholds = candidates.thresholds.copy()
    thresholds[columns] = [bundle.thresholds[name] for name in shared]
    found = []
    scored = Scorer(bundle, shared, bundle.registry, evidence=False).score(
        one.article for one in candidates.articles
    )
    for one, item in zip(candidates.articles, scored, strict=True):
        proba = one.proba.copy()
        if isinstance(item, ArticleReport) and item.note is None:
            for unit, sentence in enumerate(item.sentences):
                proba[unit, columns] = [sentence.scores[name] for name in shared]
        found.append(proba[one.eligible])
    return np.concatenate(found) if found else candidates.proba(), thresholds


def labelled_texts(files: Iterable[Path]) -> list[str]:
    """Read the sentences that are not to be picked again, off files in the exchange format.

    Those that have a label, or that were picked before, whether they have one yet or not.

    Raises
    ------
    InputError
        When a file can't be read, or a line of it.
    """
    from framescope.classifier.inputs import from_record

    found = []
    for path in files:
        try:
            with path.open(encoding="utf-8") as file:
                lines = [(number, line) for number, line in enumerate(file, 1) if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "is no UTF-8"
            raise InputError(path, f"can't be read ({reason}); give a file of labels") from None
        for number, line in lines:
            where = f"{path}, line {number}"
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                reason = "is no JSON; give a file in the exchange format (docs/exchange-format.md)"
                raise InputError(where, reason) from None
            if not isinstance(record, dict):
                raise InputError(where, "is no article; see docs/exchange-format.md")
            article = from_record(record, str(path), number)
            given = record.get("sentences") or ()
            for unit, one in zip(article.units or (), given, strict=False):
                if unit.labels or one.get("picked") is not None:
                    found.append(article.text[unit.start : unit.end])
    return found
