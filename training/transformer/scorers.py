"""Fit what reads a network's raw citations: who speakers are, and the citation scorer.

Whom sources refer to is a choice among an article's entities: weights are those of a conditional
logit over candidates and nobody, thresholds the lowest at which few sources get a wrong name. The
citation scorer decides which citations are shown, of which kind, and what they add to the signals.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from framescope.classifier import models
from framescope.classifier.attribution import Entity, Names, Phrase, classify, words_of
from framescope.classifier.outlets import Registry
from framescope.classifier.records import Place, SourceKind
from framescope.training.data import Examples, Mark, RowCitation
from numpy.typing import NDArray
from scipy.linalg import block_diag
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logsumexp

Floats = NDArray[np.float64]

#: The share of a class' sources that may get a wrong name in validation articles.
MOST_WRONG = {"person": 0.02, "other": 0.04, "described": 0.02}
_PULL = 1.0  # of a speaker's weights, towards 0
_GRID = np.arange(0.5, 0.96, 0.025)  # of thresholds
_EXCLUSIVE = tuple(kind.value for kind in SourceKind)
_STRENGTH = 2.0  # how firmly weights of the scorer are held, in wrong sentences
_LEAST_SPREAD = 0.05  # of a feature, so that one that hardly varies is held as well
# Which features may speak for a signal, and for a kind: the articles to fit on are few, and with
# every feature most were decided worse in articles left out.
_FOR_SIGNAL: Mapping[str, Sequence[str]] = {
    "attributed": ("vote", "cited"),
    "named_source": ("vote", "cited", "named"),
    "unnamed_source": ("vote", "unnamed"),
    "vague_source": ("vote", "vague"),
    "government_attribution": ("vote", "government"),
    "state_media_attribution": ("vote", "state_media", "names state media"),
    "quoted": ("vote", "quoted share", "quoted content"),
    "reported": ("vote", "cited", "quoted share", "quoted content"),
}
_FOR_ANY_KIND = ("known: outlet", "known: antecedent", "source")


class Case(NamedTuple):
    """A source that names nobody, and which candidates it means; the last one is nobody."""

    asked: models.Asked
    right: NDArray[np.intp]


def fit_speakers(
    train: Examples, held: Examples, links: Sequence[Sequence[models.Links]], registry: Registry
) -> models.SpeakerScorer | None:
    """Fit weights on `train`, thresholds on `held`; None where no speaker is labelled."""
    known, unseen = (
        [
            case
            for _, own in groupby(range(len(rows)), key=lambda row: str(rows.article[row]))
            for case in _of_article(rows, list(own), found, registry)
        ]
        for rows, found in zip((train, held), links, strict=True)
    )
    if not known:
        return None

    weights = {k: _weights([case for case in known if case.asked.kind == k]) for k in MOST_WRONG}
    sure = models.SpeakerScorer(weights, dict.fromkeys(MOST_WRONG, 1.0))
    limits = {}
    for kind, most in MOST_WRONG.items():
        limits[kind] = _sure_enough(sure, [c for c in unseen if c.asked.kind == kind], most)
    return models.SpeakerScorer(weights, limits)


def _of_article(
    rows: Examples, own: Sequence[int], links: Sequence[models.Links], registry: Registry
) -> Iterator[Case]:
    """Yield the labelled sources that name nobody, with those before them resolved as labelled."""
    plain, sentences = models.laid_out([rows.sentences[row] for row in own])
    starts = {one.index: one.start for one in sentences}

    def place(mark: Mark | None) -> Place | None:
        if mark is None or mark.sentence not in starts:
            return None
        return Place(starts[mark.sentence] + mark.start, starts[mark.sentence] + mark.end)

    sources: set[Place] = set()
    means: dict[Place, tuple[str, ...]] = {}  # the words of the labelled name
    for one in (one for row in own for one in rows.citations[row] or ()):
        if (source := place(one.source)) is not None:
            sources.add(source)
            if one.speaker is not None:
                name = place(one.speaker.name)
                means[source] = words_of(plain[name.start : name.end]) if name else ()
    referents = models.Referents(plain, sentences, [links[row] for row in own], None)
    found: list[Case] = []

    def refer(
        source: Place, phrase: Phrase, earlier: Sequence[Entity], names: Names
    ) -> Entity | None:
        if source not in means:
            return None
        asked = referents.ask(source, phrase, earlier, names)
        right = [i for i, one in enumerate(asked.candidates) if _is_called(one, means[source])]
        chosen = asked.candidates[right[0]] if right else None
        if not right:
            unnamed = [i for i, one in enumerate(asked.candidates) if not one.name]
            right = [*unnamed, len(asked.candidates)]
        found.append(Case(asked, np.array(right)))
        return chosen

    if means:
        classify(plain, sentences, sources, registry, refer)
    yield from found


def _is_called(one: Entity, words: tuple[str, ...]) -> bool:
    """Return whether an entity's name is the labelled one, as a whole or but for middle names."""
    mine = words_of(one.name)
    person = not one.is_thing and len(mine) > 1 and len(words) > 1
    alike = person and mine[:: len(mine) - 1] == words[:: len(words) - 1]
    return bool(words) and (mine == words or alike)


def _weights(known: Sequence[Case]) -> tuple[float, ...]:
    tables = [block_diag(case.asked.features, case.asked.nobody) for case in known]

    def loss(line: Floats) -> tuple[float, Floats]:
        value, gradient = _PULL * float(line @ line), 2 * _PULL * line
        for table, case in zip(tables, known, strict=True):
            odds = table @ line
            of_all, of_right = logsumexp(odds), logsumexp(odds[case.right])
            value += float(of_all - of_right)
            chances = np.exp(odds - of_all)
            chances[case.right] -= np.exp(odds[case.right] - of_right)
            gradient = gradient + table.T @ chances
        return value, gradient

    start = np.zeros(len(models.FEATURES) + len(models.NOBODY))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return tuple(map(float, found.x))


def _sure_enough(scorer: models.SpeakerScorer, unseen: Sequence[Case], most_wrong: float) -> float:
    """Return the lowest chance from which at most a share of all sources gets a wrong name."""
    wrong = []
    for asked, right in unseen:
        chances = scorer.chances(asked)[:-1]
        best = int(chances.argmax()) if len(chances) else 0
        if len(chances) and asked.candidates[best].name and best not in right:
            wrong.append(chances[best])
    allowed = most_wrong * len(unseen)
    return float(next((t for t in _GRID if np.sum(np.array(wrong) >= t) <= allowed), _GRID[-1]))


def fit_citation_scorer(
    rows: Examples,
    resolved: models.ResolvedCitations,
    logits: NDArray[np.float32],
    signals: Sequence[str],
    state_media: Sequence[bool],
) -> models.CitationScorer:
    """Fit citations, kinds and signals, and the chance from which a citation is shown.

    Nothing was learned from `rows`. `resolved` are the encoder's raw citations there, `logits` its
    votes, of shape (n_rows, n_signals), and `state_media` says which rows name state media.
    """

    def features(scorer: models.CitationScorer) -> models.CitationFeatures:
        return models.features_of(scorer, resolved, rows.sentences, logits, signals, state_media)

    nothing = models.Regressions((), {})
    plain = features(models.CitationScorer(nothing, nothing, nothing, 0.5))
    annotated = [(row, marked) for row, marked in enumerate(rows.citations) if marked is not None]
    articles = rows.article.tolist()
    row_of = {
        (article, sentence.index): row
        for row, (article, sentence) in enumerate(zip(articles, rows.sentences, strict=True))
    }

    def shares_words(row: int, raw: models.RawCitation, marked: RowCitation) -> bool:
        """Return True if content and source share characters with those that are marked."""
        if not any(_meet(words, mark) for words in raw.content for mark in marked.content):
            return False
        if raw.source is None or marked.source is None:
            return raw.source is None and marked.source is None
        place = row_of.get((articles[row], marked.source.sentence))
        return place == raw.source.row and _meet(raw.source, marked.source)

    pairs = [
        (line, kind_line, next((one for one in marked if shares_words(row, raw, one)), None))
        for row, marked in annotated
        for raw, line, kind_line in zip(
            resolved.raw[row], plain.citations[row], plain.kind_features[row], strict=True
        )
    ]
    of_kinds = [(line, match) for _, line, match in pairs if match is not None and match.kind]
    found = np.array([line for line, *_ in pairs]).reshape(-1, len(models.CITATION_FEATURES))
    correct = np.array([match is not None for *_, match in pairs], np.bool_)
    citation = models.Regressions(models.CITATION_FEATURES, {"right": _line(found, correct)})
    kind_lines = np.array([line for line, _ in of_kinds]).reshape(-1, len(models.KIND_FEATURES))
    kinds = _kinds(kind_lines, [match for _, match in of_kinds])
    chances = expit(citation.log_odds(found)["right"])
    threshold = _threshold(chances, correct, sum(len(marked) for _, marked in annotated))
    sentences = features(models.CitationScorer(citation, kinds, nothing, threshold)).sentences
    of_signals = {}
    for signal, own in _FOR_SIGNAL.items():
        if signal not in rows.signals or signal not in sentences:
            continue
        labels = rows.column(signal)
        known = ~np.isnan(labels)
        positive = labels[known] >= 0.5
        if positive.any() and not positive.all():
            of_signal = sentences[signal][known]
            of_signals[signal] = _of_own(of_signal, positive, models.SENTENCE_FEATURES, own)
    fitted = models.Regressions(models.SENTENCE_FEATURES, of_signals)
    return models.CitationScorer(citation, kinds, fitted, threshold)


def _meet(words: models.RowSpan, mark: Mark) -> bool:
    return words.start < mark.end and mark.start < words.end


def _kinds(x: Floats, truth: Sequence[RowCitation]) -> models.Regressions:
    lines = {}
    for name in models.KINDS:
        own = (f"words: {name}", f"sentence: {name}", f"known: {name}", *_FOR_ANY_KIND)
        holds = [one.kind == name if name in _EXCLUSIVE else getattr(one, name) for one in truth]
        lines[name] = _of_own(x, np.array(holds, np.bool_), models.KIND_FEATURES, own)
    return models.Regressions(models.KIND_FEATURES, lines)


def _of_own(
    x: Floats, y: NDArray[np.bool_], features: Sequence[str], own: Sequence[str]
) -> tuple[float, ...]:
    """Fit one regression to some features; the first, the encoder's vote, weighs about 1."""
    columns = [features.index(name) for name in own]
    *weights, intercept = _line(x[:, columns], y, np.eye(len(own))[0])
    line = np.zeros(len(features))
    line[columns] = weights
    return (*map(float, line), intercept)


def _line(x: Floats, y: NDArray[np.bool_], centre: Floats | None = None) -> tuple[float, ...]:
    """Fit one logistic regression: its weights, held near `centre` (0), and the intercept last."""
    centre = np.zeros(x.shape[1]) if centre is None else centre
    if not len(x):
        return (*map(float, centre), 0.0)
    scale = np.maximum(x.std(axis=0), _LEAST_SPREAD)
    wanted = y.astype(float)

    def loss(line: Floats) -> tuple[float, Floats]:
        z = x @ line[:-1] + line[-1]
        away = (line[:-1] - centre) * scale
        fit = -(wanted * log_expit(z) + (1 - wanted) * log_expit(-z)).sum()
        error = expit(z) - wanted
        gradient = np.append(x.T @ error + 2 * _STRENGTH * away * scale, error.sum())
        return float(fit + _STRENGTH * (away**2).sum()), gradient

    start = np.append(centre, 0.0)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(-30.0, 30.0)] * len(start))
    return tuple(map(float, found.x))


def _threshold(chances: Floats, right: NDArray[np.bool_], marked: int) -> float:
    """Return the chance from which citations are shown: that of the best F1."""
    if not len(chances) or not right.any():
        return 0.5
    order = np.argsort(-chances, kind="stable")
    hits = np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + marked)
    best = int(f1.argmax())
    below = chances[order[best + 1]] if best + 1 < len(order) else chances[order[best]]
    return float((chances[order[best]] + below) / 2)
