"""Heads: logistic regressions that a user's labels add to a bundle, in seconds.

A head reads what the bundle's model gives of a sentence: its log-odds of all signals, the mean
vector of its tokens, and n-grams of words. For a signal that the bundle knows it corrects the
bundle's log-odds, which are not penalised themselves: labels that teach nothing leave the ranking
as it was. Blocks and penalties are weighed by grouped cross-validation over articles; calibration
and threshold are fitted on the log-odds of the articles left out there.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from framescope.classifier import __version__, bundles, models
from framescope.classifier.errors import TrainingError
from framescope.classifier.models import Calibration
from framescope.classifier.outlets import load_registry
from framescope.classifier.runtime import ENCODER
from framescope.classifier.taxonomy import BY_NAME, Level, in_order
from framescope.training import DEFAULT_SEED
from framescope.training.baseline import CountedRows, Fold
from framescope.training.calibration import answer_limits, fit_decision, once_an_article
from framescope.training.corpora import ADDED, find_corpus
from framescope.training.data import (
    TEST,
    TRAIN,
    UNSEEN,
    VALIDATION,
    Added,
    Data,
    Examples,
    build_examples,
)
from framescope.training.runs.training import model_card
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit
from sklearn.metrics import average_precision_score, f1_score
from sklearn.model_selection import StratifiedGroupKFold

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry

Single = NDArray[np.float32]
Double = NDArray[np.float64]
Bools = NDArray[np.bool_]
Tell = Callable[[str], None]
Mix = tuple[int, int, int]

FEWEST = 20
"""Labels of either answer from which a head is fitted."""
_FOLDS = 5
_BLOCKS = ("log-odds", "vectors", "n-grams")
# Which blocks take part, and how strongly their weights are penalised. The strongest comes first:
# each solution is where the search for the next begins.
MIXES: tuple[Mix, ...] = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0), (1, 0, 1), (1, 1, 1))
PENALTIES = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03)
_TEMPER = 3.0  # of left-out cross-entropy, by which a mix counts e times as much
_OF_SLOPE = 4.0  # the bundle's own log-odds keep a weight near 1
_TOGETHER = 400  # sentences that are read in one call, more or less
_LEAST, _MOST_NGRAMS = 2, 20_000  # sentences of an n-gram, and n-grams


@dataclass(frozen=True, eq=False)
class _Block:
    """Features, scaled so that a row's squared length is about 1: (x - mean) * factor."""

    values: Any
    mean: Double
    factor: Double

    @classmethod
    def of(cls, features: NDArray[Any]) -> _Block:
        mean, spread = features.mean(axis=0), features.std(axis=0)
        width = max(features.shape[1], 1) ** 0.5
        factor = np.where(spread > 1e-6, 1 / np.maximum(spread, 1e-6), 0) / width
        return cls((features - mean) * factor, mean, factor)


@dataclass(frozen=True, eq=False)
class _Task:
    """The rows that label a signal; articles, where it is one of articles."""

    blocks: tuple[Any, ...]  # features, sparse or dense
    offset: Double  # the bundle's own log-odds; 0 for a signal that it doesn't know
    targets: Double
    groups: NDArray[np.str_]
    rows: NDArray[np.intp]  # where they are among all

    def where(self, rows: NDArray[np.intp]) -> _Task:
        blocks = tuple(block[rows] for block in self.blocks)
        others = (self.offset, self.targets, self.groups, self.rows)
        return _Task(blocks, *(one[rows] for one in others))

    def scores(self, mix: Mix, line: Double) -> Double:
        """Return the log-odds of rows: weights of the mix's blocks, intercept, slope of offset."""
        found, at = line[-2] + line[-1] * self.offset, 0
        for block in (b for b, used in zip(self.blocks, mix, strict=True) if used):
            found = found + block @ line[at : at + block.shape[1]]
            at += block.shape[1]
        return found

    def loss(self, log_odds: Double) -> float:
        """Return the cross-entropy of all rows."""
        y = self.targets
        return -float((y * log_expit(log_odds) + (1 - y) * log_expit(-log_odds)).sum())

    def solve(self, mix: Mix, penalty: float, start: Double) -> Double:
        """Minimise the penalised cross-entropy."""
        blocks = [block for block, used in zip(self.blocks, mix, strict=True) if used]

        def loss(line: Double) -> tuple[float, Double]:
            z, weights = self.scores(mix, line), line[:-2]
            error = expit(z) - self.targets
            gradient = np.concatenate([block.T @ error for block in blocks] or [np.zeros(0)])
            slope = line[-1] - 1
            value = self.loss(z) + penalty / 2 * (weights @ weights) + _OF_SLOPE / 2 * slope**2
            of_slope = error @ self.offset + _OF_SLOPE * slope
            return value, np.r_[gradient + penalty * weights, error.sum(), of_slope]

        options = {"maxiter": 100, "gtol": 1e-3 * len(self.targets) ** 0.5}
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
        solution: Double = found.x
        return solution


class _Trial(NamedTuple):
    """What a mix gives with a penalty: cross-entropy and log-odds of what was left out."""

    loss: float
    penalty: float
    log_odds: Double
    line: Double  # mean solution


@dataclass(frozen=True, eq=False)
class Head:
    """A fitted head: weights of the features as they are, and what it was fitted on.

    `log_odds` are those of the labelled `rows`, each by weights fitted without its article.
    """

    signal: str
    weights: tuple[Double, ...]  # of the model's log-odds, of vectors and of n-grams
    intercept: float
    rows: NDArray[np.intp]
    log_odds: Double
    record: Mapping[str, Any]


@dataclass(eq=False)
class HeadTrainer:
    """Fits a head for each signal of labelled rows, beside a model."""

    model: models.Model
    rows: Examples
    registry: Registry | None = None  # whose names the model reads as placeholders
    seed: int = DEFAULT_SEED
    tell: Tell = lambda line: None

    @cached_property
    def read(self) -> tuple[Double, Double]:
        """What the model gives of each row: log-odds, and a vector that may be empty."""
        logits, means = [], []
        starts = np.flatnonzero(np.r_[True, self.rows.article[1:] != self.rows.article[:-1]])
        begun = starts[np.r_[True, np.diff(starts // _TOGETHER) > 0]]
        for start, end in pairwise([*begun.tolist(), len(self.rows)]):
            found = self.model.predict(self.rows.sentences[start:end])
            logits.append(found.logits)
            means.append(np.zeros((end - start, 0)) if found.means is None else found.means)
        return np.concatenate(logits).astype(float), np.concatenate(means).astype(float)

    @cached_property
    def counted(self) -> CountedRows:
        """The n-grams of each row."""
        texts = models.BothForms.of(models.Reader(self.registry), self.rows.sentences)
        typed = [texts.texts[row] for row in texts.rows[models.TextForm.TYPED]]
        try:
            block = models.Ngrams.learn(typed, "word", 1, 2, _LEAST, _MOST_NGRAMS)
        except ValueError as error:
            raise TrainingError(f"too little text to learn from ({error})") from None
        counts = models.count((block,), texts.texts)
        return CountedRows(self.rows, (block,), counts, texts.rows)

    def fit(self, signals: Sequence[str]) -> models.LinearHeads:
        """Fit heads; `heads` are what they were fitted on."""
        self.heads = [self._fit(signal) for signal in signals]
        weights, intercepts = zip(*((h.weights, h.intercept) for h in self.heads), strict=True)
        of_logits, of_means, of_ngrams = (np.array(one) for one in zip(*weights, strict=True))
        ngrams = models.TfidfModel(
            tuple(signals), self.counted.blocks, of_ngrams, np.array(intercepts),
            models.Calibration.identity(signals), models.Reader(self.registry),
        )  # fmt: skip
        return models.LinearHeads(ngrams, of_logits.astype(np.float32), of_means.astype(np.float32))

    def _fit(self, signal: str) -> Head:
        task, blocks = self._task(signal)
        offset = self.model.signals.index(signal) if signal in self.model.signals else None
        folds = [(task.where(learned), held) for learned, held in self._folds(task)]
        tried: dict[Mix, _Trial] = {}
        for mix in MIXES if offset is not None else MIXES[1:]:
            size = sum(x.shape[1] for x, used in zip(task.blocks, mix, strict=True) if used)
            lines = [np.r_[np.zeros(size + 1), 1.0]] * len(folds)
            for penalty in PENALTIES if any(mix) else PENALTIES[:1]:
                log_odds = np.zeros(len(task.targets))
                for number, (part, held) in enumerate(folds):
                    lines[number] = part.solve(mix, penalty, lines[number])
                    log_odds[held] = task.scores(mix, lines[number])[held]
                trial = _Trial(task.loss(log_odds), penalty, log_odds, np.mean(lines, axis=0))
                if mix in tried and trial.loss >= tried[mix].loss:
                    break
                tried[mix] = trial
        least = min(trial.loss for trial in tried.values())
        shares = {m: float(np.exp((least - one.loss) / _TEMPER)) for m, one in tried.items()}
        total = sum(shares.values())
        weights = [np.zeros(block.shape[1]) for block in task.blocks]
        intercept, slope, log_odds = 0.0, 0.0, np.zeros(len(task.targets))
        for mix, trial in tried.items():
            line = task.solve(mix, trial.penalty, trial.line)
            share, at = shares[mix] / total, 0
            for number in np.flatnonzero(mix).tolist():
                own = line[at : at + len(weights[number])]
                weights[number] += share * own
                at += len(own)
            intercept, slope = intercept + share * line[-2], slope + share * line[-1]
            log_odds += share * trial.log_odds
        for number, block in enumerate(blocks):  # of the features as they are
            weights[number] = weights[number] * block.factor
            intercept -= float(weights[number] @ block.mean)
        if offset is not None:
            weights[0][offset] += slope
        record = {
            "sentences": len(task.targets),
            "positives": int((task.targets >= 0.5).sum()),
            "articles": len(np.unique(task.groups)),
            "settings": [
                {"blocks": [b for b, used in zip(_BLOCKS, mix, strict=True) if used],
                 "penalty": one.penalty, "share": round(shares[mix] / total, 3)}
                for mix, one in tried.items()
            ],
        }  # fmt: skip
        return Head(signal, tuple(weights), float(intercept), task.rows, log_odds, record)

    def _task(self, signal: str) -> tuple[_Task, list[_Block]]:
        """Return the rows of a signal, with scaled features, and how these were scaled."""
        rows = np.flatnonzero(~np.isnan(self.rows.column(signal)))
        counted = self.counted.task(signal)
        logits, means = (features[rows] for features in self.read)
        if BY_NAME[signal].level is Level.ARTICLE:
            names = self.rows.article[rows]
            _, first, article = np.unique(names, return_index=True, return_inverse=True)
            share = np.eye(len(first))[article].T / np.bincount(article)[:, None]
            logits, means, rows = share @ logits, share @ means, rows[first]
        known = signal in self.model.signals
        offset = logits[:, self.model.signals.index(signal)] if known else np.zeros(len(rows))
        ngrams = counted.parts[0].astype(float)
        width = ngrams.shape[1]
        blocks = [
            _Block.of(logits),
            _Block.of(means),
            _Block(ngrams, np.zeros(width), np.ones(width)),
        ]
        scaled = tuple(block.values for block in blocks)
        return _Task(scaled, offset, counted.targets, counted.groups, rows), blocks

    def _folds(self, task: _Task) -> list[Fold]:
        positive = task.targets >= 0.5
        count = min(
            _FOLDS, len(np.unique(task.groups)), int(min(positive.sum(), (~positive).sum()))
        )
        if count < 2:
            raise TrainingError("labels of one article can't be divided; label several articles")
        split = StratifiedGroupKFold(count, shuffle=True, random_state=self.seed)
        return list(split.split(positive, positive, task.groups))


def lacking(rows: Examples, signal: str) -> str | None:
    """Return why the labels of a signal are too few for a head; None if they aren't."""
    labels = once_an_article(rows.column(signal)[:, None], rows.article, (signal,))
    known = labels[~np.isnan(labels)]
    for answer, count in (("1", (known >= 0.5).sum()), ("0", (known < 0.5).sum())):
        if count < FEWEST:
            return f"{count} labelled {answer}, of {FEWEST} that a head takes"
    return None


def add_heads(
    model: str,
    files: Sequence[Path],
    output: Path,
    signals: Sequence[str] = (),
    *,
    seed: int = DEFAULT_SEED,
    tell: Tell = lambda line: None,
) -> None:
    """Write a bundle with heads for the signals that files label, on one that there is.

    Raise `TrainingError` where no signal has enough labels.
    """
    bundles.check_writable(output)
    added = Added.read(files)
    bundle = bundles.load(model)
    registry = load_registry()
    rows = build_examples(None, [], registry=registry, added=added.grouped()).labelled()
    wanted = []
    for signal in in_order(signals or rows.signals):
        if why := lacking(rows, signal):
            tell(f"{signal}: left out: {why}")
        else:
            wanted.append(signal)
    if not wanted:
        raise TrainingError(f"{files[0]}: too few labels of every signal; label more sentences")
    tell(f"reading {len(rows):,} sentences of {len(np.unique(rows.article)):,} articles")
    with beside(bundle, rows, registry, seed, tell) as (folder, trainer):
        heads = trainer.fit(wanted)
        heads.save(folder, models.rounds_of_heads(bundle.manifest["files"]) + 1)
        manifest = _manifest(bundle, trainer, added, output)
        if bundle.domain is not None:
            _widened(bundle, trainer, manifest).save(folder)
        save = partial(shutil.copytree, folder, dirs_exist_ok=True)
        seen = bundle.seen | {bundles.text_digest(article.text) for article in added.articles}
        bundles.write(output, manifest, model_card(manifest), save, seen)


@contextmanager
def beside(
    bundle: bundles.Bundle, rows: Examples, registry: Registry, seed: int, tell: Tell
) -> Iterator[tuple[Path, HeadTrainer]]:
    """Yield a copy of a bundle's files whose model shows its vectors, and a trainer beside it."""
    manifest = bundle.manifest
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in manifest["files"]:
            shutil.copyfile(bundle.path / name, folder / name)
        if ENCODER in manifest["files"] and not models.rounds_of_heads(manifest["files"]):
            show_tokens(folder / ENCODER)
        model = bundles.load_model(folder, manifest, registry)
        names = registry if manifest.get("placeholders") else None
        yield folder, HeadTrainer(model, rows, names, seed, tell)


def compare_with_heads(start: Path, tuned: Path, data: Data, tell: Tell) -> None:
    """Say which ranks articles kept back better: a fine-tuned bundle, or heads on its start."""
    added = data.examples.where(data.examples.corpus == ADDED)
    held = added.where(np.isin(added.part, (TEST, UNSEEN)))
    learned = added.where(np.isin(added.part, (TRAIN, VALIDATION)))
    if not len(held) or not len(learned):
        return
    registry = load_registry()
    wanted = [signal for signal in learned.labelled().signals if not lacking(learned, signal)]
    of_tuned = bundles.load(tuned, registry).model
    with beside(bundles.load(start, registry), learned, registry, DEFAULT_SEED, tell) as (_, fit):
        of_heads = models.HeadedModel(fit.model, fit.fit(wanted), None) if wanted else fit.model
        logits = [(one, one.predict(held.sentences).logits) for one in (of_heads, of_tuned)]
    for signal in wanted:
        labels = held.column(signal)
        known, positive = ~np.isnan(labels), labels >= 0.5
        if positive.any() and (known & ~positive).any():
            head, tuned_ = (
                float(
                    average_precision_score(positive[known], of[known, one.signals.index(signal)])
                )
                for one, of in logits
            )
            better = "a head" if head > tuned_ else "fine-tuning"
            tell(
                f"{signal}: {better} ranks better: average precision {tuned_:.3f} fine-tuned, "
                f"{head:.3f} with a head ({int(positive.sum())} of {int(known.sum())} kept back)"
            )


def _manifest(
    bundle: bundles.Bundle, trainer: HeadTrainer, added: Added, output: Path
) -> dict[str, Any]:
    """Decide on the signals of the heads, and say what was learned."""
    old, rows = dict(bundle.manifest), trainer.rows
    kept = ("signals", "calibration", "thresholds", "thresholds_elsewhere", "experimental")
    before = old.get(models.BEFORE) or {key: old[key] for key in kept if key in old}
    lines, limits = dict(old["calibration"]), dict(old["thresholds"])
    unsure, records = set(old.get("experimental", ())), {}
    for head in trainer.heads:
        signal, positive = head.signal, rows.column(head.signal)[head.rows] >= 0.5
        log_odds = head.log_odds.astype(np.float32)
        found = fit_decision(signal, log_odds, positive, rows.article[head.rows], trainer.seed)
        calibration, limit, keeps = found
        figures = {"now": _figures(calibration, limit, log_odds, positive)}
        if signal in lines:
            was = Calibration.from_record({signal: lines[signal]})
            own = trainer.read[0][head.rows, bundle.signals.index(signal)].astype(np.float32)
            figures["before"] = _figures(was, limits[signal], own, positive)
        unsure -= {signal} if keeps else set()
        lines |= calibration.to_record()
        limits[signal] = limit
        records[signal] = {**head.record, "left_out": figures}
        trainer.tell(_line(signal, records[signal]))
    signals = in_order(lines)
    card = find_corpus(ADDED).card
    described = {"name": card.name, "title": card.title, "licence": card.licence}
    return old | {
        "name": f"{output.absolute().name}-{__version__}",
        "signals": list(signals),
        "calibration": {signal: lines[signal] for signal in signals},
        "thresholds": {signal: limits[signal] for signal in signals},
        "experimental": [signal for signal in signals if signal in unsure],
        models.BEFORE: before,
        "corpora": [*old["corpora"], {**described, "digest": added.digest, "rows": len(rows)}],
        "heads": [*old.get("heads", ()), {"on": bundle.digest, "signals": records}],
        "code_version": __version__,
    }


def _figures(
    calibration: Calibration, limit: float, log_odds: Single, positive: Bools
) -> dict[str, float]:
    flags = calibration.apply(log_odds[:, None])[:, 0] >= np.float32(limit)
    ranked = float(average_precision_score(positive, log_odds))
    return {"average_precision": round(ranked, 4), "f1": round(float(f1_score(positive, flags)), 4)}


def _line(signal: str, record: Mapping[str, Any]) -> str:
    """Say what a head gained on articles left out."""
    now, before = record["left_out"]["now"], record["left_out"].get("before")
    moved = [
        f"{label} {f'{before[name]:.3f} -> ' if before else ''}{now[name]:.3f}"
        for name, label in (("average_precision", "average precision"), ("f1", "F1"))
    ]
    counted = f"{record['positives']:,} of {record['sentences']:,}"
    return f"{signal}, {counted}: on articles left out {', '.join(moved)}"


def _widened(
    bundle: bundles.Bundle, trainer: HeadTrainer, manifest: Mapping[str, Any]
) -> models.TrainingDomain:
    """Return the domain with a column for each signal, and limits of the heads' answers."""
    assert bundle.domain is not None
    sides = []
    for side in (bundle.domain.yes, bundle.domain.no):
        known = dict(zip(bundle.signals, side.tolist(), strict=True))
        sides.append(np.array([known.get(s, np.nan) for s in manifest["signals"]], np.float32))
    for head in trainer.heads:
        line = Calibration.from_record({head.signal: manifest["calibration"][head.signal]})
        proba = line.apply(head.log_odds.astype(np.float32)[:, None])
        labels = trainer.rows.column(head.signal)[head.rows][:, None]
        at = manifest["signals"].index(head.signal)
        for side, limit in zip(sides, answer_limits(labels, proba), strict=True):
            side[at] = limit[0]
    return replace(bundle.domain, yes=sides[0], no=sides[1])


def show_tokens(path: Path) -> None:
    """Give a graph one more output: the vectors of tokens, of which `VECTOR` is the mean.

    Nothing else of it changes: messages of Protocol Buffers are merged where one follows another.
    """
    import openvino

    # The mean is a quotient of sums, of products with the mask.
    node = openvino.Core().read_model(path).output(models.VECTOR).get_node()
    for _ in range(3):
        node = node.input_value(0).get_node()
    name = node.output(0).get_any_name().encode()
    value = b"\x0a" + bytes([len(name)]) + name + b"\x12\x04\x0a\x02\x08\x01"  # of float32
    graph = b"\x62" + bytes([len(value)]) + value  # GraphProto.output
    with path.open("ab") as file:
        file.write(b"\x3a" + bytes([len(graph)]) + graph)  # ModelProto.graph
