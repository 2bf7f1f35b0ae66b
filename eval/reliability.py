"""What an article's text tells of its outlet's reliability, with whole outlets held out.

Articles by outlets that the English Wikipedia's perennial sources call generally reliable, against
those they call generally unreliable or deprecate; outlets without consensus are left out. A model
is fitted on some outlets and scores the articles of others, which it has never seen, and it must
beat what needs no text: the outlet's name, the length, the topic.

``framescope eval reliability --articles DIR`` prints the figures of docs/source-record.md.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classifier.errors import InputError
from classifier.sources.placeholders import Reader
from classifier.sources.reliability import reading
from eval.outlet_pairs import DRAWS, Rows, both_kinds, drawn, pairs, sizes
from eval.resample import Interval, percentile
from training.corpora import allsides

if TYPE_CHECKING:
    from classifier.sources.registry import Registry

Floats = NDArray[np.float64]

LEAST_ARTICLES = 10
"""An outlet with fewer is left out: it would weigh as much as others in the draws."""
MOST_NGRAMS = 50_000
FOLDS = 5
REPEATS = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """A model's AUC over articles of held-out outlets, and what it gains over the control.

    Attributes
    ----------
    name : str
    reads_text : bool
    auc : float
    interval : Interval
        95%, outlets resampled.
    by_outlet : float
        The same with every pair of outlets counting alike.
    gain : Interval or None
        95% interval of its AUC less that of the best control; None for a control.
    """

    name: str
    reads_text: bool
    auc: float
    interval: Interval
    by_outlet: float
    gain: Interval | None


@dataclass(frozen=True, slots=True)
class Result:
    """The figures, what they were measured on, and how each outlet fares under the first model.

    Attributes
    ----------
    articles, reliable, unreliable : int
        How many articles, and outlets of either kind.
    figures : tuple of Figure
    outlets : tuple of (str, bool, int, float)
        Name, whether reliable, articles, and the share of pairs with an article of the other kind
        that are put in the right order.
    """

    articles: int
    reliable: int
    unreliable: int
    figures: tuple[Figure, ...]
    outlets: tuple[tuple[str, bool, int, float], ...]

    def figure(self, name: str) -> Figure:
        """Give a model's figure.

        Raises
        ------
        KeyError
            When it wasn't measured.
        """
        return {figure.name: figure for figure in self.figures}[name]


def run(
    articles: Path,
    *,
    registry: Registry | None = None,
    embeddings: Path | None = None,
    draws: int = DRAWS,
    seed: int = 13,
) -> Result:
    """Measure every model.

    Parameters
    ----------
    articles : pathlib.Path
        A folder that holds `training.corpora.allsides.FILE`.
    registry : Registry, optional
        Whose assessments are the labels, and whose names are masked; the shipped one unless given.
    embeddings : pathlib.Path, optional
        What ``python -m training.reliability`` wrote, for the second model; every model is then
        measured on the articles it holds.
    draws, seed : int
        Of the resampling; the seed draws the folds too.

    Raises
    ------
    FramescopeError
        When a file can't be read, or there are too few outlets of either kind to hold any out.
    """
    if registry is None:
        from classifier.sources import registry as shipped

        registry = shipped.load()
    table = None if embeddings is None else _Embeddings(embeddings)
    rows = gather(articles, registry, None if table is None else table.place)
    views: dict[str, tuple[bool, Callable[[], Any]]] = {
        "TF-IDF": (True, lambda: _counts(rows.texts)),
        "outlet's name": (False, lambda: [rows.names[outlet] for outlet in rows.outlets]),
        "length": (False, lambda: lengths(rows.texts)),
        "topic": (False, lambda: list(rows.topics)),
    }
    if table is not None:
        views["embeddings"] = (True, lambda: table.of(rows))
    won = {name: held_out(name, view(), rows, seed) for name, (_, view) in views.items()}
    return _judged(rows, won, {n for n, (text, _) in views.items() if text}, draws, seed)


def gather(folder: Path, registry: Registry, only: Collection[str] | None = None) -> Rows:
    """Read the articles whose outlets have an assessment, and mask outlets' names.

    Parameters
    ----------
    folder : pathlib.Path
    registry : Registry
    only : collection of str, optional
        Ids of the articles that are taken; all unless given.

    Raises
    ------
    FramescopeError
        When the articles can't be read, or there are not `FOLDS` outlets of either kind.
    """
    found = [
        row
        for row in allsides.assessed(folder, registry)
        if only is None or row.story.article.id in only
    ]
    counts = Counter(row.outlet.id for row in found)
    found = [row for row in found if counts[row.outlet.id] >= LEAST_ARTICLES]
    kinds = Counter(reliable for _, reliable in {(row.outlet.id, row.reliable) for row in found})
    if min(kinds[True], kinds[False]) < FOLDS:
        raise InputError(
            folder,
            f"{kinds[True]} outlets assessed as reliable and {kinds[False]} as unreliable, with "
            f"{LEAST_ARTICLES} articles each; {FOLDS} of either kind are needed",
        )
    reader = Reader(registry)
    return Rows(
        np.array([row.story.article.id for row in found]),
        np.array([row.outlet.id for row in found]),
        np.array([row.story.topic for row in found]),
        tuple(reading(row.story.article.text, reader) for row in found),
        np.array([row.reliable for row in found]),
        {row.outlet.id: row.outlet.name for row in found},
    )


def lengths(texts: Sequence[str]) -> Floats:
    """Give characters, words and lines of each text, as logarithms; shape (n, 3)."""
    counts = [(len(text), len(text.split()), text.count("\n")) for text in texts]
    return np.log1p(np.array(counts, np.float64))


def held_out(name: str, features: Any, rows: Rows, seed: int) -> Floats:
    """Fit on some outlets, score the others, and compare the articles of every two outlets.

    Returns
    -------
    ndarray of float64, shape (n_reliable, n_unreliable)
        For each pair of a reliable and an unreliable outlet, the pairs of their articles in which
        the reliable one's scores higher (ties count half), a mean over `REPEATS` draws of the
        folds. Outlets in the order of `_outlets`.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    won = []
    for repeat in range(REPEATS):
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed + repeat)
        scores = np.zeros(len(rows.ids))
        for train, test in folds.split(rows.ids, rows.reliable, rows.outlets):
            # A fold's scores are shares of the training rows, so that folds can be compared.
            scores[test] = _fitted(name, features, rows, train, test)
        won.append(pairs(scores, rows))
    return np.mean(won, axis=0)  # type: ignore[no-any-return]


def _fitted(
    name: str, features: Any, rows: Rows, train: NDArray[np.intp], test: NDArray[np.intp]
) -> Floats:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(*_steps(name), LogisticRegression(C=1.0, max_iter=200))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(
            _some(features, train),
            rows.reliable[train],
            logisticregression__sample_weight=_weights(rows, train),
        )
    proba: Floats = model.predict_proba(_some(features, test))[:, 1]
    return proba


def _steps(name: str) -> list[Any]:
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
    from sklearn.preprocessing import StandardScaler

    if name == "TF-IDF":
        return [TfidfTransformer(sublinear_tf=True)]
    if name == "outlet's name":
        return [TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)]
    if name == "topic":
        return [CountVectorizer(analyzer=lambda topic: [topic])]
    return [StandardScaler()]


def _counts(texts: Sequence[str]) -> Any:
    """Count n-grams of one and two words, once for all folds.

    Which n-grams there are is taken from all texts; what they are worth, idf and weight, only from
    those a model is fitted on.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    counts = CountVectorizer(ngram_range=(1, 2), min_df=5, max_df=0.5, max_features=MOST_NGRAMS)
    return counts.fit_transform(texts)


def _weights(rows: Rows, train: NDArray[np.intp]) -> Floats:
    """Weigh rows so that outlets of a kind count alike, and so do the two kinds."""
    outlets, reliable = rows.outlets[train], rows.reliable[train]
    _, index, counts = np.unique(outlets, return_inverse=True, return_counts=True)
    weights = 1.0 / counts[index]
    for kind in (True, False):
        weights[reliable == kind] *= len(train) / 2 / weights[reliable == kind].sum()
    return weights


def _some(features: Any, index: NDArray[np.intp]) -> Any:
    return [features[i] for i in index] if isinstance(features, list) else features[index]


class _Embeddings:
    """A file of embeddings by article."""

    def __init__(self, path: Path) -> None:
        try:
            with np.load(path, allow_pickle=False) as file:
                self.place = {name: number for number, name in enumerate(file["ids"].tolist())}
                self._table = file["embeddings"].astype(np.float32)
        except (OSError, ValueError, KeyError) as error:
            reason = f"no file of embeddings ({error}); type: python -m training.reliability --help"
            raise InputError(path, reason) from error

    def of(self, rows: Rows) -> NDArray[np.float32]:
        """Give the rows' embeddings, shape (n, hidden)."""
        found: NDArray[np.float32] = self._table[[self.place[name] for name in rows.ids.tolist()]]
        return found


# --- judging --------------------------------------------------------------------------------------


def _judged(
    rows: Rows, won: dict[str, Floats], reads_text: set[str], draws: int, seed: int
) -> Result:
    good, bad = both_kinds(rows)
    counts = Counter(rows.outlets.tolist())
    of_pairs = sizes(rows)
    # The same draws for all, so that what makes an outlet hard cancels out of the gain.
    judged = {name: drawn(matrix, rows, draws, seed) for name, matrix in won.items()}
    draw_of = {name: values for name, (values, _) in judged.items()}
    auc = {name: value for name, (_, value) in judged.items()}
    best = max((name for name in won if name not in reads_text), key=lambda name: auc[name])
    outlets = len(good) + len(bad)
    figures = [
        Figure(
            name,
            name in reads_text,
            auc[name],
            percentile(draw_of[name], outlets),
            float((matrix / of_pairs).mean()),
            percentile(draw_of[name] - draw_of[best], outlets) if name in reads_text else None,
        )
        for name, matrix in won.items()
    ]
    first = won[next(iter(won))] / of_pairs
    rights = [(name, True, first[i].mean()) for i, name in enumerate(good)]
    rights += [(name, False, first[:, j].mean()) for j, name in enumerate(bad)]
    by_outlet = [(rows.names[o], kind, counts[o], float(share)) for o, kind, share in rights]
    return Result(len(rows.ids), len(good), len(bad), tuple(figures), tuple(by_outlet))


def to_markdown(result: Result) -> str:
    """Write the figures as a table, and the outlets below it."""
    lines = [
        f"{result.articles:,} articles of {result.reliable} outlets assessed as generally reliable "
        f"and {result.unreliable} as generally unreliable or deprecated; {FOLDS} folds of whole "
        f"outlets, drawn {REPEATS} times; 95% intervals resample outlets.",
        "",
        "| what is read | AUC | by pairs of outlets | gain over the best control |",
        "| --- | --- | --- | --- |",
    ]
    for f in result.figures:
        gain = f"{f.gain.low:+.3f} to {f.gain.high:+.3f}" if f.gain else "control"
        span = f"{f.interval.low:.3f} to {f.interval.high:.3f}"
        lines.append(f"| {f.name} | {f.auc:.3f} ({span}) | {f.by_outlet:.3f} | {gain} |")
    lines += ["", "| outlet | assessed as | articles | in the right order |"]
    lines += ["| --- | --- | --- | --- |"]
    for name, kind, count, share in sorted(result.outlets, key=lambda row: (row[1], row[3])):
        said = "reliable" if kind else "unreliable"
        lines.append(f"| {name} | {said} | {count} | {share:.2f} |")
    return "\n".join(lines) + "\n"
