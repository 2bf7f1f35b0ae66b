"""Calibration, thresholds and spans from tags, fitted on groups that nothing was learned from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from framescope.classifier import models
from framescope.classifier.taxonomy import BY_NAME, SHIPPED, Family, Level
from framescope.training import DEFAULT_SEED
from framescope.training.corpora import find_corpus
from framescope.training.data import Examples
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit
from sklearn.linear_model import LogisticRegression

Single = NDArray[np.float32]
Double = NDArray[np.float64]
Bools = NDArray[np.bool_]
Texts = NDArray[np.str_]
Spans = Sequence[tuple[int, int]]
Line = tuple[float, float]

# A rare technique has a handful of positives in a validation part: its line is held near
# "slope 1, intercept as given" by a prior worth this many sentences.
_PRIOR = 4.0
# Normal priors, as half the inverse of a variance: of the slope's logarithm a standard deviation of
# 0.35, of the shift one of 1, which is odds nearly three times as high; where scores are held near
# former ones, half of both.
_FIRST, _HELD = (4.0, 0.5), (16.0, 2.0)
# Slopes from 1/148 to 148, so that the search ends.
_LOG_SLOPES = (-5.0, 5.0)
# Of flags that are right, at least, whatever F1 says: for a technique that a model hardly knows, F1
# is highest where everything is flagged. Of an article more is asked: of somebody's whole work.
_LEAST_PRECISION = 0.15
_OF_ARTICLES = 2 / 3
# What a flag of framing promises in ordinary news: the share that is right, and of all that should
# be flagged the least share. A signal that can't keep this is experimental.
_ORDINARY = "judged"  # the corpus of ordinary composition, without which nothing is promised
_PROMISED = {"unsourced_assertion": 0.65, "hyperpartisan": 0.8}
_PROMISED_OF_FRAMING, _LEAST_FOUND = 0.7, 0.4
_DRAWS = 200  # resamples of articles, whose mean F1 decides
_GRID = 200  # thresholds tried through the rows, and as many through the positives
_GAPS = (0, 1, 2, 4, 8, 12, 16)
_SHIFTS = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0)
_ANY = "any_technique"
_FEWEST = 30  # spans right, and wrong, from which a score of spans is fitted
_OF_LANGUAGE = 20  # articles of either answer, from which a language has a threshold of its own


@dataclass(frozen=True)
class Decisions:
    """Calibration and thresholds; `elsewhere` by corpus, where it labels in another sense.

    A corpus of several languages has thresholds by language too, as ``checkthat/de``. Flags of an
    `experimental` signal are right too seldom to be shown unasked.
    """

    calibration: models.Calibration
    thresholds: Mapping[str, float]
    elsewhere: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    experimental: tuple[str, ...] = ()

    def at_least(self, log_odds: Mapping[str, float]) -> Decisions:
        """Raise the thresholds of some signals to the chance of log-odds before calibration."""
        signals = self.calibration.signals
        line = np.array([[log_odds.get(signal, -np.inf) for signal in signals]], np.float32)
        raised = dict(self.thresholds)
        for signal, chance in zip(signals, self.calibration.apply(line)[0], strict=True):
            raised[signal] = max(raised[signal], float(f"{chance:.6g}"))
        return replace(self, thresholds=raised)

    def flags(self, logits: Single) -> Bools:
        """Decide, shape (n, k), from logits of that shape."""
        limits = np.array([self.thresholds[s] for s in self.calibration.signals], np.float32)
        return np.asarray(self.calibration.apply(logits) >= limits)


def fit_decisions(model: models.Model, validation: Examples, seed: int) -> Decisions:
    """Fit calibration and thresholds of a model on rows it has not seen.

    Labels of a corpus in another sense than the guidelines take part in its own thresholds alone.
    Framing is flagged from where its promise is kept, so that it is right in ordinary news.
    """
    signals, articles, corpora = model.signals, validation.article, validation.corpus
    logits = model.predict(validation.sentences).logits
    columns = np.stack([validation.column(signal) for signal in signals], axis=1)
    every = once_an_article(columns, articles, signals)
    labels, other = every.copy(), dict[str, tuple[NDArray[np.intp], list[int]]]()
    for corpus in dict.fromkeys(corpora.tolist()):
        senses = find_corpus(corpus).card.other_sense
        rows = np.flatnonzero(corpora == corpus)
        known = np.any(~np.isnan(every[rows]), axis=0).tolist()
        if own := [k for k, signal in enumerate(signals) if known[k] and signal in senses]:
            other[corpus] = rows, own
            labels[rows[:, None], own] = np.nan
    nobody_else = np.isnan(labels).all(axis=0)
    labels[:, nobody_else] = every[:, nobody_else]
    weights = evenly(labels, corpora)
    fitted = calibration(logits, labels, signals, weights)
    proba = fitted.apply(logits)
    chosen = choose_thresholds(proba, labels, articles, signals, seed, weights)
    experimental = []
    ordinary = np.flatnonzero(~np.isnan(labels[corpora == _ORDINARY]).all(axis=0)).tolist()
    for k, signal in enumerate(signals):
        if (promise := _promise_of(signal)) is not None and k in ordinary:
            of = np.flatnonzero(~np.isnan(labels[:, k]))
            limit = _promised(proba[of, k], labels[of, k] >= 0.5, weights[of, k], promise)
            if limit is not None:
                chosen[signal] = limit
            elif BY_NAME[signal].family is not Family.SOURCING:
                experimental.append(signal)
    elsewhere = {}
    for corpus, (rows, own) in other.items():
        languages, parts = validation.lang[rows], {corpus: (rows, 0)}
        if len(several := sorted(set(languages.tolist()))) > 1:
            parts |= {f"{corpus}/{one}": (rows[languages == one], _OF_LANGUAGE) for one in several}
        for name, (part, least) in parts.items():
            there = every[part]
            sides = there >= 0.5, there < 0.5
            answers = {k: [len(np.unique(articles[part][one[:, k]])) for one in sides] for k in own}
            if known := [k for k in own if min(answers[k]) >= least]:
                given = proba[part][:, known], there[:, known], articles[part]
                names = [signals[k] for k in known]
                elsewhere[name] = choose_thresholds(*given, names, seed, fit=True)
    return Decisions(fitted, chosen, elsewhere, tuple(experimental))


def fit_decision(
    signal: str, log_odds: Single, positive: Bools, articles: Texts, former: Double | None = None
) -> tuple[models.Calibration, float, bool | None]:
    """Fit calibration and threshold of one signal on articles that it was not learned from.

    Few articles say little of how frequent a signal is: the level of the scores is held near that
    of `former` ones. Return whether flags keep what they promise, too; None of a signal that
    promises nothing.
    """
    columns, labels = log_odds[:, None], positive[:, None].astype(np.float32)
    level, held = (0.0, _FIRST) if former is None else (np.mean(former - log_odds), _HELD)
    line = refit_line(log_odds, positive, articles, (1.0, float(level)), held)
    fitted = models.Calibration.from_record({signal: line})
    proba = fitted.apply(columns)
    limit = choose_thresholds(proba, labels, articles, (signal,))[signal]
    if signal not in SHIPPED or (promise := _promise_of(signal)) is None:
        return fitted, limit, None
    kept = _promised(proba[:, 0], positive, np.ones_like(proba[:, 0]), promise)
    return fitted, limit if kept is None else kept, kept is not None


def _promise_of(signal: str) -> float | None:
    family = BY_NAME[signal].family
    framed = family is Family.FRAMING or BY_NAME[signal].level is Level.ARTICLE
    return _PROMISED.get(signal, _PROMISED_OF_FRAMING if framed else None)


def _promised(scores: Single, positive: Bools, weights: Single, precision: float) -> float | None:
    """Return the lowest threshold that keeps a promise by the labels and by the chances.

    None where there is none, or where too little would be found.
    """
    order = np.argsort(-scores, kind="stable")
    counted, sorted_ = np.cumsum(weights[order]), scores[order]
    right = np.cumsum((weights * positive)[order])
    expected = np.cumsum((weights * scores)[order])
    ends = np.append(sorted_[1:] < sorted_[:-1], True)  # equal scores are flagged together
    kept = ends & (right >= precision * counted) & (expected >= precision * counted)
    last = int(np.flatnonzero(kept).max(initial=-1))
    if last < 0 or right[last] < _LEAST_FOUND * right[-1]:
        return None
    below = sorted_[last + 1] if last + 1 < len(scores) else sorted_[last]
    return float(f"{(float(sorted_[last]) + float(below)) / 2:.6g}")


def once_an_article(labels: Single, articles: Texts, signals: Sequence[str]) -> Single:
    """Keep the label of an article on its first sentence only, so that it counts once."""
    _, first = np.unique(articles, return_index=True)
    others = np.setdiff1d(np.arange(len(articles)), first)
    kept = labels.copy()
    columns = [k for k, signal in enumerate(signals) if BY_NAME[signal].level is Level.ARTICLE]
    kept[others[:, None], columns] = np.nan
    return kept


def evenly(labels: Single, corpora: Texts) -> Single:
    """Weigh rows so that, for each signal, every corpus that labels it counts the same.

    A corpus of tens of thousands of rows has a signal at a rate of its own: calibrated on its rows
    alone, scores would be off everywhere else. Weights add up to the rows that label the signal.
    """
    known = ~np.isnan(labels)
    _, corpus = np.unique(corpora, return_inverse=True)
    counts = np.stack([np.bincount(corpus, weights=column) for column in known.T], axis=1)
    share = known.sum(axis=0) / np.maximum((counts > 0).sum(axis=0), 1)
    return np.where(known, share / np.maximum(counts, 1)[corpus], 0).astype(np.float32)


def calibration(
    logits: Single, labels: Single, signals: Sequence[str], weights: Single | None = None
) -> models.Calibration:
    """Fit Platt scaling for each signal, with targets smoothed as in Platt (1999)."""
    given = np.ones_like(labels) if weights is None else weights
    lines = [_platt(logits[:, k], labels[:, k], given[:, k]) for k in range(len(signals))]
    both = np.asarray(lines, np.float32).reshape(-1, 2)
    return models.Calibration(tuple(signals), both[:, 0], both[:, 1])


def _platt(logits: Single, labels: Single, weights: Single) -> tuple[float, float]:
    known = ~np.isnan(labels)
    x, positive = logits[known].astype(float), labels[known] >= 0.5
    weight = weights[known].astype(float)
    n_positive, n_negative = float(weight[positive].sum()), float(weight[~positive].sum())
    if not n_positive or not n_negative:
        return 1.0, 0.0
    wanted = np.where(positive, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))
    loss, bounds = line_loss(x, wanted, weight, _PRIOR), [_LOG_SLOPES, (None, None)]
    found = minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=bounds)
    return float(np.exp(found.x[0])), float(found.x[1])


def _design_effect(residuals: Double, articles: Texts) -> float:
    """Return how many labels count as one, by the variance of residuals between articles."""
    centred = residuals - residuals.mean()
    _, article = np.unique(articles, return_inverse=True)
    size = np.bincount(article)
    spread = float((np.bincount(article, weights=centred) ** 2).sum())
    found = spread / max(float((centred**2).sum()), 1e-12)
    return float(np.clip(found, 1.0, size.max()))


def refit_line(
    logits: Single, positive: Bools, articles: Texts, before: Line, priors: Line = _FIRST
) -> Line:
    """Fit Platt scaling again, shrunk towards a bundle's line: slope and intercept."""
    x = before[0] * logits.astype(np.float64) + before[1]
    wanted = positive.astype(np.float64)
    weight = 1.0 / _design_effect(wanted - expit(x), articles)
    loss = line_loss(x, wanted, weight, *priors)
    # The priors hold both, so the search needs no bounds.
    found = minimize(loss, np.zeros(2), jac=True, method="BFGS")
    factor, shift = math.exp(found.x[0]), float(found.x[1])
    return round(factor * before[0], 6), round(factor * before[1] + shift, 6)


def line_loss(
    x: Double, wanted: Double, weight: Double | float, of_slope: float, of_shift: float = 0.0
) -> Callable[[Double], tuple[float, Double]]:
    """Return the cross-entropy of a line of log-odds, with its gradient and priors for both.

    The slope's logarithm is fitted: a negative slope would swap the order, and logits that are
    twice too large are as likely as logits that are half what they should be.
    """

    def loss(line: Double) -> tuple[float, Double]:
        scaled = np.exp(min(line[0], _LOG_SLOPES[1])) * x
        z = scaled + line[1]
        fit = -(weight * (wanted * log_expit(z) + (1 - wanted) * log_expit(-z))).sum()
        error = weight * (expit(z) - wanted)
        slope = (error * scaled).sum() + 2 * of_slope * line[0]
        gradient = np.array([slope, error.sum() + 2 * of_shift * line[1]])
        return float(fit + of_slope * line[0] ** 2 + of_shift * line[1] ** 2), gradient

    return loss


def choose_thresholds(
    proba: Single,
    labels: Single,
    articles: Texts,
    signals: Sequence[str],
    seed: int = DEFAULT_SEED,
    weights: Single | None = None,
    *,
    fit: bool = False,
) -> dict[str, float]:
    """Choose each signal's threshold, by the metric its task is published with.

    Span signals and vague sources are judged by the F1 of the positive class, the others by
    macro-F1. It is the expected metric that is maximised, with the calibrated probabilities as the
    chances (Lipton et al., 2014; Nan et al., 2012): labels enter through the two parameters of the
    calibration, since the threshold that is best on a few dozen positives themselves is mostly
    noise. A signal without both classes gets 0.5.

    `fit` takes the labels themselves for chances: for scores that are calibrated in another sense.
    """
    chosen = {}
    for k, signal in enumerate(signals):
        known, level = ~np.isnan(labels[:, k]), BY_NAME[signal].level
        scores, positive = proba[known, k], labels[known, k] >= 0.5
        chosen[signal] = 0.5
        if positive.any() and not positive.all():
            chosen[signal] = best_threshold(
                scores,
                positive if fit else scores,
                articles[known],
                macro=level is not Level.SPAN and signal != "vague_source",
                seed=seed,
                weights=None if weights is None else weights[known, k],
                precision=_OF_ARTICLES if level is Level.ARTICLE else _LEAST_PRECISION,
            )
    return chosen


def best_threshold(
    scores: Single,
    chances: Single | Bools,
    articles: Texts,
    *,
    macro: bool,
    seed: int,
    weights: Single | None = None,
    precision: float = _LEAST_PRECISION,
) -> float:
    """Return the threshold with the best mean F1, or macro-F1, over resamples of the articles.

    `chances` say how likely each row is positive, or whether it is. Of the flags at least the share
    `precision` must be right, where any threshold can do that.
    """
    counted = 1.0 if weights is None else weights.astype(float)
    grid = _steps(scores, counted * chances.astype(float))
    _, article = np.unique(articles, return_inverse=True)
    bins = np.searchsorted(grid, scores, side="right") - 1
    n_articles = int(article.max()) + 1
    # Per article and grid step: negatives and positives expected from that step up.
    counts = np.zeros((2, n_articles, len(grid)))
    for which, share in enumerate((1.0 - chances.astype(float), chances.astype(float))):
        np.add.at(counts[which], (article, bins), counted * share)
    above = counts[:, :, ::-1].cumsum(axis=2)[:, :, ::-1]
    drawn = np.random.default_rng(seed).multinomial(
        n_articles, np.full(n_articles, 1.0 / n_articles), size=_DRAWS
    )
    false_positive, true_positive = drawn @ above[0], drawn @ above[1]
    total = (drawn @ counts.sum(axis=2).T)[:, :, None]
    true_negative = total[:, 0] - false_positive
    false_negative = total[:, 1] - true_positive
    wrong = false_positive + false_negative
    score = 2 * true_positive / np.maximum(2 * true_positive + wrong, 1e-9)
    if macro:
        score = (score + 2 * true_negative / np.maximum(2 * true_negative + wrong, 1e-9)) / 2
    right = true_positive.sum(axis=0) / np.maximum((true_positive + false_positive).sum(0), 1)
    useful = right >= min(precision, float(right.max()))
    best = int(np.argmax(np.where(useful, score.mean(axis=0), -1.0)))
    # Halfway to the next lower score, so that rounding at serving time changes no decision.
    below = scores[scores < grid[best]].max() if best else grid[best]
    return float(f"{(float(grid[best]) + float(below)) / 2:.6g}")


def _steps(scores: Single, chances: Double) -> Single:
    """Choose the scores to try: even steps through the rows, and through the few positives."""
    order = np.argsort(scores, kind="stable")
    even = np.linspace(0.0, 1.0, _GRID)
    mass = np.cumsum(chances[order])
    of_positives = np.searchsorted(mass, even * mass[-1]).clip(max=len(order) - 1)
    of_rows = np.ceil(even * (len(order) - 1)).astype(np.intp)
    return np.unique(scores[order[np.concatenate([of_rows, of_positives])]])


class SpanRule(NamedTuple):
    """How spans are read off tags, in the fields of `classifier.models.Heads`."""

    tag_thresholds: tuple[float, ...]
    tag_gap: int
    span_scores: tuple[float, ...]


class _Row(NamedTuple):
    """A sentence and one tag: its tokens' logits, which of them lie in a span, chance and flag."""

    article: str
    logits: Single
    inside: Bools
    chance: float
    flagged: bool

    def found(self, threshold: float, gap: int) -> list[tuple[int, int]]:
        """Read the spans off as a report does."""
        return models.likely(self.logits, threshold, gap) if self.flagged else []


def fit_tags(
    model: models.TransformerModel, validation: Examples, limits: Mapping[str, float]
) -> SpanRule:
    """Choose how spans are read off the tags of the tokens of flagged sentences.

    For each span signal the logit from which a token lies in a span has the best F1 of tokens. From
    there, all techniques together and any technique for itself are moved to the best F1 of spans,
    with the number of tokens outside, between two stretches, that a span takes in: each span earns
    the share of its tokens that the other side covers (Da San Martino et al., 2019).
    """
    tags = model.heads.tags
    if not tags:
        return SpanRule((), 0, ())
    of_tag = _rows(model, validation, limits)
    of_tokens = [_token_threshold(own) for own in of_tag]
    groups = [[k for k, tag in enumerate(tags) if (tag == _ANY) is any_] for any_ in (True, False)]

    def score(group: Sequence[int], shift: float, gap: int) -> float:
        return span_f1(
            (row.found(of_tokens[k] + shift, gap), models.stretches(row.inside, 0))
            for k in group
            for row in of_tag[k]
            if row.flagged or row.inside.any()
        )

    def best(gap: int) -> list[tuple[float, float]]:
        """Return the best F1 of each group of tags, and the shift of its thresholds."""
        found = []
        for group in groups:
            scores = {shift: score(group, shift, gap) for shift in _SHIFTS}
            shift = max(_SHIFTS, key=lambda one: (scores[one], -abs(one)))
            found.append((scores[shift], shift))
        return found

    gap = max(_GAPS, key=lambda one: (sum(score for score, _ in best(one)), -one))
    thresholds = list(of_tokens)
    for group, (_, shift) in zip(groups, best(gap), strict=True):
        for k in group:
            thresholds[k] += shift
    return SpanRule(tuple(thresholds), gap, _span_scores(of_tag, thresholds, gap))


def _rows(
    model: models.TransformerModel, validation: Examples, limits: Mapping[str, float]
) -> list[list[_Row]]:
    """Gather, for each tag, the sentences whose spans of it are known."""
    from framescope.training.transformer import in_spans, marked  # which needs torch

    tags = model.heads.tags
    known = marked(validation, tags)
    some = np.flatnonzero(known.any(axis=1))
    rows, known = validation.where(some), known[some]
    encoding = model.encode(rows.sentences)
    prediction = model.predict(rows.sentences, encoding)
    found: list[list[_Row]] = [[] for _ in tags]
    columns = [model.signals.index(tag) for tag in tags]
    pairs = zip(rows.sentences, rows.spans, encoding.neutral, strict=True)
    for number, (sentence, spans, encoded) in enumerate(pairs):
        inside = in_spans(sentence, encoded.tokens, spans, tags)
        for k in np.flatnonzero(known[number]).tolist() if encoded.tokens.ids else ():
            chance = float(prediction.proba[number, columns[k]])
            flagged, logits = bool(chance >= np.float32(limits[tags[k]])), encoded.tags[:, k]
            found[k].append(_Row(sentence.article_id, logits, inside[:, k], chance, flagged))
    return found


def _token_threshold(rows: Sequence[_Row]) -> float:
    """Return the logit with the best F1 of tokens; an even chance where none lies in a span."""
    if not any(row.inside.any() for row in rows):
        return 0.0
    names = np.repeat([row.article for row in rows], [len(row.inside) for row in rows])
    logits, inside = (np.concatenate([getattr(r, x) for r in rows]) for x in ("logits", "inside"))
    return best_threshold(logits, inside, names, macro=False, seed=0)


def span_f1(pairs: Iterable[tuple[Spans, Spans]]) -> float:
    """F1 of spans: those found and those marked, sentence by sentence."""
    earned, counted = np.zeros(2), np.zeros(2)
    for sides in pairs:
        for k, (mine, theirs) in enumerate((sides, sides[::-1])):
            counted[k] += len(mine)
            for first, end in mine:
                shared = sum(max(0, min(end, e) - max(first, f)) for f, e in theirs)
                earned[k] += shared / (end - first)
    precision, recall = earned / np.maximum(counted, 1)
    return float(2 * precision * recall / max(precision + recall, 1e-9))


def _span_scores(
    of_tag: Sequence[Sequence[_Row]], thresholds: Sequence[float], gap: int
) -> tuple[float, ...]:
    """Fit how likely half of a span's tokens are inside, for all tags; () of too few spans."""
    features, right = [], []
    for threshold, rows in zip(thresholds, of_tag, strict=True):
        for row in rows:
            for first, end in row.found(threshold, gap):
                strongest = float(row.logits[first:end].max())
                of_chance = models.log_odds_of_span((0.0, 1.0, 0.0), strongest, row.chance)
                features.append((strongest, of_chance))
                right.append(row.inside[first:end].mean() >= 0.5)
    if min(sum(right), len(right) - sum(right)) < _FEWEST:
        return ()
    fitted = LogisticRegression(max_iter=1000).fit(np.array(features), np.array(right))
    return tuple(round(float(x), 4) for x in (*fitted.coef_[0], fitted.intercept_[0]))
