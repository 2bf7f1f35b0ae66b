"""Heads: logistic regressions that a user's labels add to a bundle, in seconds.

A head reads what the bundle's model gives of a sentence: its log-odds of all signals, the mean
vectors of its tokens, and n-grams of words. For a signal that the bundle knows it corrects the
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
from framescope.training.baseline import CountedRows
from framescope.training.calibration import answer_limits, fit_decision, once_an_article
from framescope.training.card import model_card
from framescope.training.corpora import ADDED, find_corpus, house_folder
from framescope.training.data import (
    TEST,
    TRAIN,
    UNSEEN,
    VALIDATION,
    Added,
    Data,
    Examples,
    build_examples,
    load_data,
)
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit
from sklearn.metrics import average_precision_score, f1_score
from sklearn.model_selection import StratifiedGroupKFold
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry

Single = NDArray[np.float32]
Double = NDArray[np.float64]
Tell = Callable[[str], None]
Mix = tuple[int, int, int]

FEWEST = 20
"""Labels of either answer from which a head is fitted."""
_FOLDS = 5
# Which blocks take part (log-odds, vectors, n-grams), and how strongly their weights are penalised.
# The strongest comes first: each solution is where the search for the next begins.
MIXES: tuple[Mix, ...] = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0), (1, 0, 1), (1, 1, 1))
PENALTIES = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03)
_TEMPER = 3.0  # of left-out cross-entropy, by which a mix counts e times as much
_SURE = 2.0  # standard errors over articles by which a correction has to be better
_OF_SLOPE = 4.0  # the bundle's own log-odds keep a weight near 1
_TOGETHER = 400  # sentences that are read in one call, more or less
_WORSE = 0.01  # of a figure elsewhere, from which it is told
_LAYERS = 2  # whose vectors are read
_NORM = "layer_norm_"  # two in each layer, after attention and at its end
_LEAST, _MOST_NGRAMS = 2, 20_000  # sentences of an n-gram, and n-grams


class _Block(NamedTuple):
    """Features scaled so that a row's squared length is about 1: (x - mean) * factor."""

    values: Any
    mean: Double
    factor: Double

    @classmethod
    def of(cls, features: Double) -> _Block:
        mean, spread = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
        factor = 1 / spread / max(features.shape[1], 1) ** 0.5
        return cls(((features - mean) * factor).astype(np.float32), mean, factor)


class _Task(NamedTuple):
    """The rows that label a signal; articles, where it is one of articles."""

    blocks: tuple[Any, ...]  # features, sparse or dense
    offset: Double  # the bundle's own log-odds; 0 for a signal that it doesn't know
    targets: Double
    groups: NDArray[np.str_]
    rows: NDArray[np.intp]  # where they are among all

    def where(self, rows: NDArray[np.intp]) -> _Task:
        blocks = tuple(block[rows] for block in self.blocks)
        of = self.offset[rows], self.targets[rows], self.groups[rows], self.rows[rows]
        return _Task(blocks, *of)

    def scores(self, mix: Mix, line: Double) -> Double:
        """Return the log-odds of rows: weights of the mix's blocks, intercept, slope of offset."""
        found: Double = line[-2] + line[-1] * self.offset
        at = 0
        for block in (b for b, used in zip(self.blocks, mix, strict=True) if used):
            found = found + block @ line[at : at + block.shape[1]].astype(block.dtype)
            at += block.shape[1]
        return found

    def losses(self, log_odds: Double) -> Double:
        """Return the cross-entropy of each row."""
        y = self.targets
        losses: Double = -(y * log_expit(log_odds) + (1 - y) * log_expit(-log_odds))
        return losses

    def solve(self, mix: Mix, penalty: float, start: Double) -> Double:
        """Minimise the penalised cross-entropy."""
        blocks = [block for block, used in zip(self.blocks, mix, strict=True) if used]

        def loss(line: Double) -> tuple[float, Double]:
            z, weights, slope = self.scores(mix, line), line[:-2], line[-1] - 1
            error = expit(z) - self.targets
            value = self.losses(z).sum() + penalty / 2 * (weights @ weights)
            gradient = [block.T @ error.astype(block.dtype) for block in blocks]
            gradient.append(np.array([error.sum(), error @ self.offset]))
            held = np.r_[penalty * weights, 0.0, _OF_SLOPE * slope]
            return float(value + _OF_SLOPE / 2 * slope**2), np.concatenate(gradient) + held

        options = {"maxiter": 100, "gtol": 1e-3 * len(self.targets) ** 0.5}
        return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x)


class _Trial(NamedTuple):
    """What a mix gives with a penalty: log-odds of what was left out, and their cross-entropy."""

    loss: float
    penalty: float
    log_odds: Double
    line: Double  # the mean solution


@dataclass(frozen=True, eq=False)
class Head:
    """A fitted head: weights of the features as they are, and what it was fitted on.

    `log_odds` are those of the labelled `rows`, each by weights fitted without its article.
    """

    signal: str
    weights: tuple[Double, ...]  # of the model's log-odds, of vectors and of n-grams
    intercept: float
    rows: NDArray[np.intp]
    log_odds: Single
    record: Mapping[str, Any]


@dataclass(eq=False)
class HeadTrainer:
    """Fits a head for each signal of labelled rows, beside a model."""

    model: models.Model
    rows: Examples
    registry: Registry | None = None  # whose names the model reads as placeholders
    seed: int = DEFAULT_SEED

    @cached_property
    def read(self) -> tuple[Double, Double]:
        """What the model gives of each row: log-odds, and a vector that may be empty."""
        starts = np.flatnonzero(np.r_[True, self.rows.article[1:] != self.rows.article[:-1]])
        begun = starts[np.r_[True, np.diff(starts // _TOGETHER) > 0]].tolist()
        parts = [self.rows.sentences[a:b] for a, b in pairwise([*begun, len(self.rows)])]
        found = [self.model.predict(part) for part in parts]
        means = [np.zeros((len(x.logits), 0)) if x.means is None else x.means for x in found]
        return np.concatenate([x.logits for x in found]).astype(float), np.concatenate(means, 0)

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
        with threadpool_limits(1):  # for products this small, threads only wait
            self.heads = [self._fit(signal) for signal in signals]
        of_logits, of_means, of_ngrams = (
            np.array(one) for one in zip(*(head.weights for head in self.heads), strict=True)
        )
        intercepts = np.array([head.intercept for head in self.heads])
        ngrams = models.TfidfModel(
            tuple(signals), self.counted.blocks, of_ngrams, intercepts,
            Calibration.identity(signals), models.Reader(self.registry),
        )  # fmt: skip
        return models.LinearHeads(ngrams, of_logits.astype(np.float32), of_means.astype(np.float32))

    def _fit(self, signal: str) -> Head:
        """Try mixes and penalties on articles left out, and average by how well they do."""
        task, blocks = self._task(signal)
        known = signal in self.model.signals
        positive = task.targets >= 0.5
        count = min(_FOLDS, len(np.unique(task.groups)))
        if count < 2:
            raise TrainingError(f"{signal}: the labels are of one article; label several articles")
        split = StratifiedGroupKFold(count, shuffle=True, random_state=self.seed)
        parts = split.split(positive, positive, task.groups)
        folds = [(task.where(learned), held) for learned, held in parts]
        tried: dict[Mix, _Trial] = {}
        for mix in MIXES if known else MIXES[1:]:
            size = sum(x.shape[1] for x, used in zip(task.blocks, mix, strict=True) if used)
            lines = [np.r_[np.zeros(size + 1), 1.0]] * len(folds)
            for penalty in PENALTIES if any(mix) else PENALTIES[:1]:
                log_odds = np.zeros(len(positive))
                for number, (part, held) in enumerate(folds):
                    lines[number] = part.solve(mix, penalty, lines[number])
                    log_odds[held] = task.scores(mix, lines[number])[held]
                loss = float(task.losses(log_odds).sum())
                if mix in tried and loss >= tried[mix].loss:
                    break
                tried[mix] = _Trial(loss, penalty, log_odds, np.mean(lines, axis=0))
        shares = self._shares(task, tried)
        weights = [np.zeros(block.values.shape[1]) for block in blocks]
        intercept, slope = 0.0, 0.0
        for mix, trial in tried.items():
            line, at = shares[mix] * task.solve(mix, trial.penalty, trial.line), 0
            for number in np.flatnonzero(mix).tolist():
                weights[number] += line[at : at + len(weights[number])]
                at += len(weights[number])
            intercept, slope = intercept + line[-2], slope + line[-1]
        for number, block in enumerate(blocks):  # of the features as they are
            weights[number] = weights[number] * block.factor
            intercept -= float(weights[number] @ block.mean)
        if known:
            weights[0][self.model.signals.index(signal)] += slope
            weights[1] = np.pad(weights[1], (0, self.read[1].shape[1] - len(weights[1])))
        odds = np.sum([shares[m] * trial.log_odds for m, trial in tried.items()], axis=0)
        record = {
            "sentences": len(positive), "positives": int(positive.sum()),
            "articles": len(np.unique(task.groups)),
            "settings": [
                {"log-odds, vectors, n-grams": mix, "penalty": one.penalty,
                 "share": round(shares[mix], 3)}
                for mix, one in tried.items()
            ],
        }  # fmt: skip
        out = odds.astype(np.float32)
        return Head(signal, tuple(weights), float(intercept), task.rows, out, record)

    def _shares(self, task: _Task, tried: Mapping[Mix, _Trial]) -> dict[Mix, float]:
        """Weigh mixes by left-out cross-entropy; what corrects a bundle has to be surely better."""
        doubt = dict.fromkeys(tried, 0.0)
        if (before := tried.get(MIXES[0])) is not None:
            _, group = np.unique(task.groups, return_inverse=True)
            rows = task.losses(before.log_odds)
            for mix, trial in tried.items():
                gains = np.bincount(group, rows - task.losses(trial.log_odds))
                doubt[mix] = _SURE * float(np.std(gains)) * len(gains) ** 0.5
        losses = {mix: trial.loss + doubt[mix] for mix, trial in tried.items()}
        least = min(losses.values())
        shares = {mix: float(np.exp((least - one) / _TEMPER)) for mix, one in losses.items()}
        return {mix: share / sum(shares.values()) for mix, share in shares.items()}

    def _task(self, signal: str) -> tuple[_Task, list[_Block]]:
        """Return the rows of a signal, and its features with their scales."""
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
        if known:  # of which the last layer has learned
            means = means[:, : means.shape[1] // _LAYERS]
        ngrams = counted.parts[0]
        plain = np.zeros(ngrams.shape[1]), np.ones(ngrams.shape[1])
        blocks = [_Block.of(logits), _Block.of(means), _Block(ngrams, *plain)]
        values = tuple(block.values for block in blocks)
        return _Task(values, offset, counted.targets, counted.groups, rows), blocks


def labelled_enough(rows: Examples, signals: Sequence[str], tell: Tell) -> list[str]:
    """Return the signals with enough labels for a head, and tell of the others."""
    labels = [rows.column(signal) for signal in signals]
    once = once_an_article(np.stack(labels, axis=1), rows.article, signals)
    found = []
    for signal, column in zip(signals, once.T, strict=True):
        yes, no = int((column >= 0.5).sum()), int((column < 0.5).sum())
        if min(yes, no) >= FEWEST:
            found.append(signal)
        else:
            tell(f"{signal}: left out: {yes} labelled 1, {no} labelled 0; a head needs {FEWEST}")
    return found


def add_heads(
    model: str,
    files: Sequence[Path],
    output: Path,
    signals: Sequence[str] = (),
    *,
    tell: Tell = lambda line: None,
) -> None:
    """Write a bundle with heads for the signals that files label, on one that there is.

    Raise `TrainingError` where no signal has enough labels.
    """
    bundles.check_writable(output)
    added, bundle, registry = Added.read(files), bundles.load(model), load_registry()
    rows = build_examples(None, [], registry=registry, added=added.grouped()).labelled()
    wanted = labelled_enough(rows, in_order(signals or rows.signals), tell)
    if not wanted:
        raise TrainingError(f"{files[0]}: too few labels of every signal; label more sentences")
    tell(f"reading {len(rows):,} sentences of {len(np.unique(rows.article)):,} articles")
    if count := sum(map(bundle.has_seen, added.articles)):
        tell(f"{bundle.name} has seen {count:,} of the articles; figures on these are too good")
    with beside(bundle, rows, registry) as (folder, trainer):
        heads = trainer.fit(wanted)
        heads.save(folder, models.rounds_of_heads(bundle.manifest["files"]) + 1)
        manifest, domain = _decided(bundle, trainer, added, output, tell)
        if domain is not None:
            domain.save(folder)
        save = partial(shutil.copytree, folder, dirs_exist_ok=True)
        seen = bundle.seen | {bundles.text_digest(article.text) for article in added.articles}
        bundles.write(output, manifest, model_card(manifest), save, seen)
        _warn_elsewhere(trainer.model, heads, (bundle.manifest, manifest), tell)


@contextmanager
def beside(
    bundle: bundles.Bundle, rows: Examples, registry: Registry
) -> Iterator[tuple[Path, HeadTrainer]]:
    """Yield a copy of a bundle's files whose model shows its vectors, and a trainer beside it."""
    manifest = bundle.manifest
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in manifest["files"]:
            shutil.copyfile(bundle.path / name, folder / name)
        if ENCODER in manifest["files"] and not models.rounds_of_heads(manifest["files"]):
            try:
                _show_tokens(folder / ENCODER)
            except (RuntimeError, ValueError):
                what = "its encoder doesn't show the vectors that heads read; train it again"
                raise TrainingError(f"{bundle.path}: {what}") from None
        model = bundles.load_model(folder, manifest, registry)
        yield folder, HeadTrainer(model, rows, registry if manifest.get("placeholders") else None)


def compare_with_heads(start: Path, tuned: Path, data: Data, tell: Tell) -> None:
    """Say which ranks added articles kept back better: a fine-tuned bundle, or heads beside it."""
    added, registry = data.examples.where(data.examples.corpus == ADDED).labelled(), load_registry()
    parts = (TEST, UNSEEN), (TRAIN, VALIDATION)
    held, learned = (added.where(np.isin(added.part, of)) for of in parts)
    wanted = labelled_enough(learned, learned.signals, lambda line: None) if len(held) else []
    if not wanted:
        return
    model = bundles.load(tuned, registry).model
    with beside(bundles.load(start, registry), learned, registry) as (_, trainer):
        headed = models.HeadedModel(trainer.model, trainer.fit(wanted), None)
        both = [(one.signals, one.predict(held.sentences).logits) for one in (model, headed)]
    for signal in wanted:
        known = ~np.isnan(held.column(signal))
        positive = held.column(signal)[known] >= 0.5
        if 0 < positive.sum() < len(positive):
            columns = (logits[known, names.index(signal)] for names, logits in both)
            fine, head = (float(average_precision_score(positive, one)) for one in columns)
            tell(
                f"{signal}: {'a head' if head > fine else 'fine-tuning'} ranks better: average "
                f"precision {fine:.3f} fine-tuned, {head:.3f} with a head "
                f"({positive.sum()} of {len(positive)} sentences kept back)"
            )


def _decided(
    bundle: bundles.Bundle, trainer: HeadTrainer, added: Added, output: Path, tell: Tell
) -> tuple[dict[str, Any], models.TrainingDomain | None]:
    """Decide on the signals of the heads; return the manifest and the domain of the new bundle."""
    stale, rows = ("metrics", "int8_agreement"), trainer.rows  # figures of the bundle alone
    old = {key: value for key, value in bundle.manifest.items() if key not in stale}
    kept = ("signals", "calibration", "thresholds", "thresholds_elsewhere", "experimental")
    before = old.get(models.BEFORE) or {key: old[key] for key in kept if key in old}
    lines, limits = dict(old["calibration"]), dict(old["thresholds"])
    unsure, records = set(old.get("experimental", ())), {}
    elsewhere = {k: dict(one) for k, one in old.get("thresholds_elsewhere", {}).items()}
    sides = [{}, {}] if bundle.domain is None else [
        dict(zip(bundle.signals, side.tolist(), strict=True))
        for side in (bundle.domain.yes, bundle.domain.no)
    ]  # fmt: skip
    for head in trainer.heads:
        signal, labels = head.signal, rows.column(head.signal)[head.rows]
        positive, articles = labels >= 0.5, rows.article[head.rows]
        line, limit, keeps = fit_decision(signal, head.log_odds, positive, articles, trainer.seed)
        figures = {"now": _figures(line, limit, head.log_odds, positive)}
        if signal in lines:
            was = Calibration.from_record({signal: lines[signal]})
            own = trainer.read[0][head.rows, bundle.signals.index(signal)].astype(np.float32)
            figures["before"] = _figures(was, limits[signal], own, positive)
        unsure -= {signal} if keeps else set()
        proba = line.apply(head.log_odds[:, None])
        for limits_there in (one for one in elsewhere.values() if signal in one):
            # What flagged the same share of these sentences before.
            share = (was.apply(own[:, None]) < np.float32(limits_there[signal])).mean()
            limits_there[signal] = float(f"{np.quantile(proba, share):.6g}")
        lines |= line.to_record()
        limits[signal] = limit
        for side, found in zip(sides, answer_limits(labels[:, None], proba), strict=True):
            side[signal] = float(found[0])
        records[signal] = {**head.record, "left_out": figures}
        counted = f"{head.record['positives']:,} of {head.record['sentences']:,}"
        hidden = "; still experimental: flagged with --experimental only" * (signal in unsure)
        tell(f"{signal}, {counted}: on articles left out {_moved(figures)}{hidden}")
    signals, card = in_order(lines), find_corpus(ADDED).card
    described = {"name": card.name, "title": card.title, "licence": card.licence}
    manifest = old | {
        "name": f"{output.absolute().name}-{__version__}",
        "signals": list(signals),
        "calibration": {signal: lines[signal] for signal in signals},
        "thresholds": {signal: limits[signal] for signal in signals},
        "thresholds_elsewhere": elsewhere,
        "experimental": [signal for signal in signals if signal in unsure],
        models.BEFORE: before,
        "corpora": [*old["corpora"], {**described, "digest": added.digest, "rows": len(rows)}],
        "heads": [*old.get("heads", ()), {"on": bundle.digest, "signals": records}],
        "code_version": __version__,
    }
    yes, no = (np.array([side.get(s, np.nan) for s in signals], np.float32) for side in sides)
    return manifest, bundle.domain and replace(bundle.domain, yes=yes, no=no)


def _warn_elsewhere(
    model: models.Model,
    heads: models.LinearHeads,
    manifests: Sequence[Mapping[str, Any]],
    tell: Tell,
) -> None:
    """Say which signals are worse on the house corpus' validation part, where that is present."""
    known = [signal for signal in heads.signals if signal in model.signals]
    if not known or not (house_folder() / "articles").is_dir():
        return
    rows = load_data(None, None, DEFAULT_SEED, corpora=["house"]).part(VALIDATION)
    both = [
        (one.signals, one.predict(rows.sentences).logits)
        for one in (model, models.HeadedModel(model, heads, None))
    ]
    for signal in (one for one in known if one in rows.signals):
        labelled = np.flatnonzero(~np.isnan(rows.column(signal)))
        positive = rows.column(signal)[labelled] >= 0.5
        before, now = (
            _figures(
                Calibration.from_record({signal: manifest["calibration"][signal]}),
                manifest.get("thresholds_elsewhere", {}).get("house", {}).get(
                    signal, manifest["thresholds"][signal]
                ), logits[labelled, names.index(signal)], positive,
            )
            for (names, logits), manifest in zip(both, manifests, strict=True)
        )  # fmt: skip
        if any(now[name] < before[name] - _WORSE for name in now):
            moved = _moved({"before": before, "now": now})
            add = "add articles of it: framescope corpora export house --part train --output FILE"
            tell(f"{signal}: worse on the validation part of the house corpus: {moved}; {add}")


def _figures(
    line: Calibration, limit: float, log_odds: Single, positive: NDArray[np.bool_]
) -> dict[str, float]:
    flags = line.apply(log_odds[:, None])[:, 0] >= np.float32(limit)
    ranked = float(average_precision_score(positive, log_odds))
    return {"average precision": round(ranked, 4), "F1": round(float(f1_score(positive, flags)), 4)}


def _moved(figures: Mapping[str, Mapping[str, float]]) -> str:
    now, before = figures["now"], figures.get("before")
    return ", ".join(f"{k} {f'{before[k]:.3f} -> ' if before else ''}{now[k]:.3f}" for k in now)


def _show_tokens(path: Path) -> None:
    """Give a graph more outputs: the vectors of tokens, in its last layer and halfway to it.

    What was learned of the signals is in the last, more of language in general halfway. Nothing
    else changes: messages of Protocol Buffers are merged where one follows another.
    """
    import openvino

    # `VECTOR` is a quotient of sums, of products of the last layer's vectors with the mask.
    graph = openvino.Core().read_model(path)
    node = graph.output(models.VECTOR).get_node()
    while not node.output(0).get_any_name().startswith(_NORM):
        node = node.input_value(0).get_node()
    last = int(node.output(0).get_any_name().removeprefix(_NORM))
    for name in (f"{_NORM}{last}".encode(), f"{_NORM}{last // 2}".encode()):
        value = b"\x0a" + bytes([len(name)]) + name + b"\x12\x04\x0a\x02\x08\x01"  # of float32
        output = b"\x62" + bytes([len(value)]) + value  # GraphProto.output
        with path.open("ab") as file:
            file.write(b"\x3a" + bytes([len(output)]) + output)  # ModelProto.graph
