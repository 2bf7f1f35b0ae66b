"""A bundle calibrated again on a user's own labels: the weights stay, to the byte.

Calibration and thresholds are fitted anew; figures of the new ones are cross-fitted: each article
is judged by what was fitted without it. Other parts of the bundle that depend on chances move with
them, so that they decide as before.
"""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier import SHIPPED, __version__
from framescope.classifier.bundles import CARD, Bundle, digest, write
from framescope.classifier.errors import BundleError, FramescopeError
from framescope.classifier.models import DOMAIN, HEADS, Calibration, Heads
from framescope.classifier.taxonomy import in_order
from framescope.eval.metrics import Estimate, Section, resample_figures, single_figure, table
from framescope.eval.report import markdown_table
from framescope.eval.rows import Bools, Single
from framescope.training.calibration import (
    Achieved,
    Line,
    choose_thresholds,
    lacking,
    moved,
    once_an_article,
    refit_line,
    threshold_for,
)
from framescope.training.data import Examples
from numpy.typing import NDArray

_FOLDS = 10
_DRAWS = 2000
_OF_FLAGS, _OF_SCORES = ("precision", "recall", "f1"), ("debiased_error", "brier")
_SHOWN = {"precision": "precision", "recall": "recall", "f1": "F1",
          "debiased_error": "calibration error"}  # fmt: skip


class CalibrationError(FramescopeError):
    """A bundle that can't be calibrated on these labels, or to this target."""


@dataclass(frozen=True, slots=True)
class Target:
    """A precision or recall that a threshold should achieve, with a confidence."""

    figure: str
    value: float
    confidence: float


Record = Mapping[str, Any]
"""A recalibration, as the manifest of the new bundle holds it."""


def recalibration_section(record: Record) -> Section:
    """Return thresholds, figures before and after, and what stays as it is."""

    def for_what(wanted: Mapping[str, float] | None) -> str:
        if wanted is None:
            return "best expected F1"
        (figure, value), (_, confidence) = wanted.items()
        return f"{figure} {value:g}, sure to {confidence:.0%}"

    def estimate(ends: Sequence[float | None]) -> Estimate:
        return Estimate(*(math.nan if end is None else end for end in ends))

    fits = record["signals"]
    thresholds = (
        (
            signal, one["n"], one["articles"], one["positives"], *one["threshold"].values(),
            *(f"{slope:.3f}, {shift:+.3f}" for slope, shift in one["calibration"].values()),
            for_what(one["wanted"]),
        )
        for signal, one in fits.items()
    )  # fmt: skip
    figures = (
        (signal, label, *(estimate(one["figures"][of][name]) for of in ("before", "cross_fitted")))
        for signal, one in fits.items()
        for name, label in _SHOWN.items()
    )
    columns = ("signal", "labels", "articles", "yes", "threshold", "now", "line", "now", "for")
    tables = [
        table("Fitted again", columns, thresholds),
        table(
            "On these articles, each judged by what was fitted without it",
            ("signal", "figure", "before, 95% interval", "now, 95% interval"),
            figures,
        ),
    ]
    if record["kept"]:
        tables.append(table("Not fitted", ("signal", "why"), record["kept"].items()))
    note = (
        f"{record['articles']:,} articles, {record['sentences']:,} sentences. Intervals resample "
        f"articles; of {_FOLDS} parts of them, each is judged by the nine others. Weights stay as "
        "they are."
    )
    signature = f"{record['from']['name']} {record['from']['digest'][:12]}"
    return Section(note, tuple(tables), signature=signature)


# --- fitting --------------------------------------------------------------------------------------


def recalibrate(
    bundle: Bundle,
    rows: Examples,
    files: Sequence[Path],
    signals: Sequence[str] = (),
    targets: Mapping[str, Target] | None = None,
    seed: int = 0,
) -> Record:
    """Fit calibration and thresholds of a bundle again.

    Parameters
    ----------
    bundle : Bundle
    rows : Examples
        With the labels.
    files : sequence of pathlib.Path
        That the rows were read from.
    signals : sequence of str
        To fit; by default all that are labelled.
    targets : mapping of str to Target, optional
        By signal; the others get the threshold with the best expected F1.
    seed : int
        Of folds and resamples.

    Raises
    ------
    CalibrationError
        When no signal has enough labels, or one that is named hasn't, or no threshold achieves a
        target.
    SignalError
        When a signal is not in the taxonomy.
    """
    targets = targets or {}
    where = ", ".join(map(str, files))
    for signal in in_order([*signals, *targets]):
        if signal not in bundle.signals:
            raise CalibrationError(
                f"{bundle.path}: gives no '{signal}'; it gives {', '.join(bundle.signals)}"
            )
        if signal not in rows.signals:
            raise CalibrationError(f"{where}: labels no '{signal}'; label it, or leave it out")
    tried = in_order([*(signals or (s for s in bundle.signals if s in rows.signals)), *targets])
    if not tried:
        raise CalibrationError(f"{where}: labels no signal of {bundle.name}; label some of them")
    labels = np.stack([rows.column(signal) for signal in tried], axis=1)
    labels = once_an_article(labels, rows.article, tried)
    model: Any = bundle.model
    logits = model.logits(rows.sentences)
    fits, kept = {}, {}
    for column, signal in enumerate(tried):
        known = ~np.isnan(labels[:, column])
        task = _Task(
            signal, logits[known, bundle.signals.index(signal)], labels[known, column] >= 0.5,
            rows.article[known], targets.get(signal), seed,
        )  # fmt: skip
        why = lacking(task.positive, task.articles)
        if why is None:
            fits[signal] = _fitted(task, bundle, where)
        elif signal in targets:
            raise CalibrationError(f"{where}: too few labels of {signal}: {why}; label more")
        else:
            kept[signal] = why
    if not fits:
        signal, why = next(iter(kept.items()))
        more = f" and {len(kept) - 1} more" if len(kept) > 1 else ""
        raise CalibrationError(
            f"{where}: too few labels of every signal ({signal}: {why}{more}); label more"
        )
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


@dataclass(frozen=True)
class _Task:
    """The labels of one signal, shape (n,), and the logits of the model."""

    signal: str
    logits: Single
    positive: Bools
    articles: NDArray[np.str_]
    target: Target | None
    seed: int

    def where(self, chosen: Bools) -> _Task:
        return replace(
            self,
            logits=self.logits[chosen],
            positive=self.positive[chosen],
            articles=self.articles[chosen],
        )

    def chances(self, line: Line) -> Single:
        """Apply a line as serving does."""
        return Calibration.from_record({self.signal: line}).apply(self.logits[:, None])[:, 0]

    def fit(self, before: Line) -> tuple[Line, float, Achieved | None]:
        """Fit a line and a threshold; with a target also what the threshold achieves."""
        line = refit_line(self.logits, self.positive, self.articles, before)
        proba, target = self.chances(line), self.target
        if target is None:
            labels = self.positive.astype(np.float32)[:, None]
            names = (self.signal,)
            chosen = choose_thresholds(proba[:, None], labels, self.articles, names, self.seed)
            return line, chosen[self.signal], None
        achieved = threshold_for(
            proba, self.positive, self.articles, target.value, confidence=target.confidence,
            recall=target.figure == "recall",
        )  # fmt: skip
        return line, 1.0 if achieved is None else achieved.threshold, achieved

    def folds(self) -> NDArray[np.intp]:
        """Return each row's fold: whole articles, those with a positive spread evenly."""
        names, article = np.unique(self.articles, return_inverse=True)
        some = np.bincount(article, weights=self.positive, minlength=len(names)) > 0
        order = np.lexsort((np.random.default_rng(self.seed).random(len(names)), some))
        fold = np.empty(len(names), np.intp)
        fold[order] = np.arange(len(names)) % _FOLDS
        return fold[article]

    def figures(self, proba: Single, flags: Bools) -> dict[str, list[float | None]]:
        """Return figures with the ends of their intervals; each fold has its own threshold."""
        found = {}
        for given, names in (((flags.astype(np.float32), 0.5), _OF_FLAGS),
                             ((proba, 0.5), _OF_SCORES)):  # fmt: skip
            drawn = resample_figures(
                self.positive, given, None, self.articles, draws=_DRAWS, seed=self.seed,
                names=names,
            )  # fmt: skip
            for name in names:
                value, ends = single_figure(name, self.positive, *given), drawn.a[name]
                found[name] = [None if math.isnan(x) else round(x, 4)
                               for x in (value, max(ends.low, 0.0), ends.high)]  # fmt: skip
        return found


def _fitted(task: _Task, bundle: Bundle, where: str) -> Record:
    slope, shift = map(float, bundle.manifest["calibration"][task.signal])
    before, threshold = (slope, shift), bundle.thresholds[task.signal]
    line, limit, achieved = task.fit(before)
    if task.target is not None and (achieved is None or not achieved.enough):
        raise CalibrationError(_unreachable(task, task.target, achieved, where))
    proba, flags = np.zeros(len(task.logits), np.float32), np.zeros(len(task.logits), np.bool_)
    folds = task.folds()
    for fold in np.unique(folds):
        held_out = folds == fold
        own, least, _ = task.where(~held_out).fit(before)
        proba[held_out] = task.where(held_out).chances(own)
        flags[held_out] = proba[held_out] >= np.float32(least)
    was, target = task.chances(before), task.target
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
    asked = f"--{target.figure} {task.signal}={target.value:g}"
    counted = (
        f"{len(task.positive)} labels of {len(np.unique(task.articles))} articles in {where}, "
        f"{int(task.positive.sum())} of them yes"
    )
    if achieved is None:
        return f"{asked}: too few to tell ({counted}); label more"
    return (
        f"{asked}: no threshold achieves it, sure to {target.confidence:.0%}, on {counted}; the "
        f"most is {math.floor(1000 * achieved.low) / 1000:g} (as measured {achieved.value:.3f}), "
        f"from {achieved.threshold:.3f} on; ask for less, lower --confidence, or label more"
    )


# --- writing --------------------------------------------------------------------------------------


def check_output(bundle: Bundle, output: Path) -> None:
    """Raise a `BundleError` when the output is the bundle itself, or ships."""
    same = output.resolve() == bundle.path.resolve()
    if same or SHIPPED.resolve() in (output.resolve(), *output.resolve().parents):
        raise BundleError(f"{output}: is what is calibrated, or ships; choose another --output")


def write_recalibrated(bundle: Bundle, record: Record, output: Path) -> None:
    """Write a bundle with what was fitted again; raises a `BundleError` where it can't."""
    old, fits = bundle.manifest, record["signals"]
    lines: dict[str, tuple[Line, Line]] = {
        signal: (one["calibration"]["before"], one["calibration"]["after"])
        for signal, one in fits.items()
    }
    # The agreement of int8 with float32 was counted at the former thresholds.
    stale = ("format", "files", "int8_agreement")
    manifest = {key: value for key, value in old.items() if key not in stale}
    manifest |= {
        "name": f"{output.absolute().name}-{__version__}",
        "calibration": old["calibration"] | {s: after for s, (_, after) in lines.items()},
        "thresholds": old["thresholds"] | {s: one["threshold"]["after"] for s, one in fits.items()},
        "calibrated": [*old.get("calibrated", ()), record],
    }
    if "thresholds_elsewhere" in old:
        manifest["thresholds_elsewhere"] = {
            corpus: {s: _moved(value, lines.get(s)) for s, value in own.items()}
            for corpus, own in old["thresholds_elsewhere"].items()
        }
    card = _card((bundle.path / CARD).read_text("utf-8"), record, manifest)

    def save(folder: Path) -> None:
        for name in old["files"]:
            shutil.copyfile(bundle.path / name, folder / name)
        _move_domain(folder, bundle, lines)
        _keep_article_heads(folder, old["calibration"], lines)

    write(output, manifest, card, save)


def _moved(value: float, line: tuple[Line, Line] | None) -> float:
    if line is None:
        return value
    return float(f"{float(moved(np.array(value, np.float32), *line)):.6g}")


def _move_domain(folder: Path, bundle: Bundle, lines: Mapping[str, tuple[Line, Line]]) -> None:
    """Move the limits of sure answers far from the training data along with the chances."""
    domain = bundle.domain
    if domain is None or DOMAIN not in bundle.manifest["files"]:
        return
    yes, no = domain.yes.copy(), domain.no.copy()
    for signal, line in lines.items():
        at = bundle.signals.index(signal)
        yes[at], no[at] = moved(yes[at], *line), moved(no[at], *line)
    replace(domain, yes=yes, no=no).save(folder)


def _keep_article_heads(
    folder: Path, old: Mapping[str, Line], lines: Mapping[str, tuple[Line, Line]]
) -> None:
    """Let signals of articles that are read off sentences read the chances they were fitted on."""
    if not (folder / HEADS).is_file():
        return
    heads = Heads.load(folder)
    if heads.articles is None:
        return
    changed = {s: list(old[s]) for s in heads.articles["signals"] if s in lines}
    # An earlier entry is older: those are the chances the head was fitted on.
    fitted_on = changed | dict(heads.articles.get("fitted_on", {}))
    if fitted_on:
        replace(heads, articles={**heads.articles, "fitted_on": fitted_on}).save(folder)


def _card(text: str, record: Record, manifest: Mapping[str, Any]) -> str:
    """Put the new thresholds, and what they were fitted on, into a card."""
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
