"""A bundle calibrated again on a user's own few labels: the weights stay, to the byte.

A prior holds the line near the bundle's, which few labels hardly move. Other parts of the bundle
that depend on chances move with them, so that they decide as before.
"""

import math
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from framescope.classifier import SHIPPED, __version__
from framescope.classifier.batch.reading.views import share_interval
from framescope.classifier.bundles import CARD, Bundle, digest, write
from framescope.classifier.errors import BundleError, FramescopeError
from framescope.classifier.models import BEFORE, DOMAIN, HEADS, Calibration, Heads
from framescope.classifier.taxonomy import in_order
from framescope.eval.metrics import estimate
from framescope.eval.rows import Bools, Scores, Single
from framescope.eval.sections import Estimate, Section, markdown_table, plain, table
from framescope.training.calibration.decisions import choose_thresholds, once_an_article, refit_line
from framescope.training.calibration.languages import measured_still
from framescope.training.data import Examples
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.model_selection import StratifiedGroupKFold

Line = tuple[float, float]
Record = Mapping[str, Any]  # a recalibration, as the manifest of the new bundle holds it

# Labels of either answer, and their articles, from which a signal is fitted again.
_FEWEST, _FEWEST_ARTICLES = 20, 10
_FEWEST_FLAGGED = 5  # articles with a flag, below which nothing is said of how many are right
_FOLDS = 10
_DRAWS = 2000
_OF_FLAGS, _OF_SCORES = ("precision", "recall", "f1"), ("debiased_error", "brier")
_SHOWN = {"precision": "precision", "recall": "recall", "f1": "F1",
          "debiased_error": "calibration error"}  # fmt: skip


class Target(NamedTuple):
    """A precision or recall that a threshold should achieve, with a confidence."""

    figure: str
    value: float
    confidence: float


class Achieved(NamedTuple):
    """A threshold, its precision or recall, and whether the lower end of that is enough."""

    threshold: float
    value: float
    low: float
    enough: bool


def recalibration_section(record: Record) -> Section:
    """Return thresholds, figures before and after, and what stays as it is."""

    def for_what(wanted: Mapping[str, float] | None) -> str:
        if wanted is None:
            return "best expected F1"
        (figure, value), (_, confidence) = wanted.items()
        return f"{figure} {value:g}, sure to {confidence:.0%}"

    fits, bundle = record["signals"], record["from"]
    thresholds = (
        (
            signal, one["n"], one["articles"], one["positives"], *one["threshold"].values(),
            *(f"{slope:.3f}, {shift:+.3f}" for slope, shift in one["calibration"].values()),
            for_what(one["wanted"]),
        )
        for signal, one in fits.items()
    )  # fmt: skip
    figures = (
        (signal, label, *(Estimate(*np.array(own[name], float)) for own in one["figures"].values()))
        for signal, one in fits.items()
        for name, label in _SHOWN.items()
    )
    columns = ("signal", "labels", "articles", "yes", "threshold", "now", "line", "now", "for")
    sides = ("signal", "figure", "before, 95% interval", "now, 95% interval")
    tables = [
        table("Fitted again", columns, thresholds),
        table("On these articles, each judged by what was fitted without it", sides, figures),
    ]
    if record["kept"]:
        tables.append(table("Not fitted", ("signal", "why"), record["kept"].items()))
    note = (
        f"{record['articles']:,} articles, {record['sentences']:,} sentences. Intervals resample "
        f"articles; of {_FOLDS} parts of them, each is judged by the nine others. Weights stay as "
        "they are."
    )
    return Section(note, tuple(tables), signature=f"{bundle['name']} {bundle['digest'][:12]}")


def _lacking(positive: Bools, articles: NDArray[np.str_]) -> str | None:
    """Return why the labels of a signal are too few; None if they aren't."""
    for answer, wanted in (("yes", positive), ("no", ~positive)):
        n, of = int(wanted.sum()), len(np.unique(articles[wanted]))
        if n < _FEWEST or of < _FEWEST_ARTICLES:
            counted = f"{n} labelled {answer} in {of} article{'s' * (of != 1)}"
            return f"{counted}; it takes {_FEWEST} in {_FEWEST_ARTICLES}"
    return None


def moved(chances: Single, before: Line, after: Line) -> Single:
    """Return the chances under a new line that decide as some did under the old one."""
    odds = logit(np.clip(chances.astype(np.float64), 1e-12, 1 - 1e-12))
    found = expit(after[0] * (odds - before[1]) / before[0] + after[1])
    return np.where((chances <= 0) | (chances >= 1), chances, found).astype(np.float32)


def threshold_for(
    proba: Single, positive: Bools, articles: NDArray[np.str_], target: Target
) -> Achieved | None:
    """Return the lowest threshold that achieves a precision, or the highest of a recall.

    It is achieved where the lower end of its one-sided interval reaches the target. Where none is
    enough, return the one with the best lower end; None where too few articles have a flag.
    """
    steps, recall = np.unique(proba), target.figure == "recall"
    if recall:  # every positive counts, flagged or not: a missed one is a wrong one
        proba, articles, positive = proba[positive], articles[positive], positive[positive]
    names, article = np.unique(articles, return_inverse=True)
    lows, values = np.full((2, len(steps)), math.nan)
    for step, limit in enumerate(steps):
        flagged = proba >= limit
        rows, right = (
            np.bincount(article[chosen], minlength=len(names)).astype(float)
            for chosen in (flagged | recall, flagged & positive)
        )
        if (n := int(np.count_nonzero(rows))) >= _FEWEST_FLAGGED:
            sums = right.sum(), rows.sum(), n, right @ right, right @ rows, rows @ rows
            ends = share_interval(*sums, target.confidence)
            values[step], lows[step] = right.sum() / rows.sum(), ends[0] if ends else math.nan
    if np.isnan(lows).all():
        return None
    best = int(np.nanargmax(lows))
    reached = np.flatnonzero(lows >= target.value)
    if enough := bool(len(reached)):
        best = int(reached[-1 if recall else 0])
    below = steps[max(best - 1, 0)]
    # Halfway to the next lower score, so that rounding at serving time changes no decision.
    threshold = float(f"{(float(steps[best]) + float(below)) / 2:.6g}")
    return Achieved(threshold, float(values[best]), float(lows[best]), enough)


def recalibrate(
    bundle: Bundle,
    rows: Examples,
    files: Sequence[Path],
    signals: Sequence[str],
    targets: Mapping[str, Target],
    seed: int,
) -> Record:
    """Fit calibration and thresholds again, of the signals that are labelled or given."""
    where = ", ".join(map(str, files))
    for signal in in_order([*signals, *targets]):
        if signal not in bundle.signals:
            reason = f"gives no '{signal}'; it gives {', '.join(bundle.signals)}"
            raise FramescopeError(f"{bundle.path}: {reason}")
        if signal not in rows.signals:
            raise FramescopeError(f"{where}: labels no '{signal}'; label it, or leave it out")
    tried = in_order([*(signals or (s for s in bundle.signals if s in rows.signals)), *targets])
    if not tried:
        raise FramescopeError(f"{where}: labels no signal of {bundle.name}; label some of them")
    labels = np.stack([rows.column(signal) for signal in tried], axis=1)
    labels = once_an_article(labels, rows.article, tried)
    model: Any = bundle.model
    logits = model.predict(rows.sentences).logits
    fits, kept = {}, {}
    for signal, of_rows in zip(tried, labels.T, strict=True):
        known = ~np.isnan(of_rows)
        of_signal, yes = logits[known, bundle.signals.index(signal)], of_rows[known] >= 0.5
        task = _Task(signal, of_signal, yes, rows.article[known], targets.get(signal), seed)
        why = _lacking(task.positive, task.articles)
        if why is None:
            fits[signal] = _fitted(task, bundle, where)
        elif signal in targets:
            raise FramescopeError(f"{where}: too few labels of {signal}: {why}; label more")
        else:
            kept[signal] = why
    if not fits:
        signal, why = next(iter(kept.items()))
        why += f" and {len(kept) - 1} more" if len(kept) > 1 else ""
        reason = f"too few labels of every signal ({signal}: {why}); label more"
        raise FramescopeError(f"{where}: {reason}")
    unique = len({path.name for path in files}) == len(files)
    return {
        "code_version": __version__,
        "from": {"name": bundle.name, "digest": bundle.digest},
        "data": [
            {"file": path.name if unique else str(path), "sha256": digest(path)} for path in files
        ],
        "articles": len(np.unique(rows.article)),
        "sentences": len(rows),
        "folds": _FOLDS,
        "signals": fits,
        "kept": kept,
    }


class _Task(NamedTuple):
    """The labels of one signal and the model's logits, shape (n,)."""

    signal: str
    logits: Single
    positive: Bools
    articles: NDArray[np.str_]
    target: Target | None
    seed: int

    def where(self, chosen: NDArray[np.intp]) -> Self:
        rows = {name: getattr(self, name)[chosen] for name in ("logits", "positive", "articles")}
        return self._replace(**rows)

    def chances(self, line: Line) -> Single:
        return Calibration.from_record({self.signal: line}).apply(self.logits[:, None])[:, 0]

    def fit(self, before: Line) -> tuple[Line, float, Achieved | None]:
        """Fit a line and a threshold; with a target also what the threshold achieves."""
        line = refit_line(self.logits, self.positive, self.articles, before)
        proba = self.chances(line)
        if self.target is None:
            given = proba[:, None], self.positive.astype(np.float32)[:, None], self.articles
            return line, choose_thresholds(*given, (self.signal,), self.seed)[self.signal], None
        achieved = threshold_for(proba, self.positive, self.articles, self.target)
        return line, 1.0 if achieved is None else achieved.threshold, achieved

    def figures(self, proba: Single, flags: Bools) -> dict[str, list[float | None]]:
        """Return figures with the ends of their intervals; each fold has its own threshold."""
        found = {}
        for values, names in ((flags.astype(np.float32), _OF_FLAGS), (proba, _OF_SCORES)):
            given = self.positive, Scores(values, 0.5), self.articles
            for name in names:
                one = estimate(name, *given, draws=_DRAWS, seed=self.seed)
                found[name] = plain([round(x, 4) for x in (one.value, one.low, one.high)])
        return found


def _fitted(task: _Task, bundle: Bundle, where: str) -> Record:
    slope, shift = map(float, bundle.manifest["calibration"][task.signal])
    before, threshold, target = (slope, shift), bundle.thresholds[task.signal], task.target
    line, limit, achieved = task.fit(before)
    if target is not None and (achieved is None or not achieved.enough):
        raise FramescopeError(_unreachable(task, target, achieved, where))
    proba, flags = np.zeros(len(task.logits), np.float32), np.zeros(len(task.logits), np.bool_)
    split = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=task.seed)
    for others, held_out in split.split(task.logits, task.positive, task.articles):
        own, least, _ = task.where(others).fit(before)
        proba[held_out] = task.where(held_out).chances(own)
        flags[held_out] = proba[held_out] >= np.float32(least)
    was = task.chances(before)
    return {
        "n": len(task.logits),
        "articles": len(np.unique(task.articles)),
        "positives": int(task.positive.sum()),
        "calibration": {"before": list(before), "after": list(line)},
        "threshold": {"before": threshold, "after": limit},
        "wanted": target and {target.figure: target.value, "confidence": target.confidence},
        "figures": {
            "before": task.figures(was, was >= np.float32(threshold)),
            "cross_fitted": task.figures(proba, flags),
        },
    }


def _unreachable(task: _Task, target: Target, achieved: Achieved | None, where: str) -> str:
    asked, n = f"--{target.figure} {task.signal}={target.value:g}", len(task.positive)
    counted = f"{n} labels of {len(np.unique(task.articles))} articles in {where}, "
    counted += f"{int(task.positive.sum())} of them yes"
    if achieved is None:
        return f"{asked}: too few to tell ({counted}); label more"
    return (
        f"{asked}: no threshold achieves it, sure to {target.confidence:.0%}, on {counted}; the "
        f"most is {math.floor(1000 * achieved.low) / 1000:g} (as measured {achieved.value:.3f}), "
        f"from {achieved.threshold:.3f} on; ask for less, lower --confidence, or label more"
    )


def check_output(bundle: Bundle, output: Path) -> None:
    """Raise a `BundleError` when the output is the bundle itself, or ships."""
    place = output.resolve()
    if place == bundle.path.resolve() or place.is_relative_to(SHIPPED.resolve()):
        raise BundleError(f"{output}: is what is calibrated, or ships; choose another --output")


def write_recalibrated(
    bundle: Bundle, record: Record, output: Path, articles: frozenset[int] = frozenset()
) -> None:
    """Write a bundle with what was fitted again, on `articles` (their digests)."""
    old, fits = bundle.manifest, record["signals"]
    lines: dict[str, Any] = {s: tuple(one["calibration"].values()) for s, one in fits.items()}
    # The agreement of int8 with float32 was counted at the former thresholds.
    stale = ("format", "files", "int8_agreement")
    manifest = {key: value for key, value in old.items() if key not in stale}
    manifest |= {
        "name": f"{output.absolute().name}-{__version__}",
        "calibration": old["calibration"] | {s: after for s, (_, after) in lines.items()},
        "thresholds": old["thresholds"] | {s: one["threshold"]["after"] for s, one in fits.items()},
        "experimental": [one for one in old.get("experimental", ()) if one not in fits],
        "calibrated": [*old.get("calibrated", ()), record],
        **measured_still(old, fits),
    }
    if "thresholds_elsewhere" in old:
        manifest["thresholds_elsewhere"] = elsewhere = dict[str, dict[str, float]]()
        for corpus, own in old["thresholds_elsewhere"].items():
            ends = {s: moved(np.array(own[s], np.float32), *lines[s]) for s in own if s in lines}
            elsewhere[corpus] = own | {s: float(f"{float(end):.6g}") for s, end in ends.items()}
    card = _card((bundle.path / CARD).read_text("utf-8"), record, manifest)

    def save(folder: Path) -> None:
        for name in old["files"]:
            shutil.copyfile(bundle.path / name, folder / name)
        if bundle.domain is not None and DOMAIN in old["files"]:
            # The limits of sure answers far from the training data move along with the chances.
            yes, no = bundle.domain.yes.copy(), bundle.domain.no.copy()
            for signal, line in lines.items():
                at = bundle.signals.index(signal)
                yes[at], no[at] = moved(yes[at], *line), moved(no[at], *line)
            replace(bundle.domain, yes=yes, no=no).save(folder)
        heads = Heads.load(folder) if HEADS in old["files"] else None
        if heads is not None and heads.articles is not None:
            # Signals of articles that are read off sentences read the chances they were fitted on;
            # an earlier entry is older, so it holds those.
            before = old.get(BEFORE, old)["calibration"]
            read = {s: list(before[s]) for s in heads.articles["signals"] if s in lines}
            if fitted_on := read | dict(heads.articles.get("fitted_on", {})):
                replace(heads, articles={**heads.articles, "fitted_on": fitted_on}).save(folder)

    write(output, manifest, card, save, bundle.seen | articles)


def _card(text: str, record: Record, manifest: Mapping[str, Any]) -> str:
    fits, old = record["signals"], record["from"]
    for signal, one in fits.items():
        row = re.compile(rf"^(\| `{signal}` \|.*\| )[\d.]+( \|)$", re.MULTILINE)
        text = row.sub(rf"\g<1>{one['threshold']['after']:.3f}\g<2>", text)
    text = text.replace(f"# {old['name']}\n", f"# {manifest['name']}\n", 1)
    files = "\n".join(f"- `{one['file']}`, SHA-256 `{one['sha256']}`" for one in record["data"])
    tables = "\n\n".join(
        f"{one.caption}:\n\n{markdown_table(one)}" for one in recalibration_section(record).tables
    )
    number = len(manifest["calibrated"])
    return (
        f"{text.rstrip()}\n\n## Calibrated again{f', {number}' if number > 1 else ''}\n\n"
        f"Calibration and thresholds of {len(fits)} signal{'s' * (len(fits) != 1)} were fitted "
        f"again on {record['articles']:,} articles, {record['sentences']:,} sentences, from "
        f"{old['name']} (`{old['digest'][:16]}`):\n\n{files}\n\n{tables}\n"
    )
