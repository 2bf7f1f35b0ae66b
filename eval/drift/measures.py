"""Figures of articles before and now, their intervals, and tests whether they have changed.

A figure has changed when its p, corrected for all figures and measures, is at most the level, and
the effect is large enough to matter.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from framescope.classifier.batch.folder import RunError, RunFolder
from framescope.classifier.batch.reading import open_run
from framescope.classifier.batch.schema import text_digest
from framescope.classifier.bundles import Bundle
from framescope.classifier.errors import InputError
from framescope.classifier.models import FAR
from framescope.eval.metrics import estimate, holm, wilson
from framescope.eval.rows import Bools, Floats, Scores, Single, is_of_articles, read_labelled
from framescope.eval.sections import HIDDEN, Change, Estimate, Share
from numpy.typing import NDArray
from scipy import stats
from scipy.sparse import csr_array
from scipy.spatial.distance import jensenshannon
from scipy.special import logit

_WORDS = 2000  # the most common ones, by articles
_SHOWN_WORDS = 15
# The least effects that matter.
_SHIFT = 0.1  # standard deviations of the log-odds
_FLAGS = 0.01
_BITS = 0.004  # of words, beyond what permutations give
_OUTLETS, _MIX = 0.05, 0.02
_DISTANCE, _DISTANCE_OF_BUNDLE, _FAR = 0.05, 0.1, 0.02
_ERROR = 0.03  # of calibration
_FEWEST_LABELS, _FEWEST_ARTICLES = 20, 10  # the labels: of either answer, and expected of each
_DRAWS = 1000
_UNKNOWN = "unknown"  # the outlet of a page that names none
Rows = NDArray[np.intp]
Values = NDArray[Any]

_WORD = re.compile(r"[^\W\d_]{2,}(?:['’][^\W\d_]+)?")
_ARTICLES = """
    WITH texts AS (
        SELECT * FROM published WHERE {scored}
        QUALIFY row_number() OVER (PARTITION BY text_digest ORDER BY article_id) = 1
    )
    SELECT *, publisher IS NOT NULL OR author_outlet IS NOT NULL AS registered,
        (SELECT count(*) FROM texts) AS total
    FROM texts ORDER BY hash(article_id), article_id LIMIT {limit}"""


@dataclass(frozen=True, slots=True)
class DriftFigure:
    """One figure before and now, with 95% intervals over articles."""

    name: str
    before: Estimate | None
    now: Estimate | None
    effect: Estimate  # the change, in the unit
    size: float
    least: float  # the size from which the change matters
    p: float = math.nan  # corrected for the measure's figures; NaN where not tested
    unit: str = ""  # "sd", "bits", "chance" (from before), "error" (of calibration), or its own

    @property
    def words(self) -> tuple[str, str, str]:
        """Before, now and effect as text."""
        before, now = ("" if one is None else _text(one) for one in (self.before, self.now))
        effect, one = _text(self.effect), self.effect
        match self.unit:
            case "bits":
                effect = f"{one.value:.3f} bits, by chance {one.low:.3f} to {one.high:.3f}"
            case "sd":
                effect = effect.replace(" (", " sd (", 1)
            case "chance":
                before = f"by chance {before}"
            case "error":
                return f"expected {before}", f"observed {now}", f"error {effect}"
        return before, now, effect


@dataclass(frozen=True, slots=True)
class ShiftedWord:
    """A word, the share of articles with it before and now, and the z of the change."""

    word: str
    before: float
    now: float
    z: float


@dataclass(frozen=True, slots=True)
class DriftMeasure:
    """Figures that are tested together; of the vocabulary, with the words that shifted most."""

    name: str
    figures: tuple[DriftFigure, ...] = ()
    note: str = ""
    p: float = math.nan  # the least, corrected for the number of measures; NaN if nothing is tested
    found: tuple[str, ...] = ()  # the figures that have changed
    more: tuple[ShiftedWord, ...] = field(default=(), metadata=HIDDEN)
    less: tuple[ShiftedWord, ...] = field(default=(), metadata=HIDDEN)

    @property
    def least_p(self) -> float:
        """The least p of the figures; NaN without any."""
        return min((one.p for one in self.figures if not math.isnan(one.p)), default=math.nan)

    @property
    def ordered(self) -> list[DriftFigure]:
        """The figures, those that have changed first, then by p."""
        return sorted(self.figures, key=lambda f: (f.name not in self.found, f.p, -f.size))

    def decided(self, corrected: float, level: float) -> Self:
        """Decide by a p that is corrected for all measures."""
        if math.isnan(corrected):
            return self
        factor = corrected / self.least_p
        found = (f.name for f in self.figures if f.p * factor <= level and f.size >= f.least)
        return replace(self, p=corrected, found=tuple(found))


_NO_DOMAIN = DriftMeasure("distance", note="unknown: the bundle has no training domain")


def _text(value: Estimate) -> str:
    form = {Share: "{:.1%}", Change: "{:+.3f}"}.get(type(value), "{:.3f}")
    shown, low, high = map(form.format, (value.value, value.low, value.high))
    return shown if math.isnan(value.low) else f"{shown} ({low} to {high})"


def mean_of(values: Values) -> Estimate:
    """Return the mean of a value of each article, with its interval."""
    mean, half = float(values.mean()), 1.96 * float(values.std(ddof=1)) / math.sqrt(len(values))
    return Estimate(mean, mean - half, mean + half)


def share_of(values: Values) -> Share:
    """Return the mean of a share of each article, 0 to 1, with Wilson's interval."""
    share = values.mean(dtype=np.float64)
    return Share(float(share), *map(float, wilson(share, len(values))))


def difference(
    name: str, sides: Sequence[Values], least: float, of: Callable[[Values], Estimate] = mean_of
) -> DriftFigure:
    """Compare two runs; the interval follows from those of both means (Newcombe, 1998)."""
    before, now = map(of, sides)
    gap = now.value - before.value
    down = math.hypot(now.value - now.low, before.high - before.value)
    up = math.hypot(now.high - now.value, before.value - before.low)
    return DriftFigure(name, before, now, Change(gap, gap - down, gap + up), abs(gap), least)


def log_odds(values: Values) -> Floats:
    """Return the log-odds of probabilities, bounded where these are 0 or 1."""
    return np.asarray(logit(np.clip(values.astype(np.float64), 1e-4, 1 - 1e-4)))


def permuted(
    statistic: Callable[[Single], Floats], is_now: Bools, draws: int, seed: int
) -> tuple[float, float, Share, Floats]:
    """Test a statistic of membership in the second run, (b, n) to (b,), by permuting articles.

    Return its value, p, the mean and the middle 95% by chance, and the value of each permutation.
    """

    def of_numbers(before: Values, now: Values, axis: int) -> Floats:
        members = np.zeros((*now.shape[:-1], len(is_now)), np.float32)
        np.put_along_axis(members, now.astype(np.intp), 1, axis=-1)
        return statistic(members)

    sides, rng = (np.flatnonzero(~is_now), np.flatnonzero(is_now)), np.random.default_rng(seed)
    test = stats.permutation_test(
        sides, of_numbers, vectorized=True, n_resamples=draws, batch=500, alternative="greater",
        axis=-1, rng=rng,
    )  # fmt: skip
    null = test.null_distribution
    chance = Share(float(null.mean()), *np.quantile(null, [0.025, 0.975]).tolist())
    return float(test.statistic), float(test.pvalue), chance, null


def mean_shift_ps(values: Floats, is_now: Bools, draws: int, seed: int) -> list[float]:
    """Return the p of each column's difference in means, corrected (Westfall & Young, 1993)."""
    values = values - np.nanmean(values, axis=0)
    spread = np.nanstd(values, axis=0)
    scaled = np.nan_to_num(values / np.where(spread > 1e-9, spread, np.inf)).astype(np.float32)
    now, n = int(is_now.sum()), len(is_now)

    def gaps(members: Single) -> Floats:
        return np.asarray(np.abs(members @ scaled).astype(np.float64) * n / (now * (n - now)))

    *_, null = permuted(lambda members: gaps(members).max(axis=-1), is_now, draws, seed)
    # Rounding of the sums must not part a permutation from one that is the same.
    above = (null[None] >= gaps(is_now.astype(np.float32))[:, None] - 1e-6).sum(axis=1)
    return [float(p) for p in (1 + above) / (1 + len(null))]


def centred(values: Floats, outlet: NDArray[np.str_], is_now: Bools) -> Floats:
    """Subtract each outlet's mean, so that another mix of outlets is no change of scores."""
    names, code = np.unique(outlet, return_inverse=True)
    share = np.bincount(code, weights=is_now) / np.bincount(code)
    stratum = np.where(np.isin(share, (0, 1))[code], len(names), code)
    found = values.copy()
    for one in np.unique(stratum):
        found[stratum == one] -= np.nanmean(values[stratum == one], axis=0)
    return found


def divergence(
    name: str, counts: Any, is_now: Bools, least: float, draws: int, seed: int
) -> DriftFigure:
    """Test the Jensen-Shannon divergence of two runs' counts, shape (n, k), in bits."""
    total = np.asarray(counts.sum(axis=0), np.float64)

    def bits(members: Single) -> Floats:
        now = np.asarray(counts.T @ members.T, np.float64).T
        return np.asarray(np.nan_to_num(jensenshannon(total - now, now, base=2, axis=-1) ** 2))

    value, p, chance, _ = permuted(bits, is_now, draws, seed)
    effect, size = Estimate(value, chance.low, chance.high), value - chance.value
    return DriftFigure(name, None, None, effect, size, least, p, "bits")


@dataclass(frozen=True)
class RunArticles:
    """The articles of a run (`outlet` to `digest`), and their sentences (`article` to `texts`)."""

    name: str
    manifest: Mapping[str, Any]
    total: int  # distinct texts
    outlet: NDArray[np.str_]
    outlet_names: Mapping[str, str]
    registered: Bools
    distance: Floats
    far: Bools
    digest: list[str]
    article: Rows
    place: Rows
    texts: list[str]
    scores: Mapping[str, Single]  # by signal, of sentences or articles; NaN where not scored

    def __len__(self) -> int:
        return len(self.outlet)

    @property
    def bundle(self) -> tuple[str, str]:
        """Name and digest of the bundle that scored the run."""
        model = self.manifest["model"]
        return str(model.get("name")), str(model.get("digest") or "")

    def words(self) -> list[dict[str, None]]:
        """Return the words of each article, in lower case, as they come."""
        found = [dict[str, None]() for _ in range(len(self))]
        for article, text in zip(self.article.tolist(), self.texts, strict=True):
            found[article] |= dict.fromkeys(_WORD.findall(text.lower()))
        return found


def read_articles(path: Path, limit: int) -> RunArticles:
    """Read at most `limit` articles of a run; raises a `RunError` when it can't be read."""
    folder = RunFolder(path)
    manifest: Mapping[str, Any] = folder.manifest()
    if not manifest.get("finished"):
        command = f"framescope batch --output {path} --resume"
        raise RunError(f"{path}: is not finished; resume it: {command}")
    signals = manifest["signals"]
    scored = "".join(f', s."{name}"' for name in signals if not is_of_articles(name))
    with open_run(folder) as database:
        manifest, by_it = database.of_one_model()
        chosen = _ARTICLES.format(scored=by_it, limit=limit)
        articles = database.table(f"SELECT * FROM ({chosen}) ORDER BY article_id")
        sentences = database.table(
            f'SELECT s.article_id, s."start", s."end", s.text{scored} FROM sentences s '
            f"SEMI JOIN ({chosen}) USING (article_id) ORDER BY article_id, sentence"
        )
    keys, outlets = articles["article_id"].to_numpy(), articles["outlet_key"].to_pylist()
    return RunArticles(
        name=path.name or str(path),
        manifest=manifest,
        total=next(iter(articles["total"].to_pylist()), 0),
        outlet=np.array(outlets, np.str_),
        outlet_names=dict(zip(outlets, articles["outlet"].to_pylist(), strict=True)),
        registered=np.array(articles["registered"].to_pylist(), np.bool_),
        distance=_numbers(articles["distance"]),
        far=np.array(articles["far"].fill_null(False).to_pylist(), np.bool_),
        digest=articles["text_digest"].to_pylist(),
        article=np.searchsorted(keys, sentences["article_id"].to_numpy()),
        place=np.stack([sentences[end].to_numpy() for end in ("start", "end")], axis=1),
        texts=sentences["text"].fill_null("").to_pylist(),
        scores={
            name: _numbers((articles if is_of_articles(name) else sentences)[name]).astype("f4")
            for name in signals
        },
    )


def _numbers(column: Any) -> Floats:
    return np.asarray(column.cast("double").fill_null(math.nan).to_numpy())


@dataclass(frozen=True)
class TwoRuns:
    """The articles of two runs, one after the other; `draws`, `seed`: of the permutations."""

    before: RunArticles
    now: RunArticles
    draws: int
    seed: int

    def __len__(self) -> int:
        return len(self.before) + len(self.now)

    def joined(self, name: str) -> Values:
        """Return an array of `RunArticles` of both runs."""
        return np.concatenate([getattr(self.before, name), getattr(self.now, name)])

    @cached_property
    def is_now(self) -> Bools:
        """Which articles are of the second run."""
        return np.asarray(np.arange(len(self)) >= len(self.before))

    def sides(self, values: Floats) -> tuple[Floats, Floats]:
        """Return the values of the articles before and now that have one."""
        known = ~np.isnan(values)
        return values[known & ~self.is_now], values[known & self.is_now]

    def values(self, signal: str) -> tuple[Single, Rows]:
        """Return the known scores of a signal, and the article of each."""
        scores = np.concatenate([one.scores[signal] for one in (self.before, self.now)])
        article = np.r_[self.before.article, self.now.article + len(self.before)]
        article = np.arange(len(self)) if is_of_articles(signal) else article
        known = ~np.isnan(scores)
        return scores[known], article[known]

    def by_article(self, values: Values, article: Rows) -> Floats:
        """Return the mean of values in each article; NaN where it has none."""
        counts = np.bincount(article, minlength=len(self)).astype(np.float64)
        sums = np.bincount(article, weights=values, minlength=len(self))
        return np.asarray(sums / np.where(counts > 0, counts, np.nan))


def of_signals(both: TwoRuns) -> list[DriftMeasure]:
    """Compare log-odds, in standard deviations before, and the share of sentences flagged now."""
    tested: dict[str, list[tuple[DriftFigure, Floats]]] = {"scores": [], "flags": []}
    runs, manifest = (both.before.scores, both.now.scores), both.now.manifest
    for signal in both.now.scores:
        if not all(signal in one and not np.isnan(one[signal]).all() for one in runs):
            continue
        values, article = both.values(signal)
        odds = log_odds(values)
        spread = max(float(odds[~both.is_now[article]].std()), 1e-6)
        scaled = both.by_article(odds / spread, article)
        shift = difference(signal, both.sides(scaled), _SHIFT)
        old, new = map(mean_of, both.sides(both.by_article(values, article)))
        tested["scores"].append((replace(shift, before=old, now=new, unit="sd"), scaled))
        if signal not in manifest["experimental"]:
            share = both.by_article(values >= np.float32(manifest["thresholds"][signal]), article)
            figure = difference(signal, both.sides(share), _FLAGS, share_of)
            tested["flags"].append((figure, share))
    found = []
    for name, own in tested.items():
        if not own:
            found.append(DriftMeasure(name, note=f"no signal has {name} in both runs"))
            continue
        figures, columns = zip(*own, strict=True)
        apart = centred(np.stack(columns, axis=1), both.joined("outlet"), both.is_now)
        ps = mean_shift_ps(apart, both.is_now, both.draws, both.seed)
        found.append(_measure(name, figures, ps))
    return found


def _measure(name: str, figures: Sequence[DriftFigure], ps: Sequence[float]) -> DriftMeasure:
    return DriftMeasure(name, tuple(replace(f, p=p) for f, p in zip(figures, ps, strict=True)))


def vocabulary(both: TwoRuns) -> DriftMeasure:
    """Compare the shares of articles that have common words."""
    articles = (*both.before.words(), *both.now.words())
    spread = Counter(chain.from_iterable(articles))
    common = [word for word, times in spread.most_common(_WORDS) if times >= 3]
    table = np.array([[word in one for word in common] for one in articles], np.float32)
    words = divergence("words", table, both.is_now, _BITS, both.draws, both.seed)
    shifted = _shifted(common, table, both.is_now)
    more, less = tuple(shifted[: -_SHOWN_WORDS - 1 : -1]), tuple(shifted[:_SHOWN_WORDS])
    return DriftMeasure("vocabulary", (words,), more=more, less=less)


def _shifted(words: Sequence[str], table: Single, is_now: Bools) -> list[ShiftedWord]:
    """Return words by how far their log-odds have risen, the fallen first (Monroe et al., 2008)."""
    old, new = (table[w].sum(axis=0).astype(np.float64) for w in (~is_now, is_now))
    prior = 500.0 * (old + new) / max(float((old + new).sum()), 1.0) + 1e-9

    rose, fell = (  # log-odds
        np.log(one + prior) - np.log(one.sum() + prior.sum() - one - prior) for one in (new, old)
    )
    z = (rose - fell) / np.sqrt(1 / (new + prior) + 1 / (old + prior))
    shares = old / max(int((~is_now).sum()), 1), new / max(int(is_now.sum()), 1)
    rows = list(zip(words, *(column.tolist() for column in (*shares, z)), strict=True))
    return [ShiftedWord(*rows[at]) for at in np.argsort(z, kind="stable")]


def outlets(both: TwoRuns) -> DriftMeasure:
    """Compare the outlets: new ones, those that are not in the registry, the mix of all."""
    is_now, outlet, n = both.is_now, both.joined("outlet"), len(both)
    names, code = np.unique(outlet, return_inverse=True)
    counts = csr_array((np.ones(n, np.float32), (np.arange(n), code)), shape=(n, len(names)))
    counts = counts[:, np.flatnonzero(names != _UNKNOWN)]
    total = np.asarray(counts.sum(axis=0), np.float64)

    def new_share(members: Single) -> Floats:
        now = np.asarray(counts.T @ members.T, np.float64).T
        return np.asarray((now * (total - now < 0.5)).sum(axis=-1) / now.sum(axis=-1).clip(1.0))

    draws = 4 * both.draws  # for the correction of four figures
    now, p, chance, _ = permuted(new_share, is_now, draws, both.seed)
    gap = now - chance.value
    change = Change(gap, now - chance.high, now - chance.low)
    unlisted = ~both.joined("registered") & (outlet != _UNKNOWN)
    figures = [
        DriftFigure("new outlets", chance, Share(now), change, gap, _OUTLETS, p, "chance"),
        _shares("not in the registry", unlisted, is_now, _OUTLETS),
        _shares("no outlet named", outlet == _UNKNOWN, is_now, _OUTLETS),
        divergence("mix", counts, is_now, _MIX, draws, both.seed),
    ]
    return _measure("outlets", figures, holm([one.p for one in figures]))


def _shares(name: str, marked: Bools, is_now: Bools, least: float) -> DriftFigure:
    sides = marked[~is_now], marked[is_now]
    p = stats.fisher_exact([[one.sum(), len(one) - one.sum()] for one in sides]).pvalue
    return replace(difference(name, sides, least, share_of), p=float(p))


def distances(both: TwoRuns) -> DriftMeasure:
    """Compare how far articles lie from the training data."""
    distance, far = both.joined("distance"), both.joined("far")
    sides = both.sides(distance)
    if not all(map(len, sides)):
        return _NO_DOMAIN
    known = ~np.isnan(distance)
    size, p = float(stats.wasserstein_distance(*sides)), float(stats.ks_2samp(*sides).pvalue)
    figures = [
        replace(difference("distance", sides, _DISTANCE), size=size, p=p),
        _shares("far", far[known], both.is_now[known], _FAR),
    ]
    return _measure("distance", figures, holm([one.p for one in figures]))


def of_bundle(run: RunArticles, bundle: Bundle) -> list[DriftMeasure]:
    """Compare a run's distances with its bundle's held-out articles: uniform, and 2% far."""
    found = [
        DriftMeasure(name, note=f"a bundle keeps no {name}; compare with a run to test them")
        for name in ("scores", "flags", "vocabulary", "outlets")
    ]
    known = ~np.isnan(run.distance)
    if bundle.domain is None or not known.any():
        return [*found, _NO_DOMAIN]
    distance, far, m = run.distance[known], run.far[known], max(len(bundle.domain.held_out), 1)
    figures = []
    for name, expected, now, least in (
        ("distance", Estimate(0.5), mean_of(distance), _DISTANCE_OF_BUNDLE),
        ("far", Share(1 - FAR), share_of(far), _FAR),
    ):
        change = Change(*(x - expected.value for x in (now.value, now.low, now.high)))
        size = max(change.value, 0.0)  # to lie nearer than held-out articles is no drift
        figures.append(DriftFigure(name, expected, now, change, size, least))
    uniform = stats.ks_2samp(distance, (np.arange(m) + 0.5) / m).pvalue
    ps = float(uniform), float(stats.binomtest(int(far.sum()), len(far), 1 - FAR).pvalue)
    return [*found, _measure("distance", figures, holm(ps))]


class Labelled(NamedTuple):
    """The labels of a signal and the scores of a run, each of shape (n,)."""

    proba: NDArray[np.float32]
    positive: Bools
    article: Rows


def read_labels(paths: Sequence[Path], run: RunArticles) -> dict[str, Labelled]:
    """Find the labels of a run's articles and sentences, by their texts, in labelled files."""
    found = defaultdict[str, dict[int, tuple[float, bool, int]]](dict)
    for signal, row, label, article in _labels(paths, run):
        if signal in run.scores and not math.isnan(score := float(run.scores[signal][row])):
            found[signal].setdefault(row, (score, label >= 0.5, article))
    if not found:
        reason = f"labels no sentence of {run.name}; give labels of articles in the run"
        raise InputError(paths[0], reason)
    return {
        signal: Labelled(*map(np.array, zip(*rows.values(), strict=True)))
        for signal, rows in found.items()
    }


def _labels(paths: Sequence[Path], run: RunArticles) -> Iterator[tuple[str, int, float, int]]:
    """Yield each label: signal, row of the run, label and article."""
    number = {digest: at for at, digest in enumerate(run.digest)}
    rows: dict[tuple[int, object], int] = {}
    for row, article in enumerate(run.article.tolist()):
        rows[article, tuple(run.place[row].tolist())] = rows[article, run.texts[row]] = row
    for _, one in read_labelled(paths):
        if (at := number.get(text_digest(one.text))) is None:
            continue
        yield from ((s, at, label, at) for s, label in one.labels.items() if is_of_articles(s))
        for unit in one.units or ():
            keys = (unit.start, unit.end), one.text[unit.start : unit.end]
            known = [rows[at, key] for key in keys if (at, key) in rows]
            for signal, label in unit.labels.items() if known else ():
                if not is_of_articles(signal):
                    yield signal, known[0], label, at


def calibration(labels: Mapping[str, Labelled], seed: int) -> DriftMeasure:
    """Compare labels with scores: sums of residuals by article over their error (Cox, 1958)."""
    figures, ps, few = list[DriftFigure](), list[float](), []
    for signal, one in labels.items():
        expected, n, positives = float(one.proba.sum()), len(one.proba), int(one.positive.sum())
        articles, article = np.unique(one.article, return_inverse=True)
        least = min(positives, n - positives, expected, n - expected)
        if least < _FEWEST_LABELS or len(articles) < _FEWEST_ARTICLES:
            few.append(signal)
            continue
        given = one.positive, Scores(one.proba, 0.5), one.article
        effect = estimate("debiased_error", *given, draws=_DRAWS, seed=seed)
        before, observed = (
            share_of(np.bincount(article, weights=values) / np.bincount(article))
            for values in (one.proba, one.positive)
        )
        shares = Share(before.value), observed
        figures.append(DriftFigure(signal, *shares, effect, effect.value, _ERROR, unit="error"))
        ps += _residual_ps(one.proba.astype(np.float64), one.positive, article)
    p = holm(ps)
    tested = _measure("calibration", figures, list(map(min, p[::2], p[1::2])))
    note = f"too few labels of {', '.join(few)}: it takes {_FEWEST_LABELS} of either answer in "
    return replace(tested, note=f"{note}{_FEWEST_ARTICLES} articles" if few else "")


def _residual_ps(proba: Floats, positive: Bools, article: NDArray[np.intp]) -> Iterator[float]:
    residual, variance, odds = positive - proba, proba * (1 - proba), log_odds(proba)
    for weight in (np.ones_like(odds), odds - np.average(odds, weights=variance.clip(1e-9))):
        sums = np.bincount(article, weights=residual * weight)
        m = len(sums)
        # At least the variance of independent sentences.
        spread = max(m / (m - 1) * float((sums**2).sum()), float((variance * weight**2).sum()))
        z = abs(float(sums.sum())) / math.sqrt(max(spread, 1e-12))
        yield 2 * float(stats.t.sf(z, m - 1))
