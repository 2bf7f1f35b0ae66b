"""Heads: logistic regressions that a user's labels add to a bundle, in seconds.

A head reads the bundle's log-odds of all signals, mean vectors of tokens, and n-grams of words. For
a signal that the bundle knows it corrects its log-odds: labels that teach nothing leave the ranking
as it was. The bundle's own scores of the house corpus are learned too (docs/training.md). Blocks
and penalties are weighed by grouped cross-validation, whose left-out articles give the threshold.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from framescope.classifier import __version__, bundles, models
from framescope.classifier.errors import TrainingError
from framescope.classifier.outlets import Registry, load_registry
from framescope.classifier.runtime import ENCODER
from framescope.classifier.taxonomy import BY_NAME, Level, in_order
from framescope.training import DEFAULT_SEED
from framescope.training.baseline import CountedRows
from framescope.training.calibration.articles import answer_limits
from framescope.training.calibration.decisions import Double, Single, fit_decision, once_an_article
from framescope.training.calibration.languages import measured_still
from framescope.training.card import model_card
from framescope.training.corpora import ADDED, find_corpus, house_folder
from framescope.training.data import Added, Data, Examples, build_examples, load_data, splits
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logit
from sklearn.metrics import average_precision_score, f1_score
from sklearn.model_selection import StratifiedGroupKFold
from threadpoolctl import threadpool_limits

Tell = Callable[[str], None]
Bools = NDArray[np.bool_]
Texts = NDArray[np.str_]
Mix = tuple[int, int, int]

FEWEST = 20  # labels of either answer from which a head is fitted
_FOLDS, _NOT_OWN = 5, 2  # the answers 0 and 1, and what is replayed, are in each fold alike
# Which blocks take part (log-odds, vectors, n-grams), and how strongly their weights are penalised.
# The strongest comes first: each solution is where the search for the next begins.
MIXES: tuple[Mix, ...] = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0), (1, 0, 1), (1, 1, 1))
PENALTIES = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03)
_TEMPER = 3.0  # of left-out cross-entropy, by which a mix counts e times as much
_SURE = 2.0  # standard errors over articles by which a correction has to be better
_OF_SLOPE = 4.0  # the bundle's own log-odds keep a weight near 1
_TOGETHER = 20  # articles that are read in one call
_HOUSE, _AGAIN = "house", "\n## Calibrated again"
_WORSE = 0.01  # of a figure elsewhere, from which it is told
_LAYERS = 2  # whose vectors are read
_NORM = "layer_norm_"  # two in each layer, after attention and at its end
_LEAST, _MOST_NGRAMS = 2, 20_000  # sentences of an n-gram, and n-grams


class _Task(NamedTuple):
    """The rows that label a signal; articles, where it is one of articles."""

    blocks: tuple[Any, ...]  # features, sparse or dense, whose rows' squared length is about 1
    offset: Double  # the bundle's own log-odds; 0 for a signal that it doesn't know
    targets: Double
    weights: Double
    groups: Texts
    rows: NDArray[np.intp]  # where they are among all

    def where(self, rows: NDArray[np.intp]) -> "_Task":
        others: Any = self[1:]
        return _Task(tuple(block[rows] for block in self.blocks), *(one[rows] for one in others))

    def split(self, line: Double) -> list[Double]:
        """Take a solution apart: weights of each block, then the intercept and the offset's."""
        return np.split(line, np.cumsum([block.shape[1] for block in self.blocks]))

    def scores(self, mix: Mix, line: Double) -> Double:
        """Return the log-odds of rows; the mix says which blocks take part."""
        *parts, (intercept, slope) = self.split(line)
        found: Double = intercept + slope * self.offset
        for block, weights, used in zip(self.blocks, parts, mix, strict=True):
            found = found + block @ weights.astype(block.dtype) if used else found
        return found

    def losses(self, log_odds: Double) -> Double:
        """Return the weighted cross-entropy of each row."""
        y, signed = self.targets, (log_expit(log_odds), log_expit(-log_odds))
        return np.asarray(-self.weights * (y * signed[0] + (1 - y) * signed[1]))

    def solve(self, mix: Mix, penalty: float, start: Double) -> Double:
        """Minimise the penalised cross-entropy."""
        pull = np.r_[np.full(len(start) - 2, penalty), 0.0, _OF_SLOPE]

        def loss(line: Double) -> tuple[float, Double]:
            z, away = self.scores(mix, line), line - np.eye(1, len(line), len(line) - 1)[0]
            error = self.weights * (expit(z) - self.targets)
            gradient = [
                block.T @ error.astype(block.dtype) if used else np.zeros(block.shape[1])
                for block, used in zip(self.blocks, mix, strict=True)
            ]
            last = error.sum(), error @ self.offset
            value = self.losses(z).sum() + away @ (pull * away) / 2
            return float(value), np.concatenate([*gradient, last]) + pull * away

        options = {"maxiter": 100, "gtol": 1e-3 * len(self.targets) ** 0.5}
        return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x)


class _Trial(NamedTuple):
    """What a mix gives with a penalty: log-odds of what was left out, and their cross-entropy."""

    loss: float
    penalty: float
    log_odds: Double
    line: Double  # the mean solution


class Head(NamedTuple):
    """A fitted head: weights of the features as they are, and what it was fitted on."""

    signal: str
    weights: tuple[Double, ...]  # of the model's log-odds, of vectors and of n-grams
    intercept: float
    rows: NDArray[np.intp]
    log_odds: Single  # of `rows`, each by weights fitted without its article
    record: Mapping[str, Any]


@dataclass(eq=False)
class HeadTrainer:
    """Fits a head for each signal of labelled rows, beside a model."""

    model: models.Model
    rows: Examples  # the user's, and those on which scores should stay: all of another corpus
    registry: Registry | None = None  # whose names the model reads as placeholders

    @cached_property
    def read(self) -> tuple[Double, Double]:
        """What the model gives of each row: calibrated log-odds, and a vector that may be empty."""
        found = [self.model.predict(part.sentences) for part in self.rows.in_parts(_TOGETHER)]
        means = [np.zeros((len(x.logits), 0)) if x.means is None else x.means for x in found]
        logits = np.concatenate([x.logits for x in found]).astype(float)
        line: models.Calibration = self.model.calibration  # type: ignore[attr-defined]
        return line.slope * logits + line.intercept, np.concatenate(means, 0)

    @cached_property
    def own(self) -> Bools:
        """Which rows are the user's; all others are replayed."""
        return np.asarray(self.rows.corpus == ADDED)

    @cached_property
    def counted(self) -> CountedRows:
        """The n-grams of each row."""
        return CountedRows.of(self.rows, self.registry, ("word", 1, 2, _LEAST, _MOST_NGRAMS))

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
            models.Calibration.identity(signals), models.Reader(self.registry),
        )  # fmt: skip
        return models.LinearHeads(ngrams, of_logits.astype(np.float32), of_means.astype(np.float32))

    def _fit(self, signal: str) -> Head:
        """Try mixes and penalties on articles left out, and average by how well they do."""
        task, scales = self._task(signal)
        known = signal in self.model.signals
        positive, own = task.targets >= 0.5, self.own[task.rows]
        count = min(_FOLDS, len(np.unique(task.groups[own])))
        if count < 2:
            raise TrainingError(f"{signal}: the labels are of one article; label several articles")
        split = StratifiedGroupKFold(count, shuffle=True, random_state=DEFAULT_SEED)
        strata = np.where(own, positive, _NOT_OWN)
        folds = [(task.where(a), held) for a, held in split.split(strata, strata, task.groups)]
        start = np.r_[np.zeros(sum(block.shape[1] for block in task.blocks) + 1), 1.0]
        tried: dict[Mix, _Trial] = {}
        for mix in MIXES if known else MIXES[1:]:
            lines = [start] * len(folds)
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
        found = [shares[mix] * task.solve(mix, one.penalty, one.line) for mix, one in tried.items()]
        *weights, (intercept, slope) = task.split(np.sum(found, axis=0))
        for number, (mean, factor) in enumerate(scales):  # of the features as they are
            weights[number] = weights[number] * factor
            intercept -= float(weights[number] @ mean)
        if known:
            weights[0][self.model.signals.index(signal)] += slope
            weights[1] = np.pad(weights[1], (0, self.read[1].shape[1] - len(weights[1])))
        line: models.Calibration = self.model.calibration  # type: ignore[attr-defined]
        intercept += weights[0] @ line.intercept  # of log-odds as the model gives them
        weights[0] *= line.slope
        odds = np.sum([shares[m] * one.log_odds for m, one in tried.items()], axis=0)
        record = {
            "sentences": int(own.sum()), "positives": int(positive[own].sum()),
            "articles": len(np.unique(task.groups[own])),
            "log-odds, vectors, n-grams, share": [[*m, round(x, 3)] for m, x in shares.items()],
        }  # fmt: skip
        fitted = tuple(weights), float(intercept), task.rows, odds.astype(np.float32)
        return Head(signal, *fitted, record)

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

    def _task(self, signal: str) -> tuple[_Task, list[tuple[Double, Double]]]:
        """Return the rows of a signal, and by which mean and factor its features are scaled."""
        rows = np.flatnonzero(~np.isnan(self.rows.column(signal)))
        counted = self.counted.task(signal)
        logits, means = (features[rows] for features in self.read)
        if BY_NAME[signal].level is Level.ARTICLE:
            names = self.rows.article[rows]
            _, first, article = np.unique(names, return_index=True, return_inverse=True)
            share = np.eye(len(first))[article].T / np.bincount(article)[:, None]
            logits, means, rows = share @ logits, share @ means, rows[first]
        own = self.own[rows]
        weights = np.where(own, 1.0, min(1.0, own.sum() / max((~own).sum(), 1)))
        offset, targets = np.zeros(len(rows)), counted.targets
        if signal in self.model.signals:  # of which the last layer has learned
            offset = logits[:, self.model.signals.index(signal)]
            targets = np.where(own, targets, expit(offset))
            means = means[:, : means.shape[1] // _LAYERS]
        if models.form_of(signal) is models.TextForm.NEUTRAL:
            # No log-odds that depend on whose outlet is named; those of articles read all others.
            typed = [
                models.form_of(one) is models.TextForm.TYPED or BY_NAME[one].level is Level.ARTICLE
                for one in self.model.signals
            ]
            logits = np.where(typed, 0.0, logits)
        values, scales = [], []
        for features in (logits, means):
            spread = np.maximum(features.std(axis=0), 1e-6) * max(features.shape[1], 1) ** 0.5
            scales.append((features.mean(axis=0), 1 / spread))
            values.append(((features - scales[-1][0]) / spread).astype(np.float32))
        ngrams = counted.parts[0]
        scales.append((np.zeros(ngrams.shape[1]), np.ones(ngrams.shape[1])))
        return _Task((*values, ngrams), offset, targets, weights, counted.groups, rows), scales


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
    model: str, files: Sequence[Path], output: Path, signals: Sequence[str], tell: Tell
) -> None:
    """Write a bundle with heads for what files label, or raise `TrainingError` for too few."""
    bundles.check_writable(output)
    added, bundle, registry = Added.read(files), bundles.load(model), load_registry()
    rows = build_examples(None, [], registry=registry, added=added.grouped()).labelled()
    wanted = labelled_enough(rows, in_order(signals or rows.signals), tell)
    if not wanted:
        raise TrainingError(f"{files[0]}: too few labels of every signal; label more sentences")
    tell(f"reading {len(rows):,} sentences of {len(np.unique(rows.article)):,} articles")
    if count := sum(map(bundle.has_seen, added.articles)):
        tell(f"{bundle.name} has seen {count:,} of the articles; figures on these are too good")
    with beside(bundle, rows, wanted, registry) as (folder, trainer):
        if not trainer.own.all():
            tell("keeping scores on the house corpus as they are, but for what the labels teach")
        trainer.fit(wanted).save(folder, models.rounds_of_heads(bundle.manifest["files"]) + 1)
        manifest, domain = _decided(bundle, trainer, added, output, tell)
        if domain is not None:
            domain.save(folder)
        save = partial(shutil.copytree, folder, dirs_exist_ok=True)
        seen = bundle.seen | {bundles.text_digest(article.text) for article in added.articles}
        _, mark, calibrated = (bundle.path / bundles.CARD).read_text("utf-8").partition(_AGAIN)
        bundles.write(output, manifest, model_card(manifest) + mark + calibrated, save, seen)


@contextmanager
def beside(
    bundle: bundles.Bundle, rows: Examples, signals: Sequence[str], registry: Registry
) -> Iterator[tuple[Path, HeadTrainer]]:
    """Yield a copy of a bundle's files whose model shows its vectors, and a trainer beside it."""
    manifest = bundle.manifest
    with tempfile.TemporaryDirectory() as temporary:
        folder, files = Path(temporary), manifest["files"]
        for name in files:
            shutil.copyfile(bundle.path / name, folder / name)
        try:
            if ENCODER in files and not models.rounds_of_heads(files):
                _show_tokens(folder / ENCODER)
        except (RuntimeError, ValueError):
            what = "its encoder doesn't show the vectors that heads read; train it again"
            raise TrainingError(f"{bundle.path}: {what}") from None
        model = bundles.load_model(folder, manifest, registry)
        rows = _with_replayed(rows, [one for one in signals if one in model.signals])
        yield folder, HeadTrainer(model, rows, registry if manifest.get("placeholders") else None)


def _with_replayed(rows: Examples, signals: Sequence[str]) -> Examples:
    """Add what models are calibrated on of the house corpus, if it is present, for some signals."""
    if not signals or not (house_folder() / "articles").is_dir():
        return rows
    house = load_data(None, None, DEFAULT_SEED, corpora=[_HOUSE]).part(splits.VALIDATION)
    labels = np.full((len(house), len(rows.signals)), np.nan, np.float32)
    for signal in set(signals).intersection(house.signals):
        labels[:, rows.signals.index(signal)] = house.column(signal)
    return rows.followed_by(replace(house, labels=labels, signals=rows.signals))


def compare_with_heads(start: Path, tuned: Path, data: Data, tell: Tell) -> None:
    """Say which ranks added articles kept back better: a fine-tuned bundle, or heads beside it."""
    added, registry = data.examples.where(data.examples.corpus == ADDED).labelled(), load_registry()
    parts = (splits.TEST, splits.UNSEEN), (splits.TRAIN, splits.VALIDATION)
    held, learned = (added.where(np.isin(added.part, of)) for of in parts)
    wanted = labelled_enough(learned, learned.signals, lambda line: None) if len(held) else []
    if not wanted:
        return
    model = bundles.load(tuned, registry).model
    with beside(bundles.load(start, registry), learned, wanted, registry) as (_, trainer):
        headed = models.HeadedModel(trainer.model, trainer.fit(wanted), None)
        both = [(one.signals, one.predict(held.sentences).logits) for one in (model, headed)]
    for signal in wanted:
        known = ~np.isnan(held.column(signal))
        positive = held.column(signal)[known] >= 0.5
        if 0 < positive.sum() < len(positive):
            columns = (logits[known, names.index(signal)] for names, logits in both)
            fine, head = (float(average_precision_score(positive, one)) for one in columns)
            better = f"{signal}: {'a head' if head > fine else 'fine-tuning'} ranks better"
            figures = f"average precision {fine:.3f} fine-tuned, {head:.3f} with a head"
            tell(f"{better}: {figures} ({positive.sum()} of {len(positive)} sentences kept back)")


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
    domain = bundle.domain
    both = () if domain is None else zip(domain.yes, domain.no, strict=True)
    sides = dict(zip(bundle.signals, both, strict=False))
    for head in trainer.heads:
        signal, own = head.signal, trainer.own[head.rows]
        positive, articles = rows.column(signal)[head.rows] >= 0.5, rows.article[head.rows]
        judged, was = (positive[own], articles[own]), None
        if signal in limits:
            was = trainer.read[0][head.rows, bundle.signals.index(signal)]
        fitted = head.log_odds[own], *judged, None if was is None else was[own]
        line, limit, keeps = fit_decision(signal, *fitted)
        now = line.slope[0] * head.log_odds.astype(float) + line.intercept[0]
        figures, there = {}, {}
        if was is not None:
            moved = partial(_same_place, was, now)
            left = moved(limits[signal])
            flags, others = (expit(now[own]) >= one for one in (limit, left))
            if not _surely_better(flags, others, *judged):
                limit = max(limit, left) if keeps and signal in unsure else left
            for limits_there in (one for one in elsewhere.values() if signal in one):
                limits_there[signal] = moved(limits_there[signal])
            figures["before"] = _figures(was[own], limits[signal], positive[own])
            if not own.all():
                house = elsewhere.get(_HOUSE, {}).get(signal, limit)
                before_it = bundle.threshold(signal, _HOUSE)
                there["before"] = _figures(was[~own], before_it, positive[~own])
                there["now"] = _figures(now[~own], house, positive[~own])
        figures["now"] = _figures(now[own], limit, positive[own])
        unsure -= {signal} if keeps else set()
        lines |= line.to_record()
        limits[signal] = limit
        answers = (of[own, None].astype(np.float32) for of in (positive, expit(now)))
        sides[signal] = tuple(side[0] for side in answer_limits(*answers))
        records[signal] = {**head.record, "left_out": figures}
        counted = f"{head.record['positives']:,} of {head.record['sentences']:,}"
        hidden = "; still experimental: flagged with --experimental only" * (signal in unsure)
        tell(f"{signal}, {counted}: on articles left out {_moved(figures)}{hidden}")
        if there and any(there["now"][k] < there["before"][k] - _WORSE for k in there["now"]):
            tell(f"{signal}: worse on the house corpus: {_moved(there)}; label more outlets")
    signals, card = in_order(lines), find_corpus(ADDED).card
    described: dict[str, Any] = {"name": card.name, "title": card.title, "licence": card.licence}
    described |= {"digest": added.digest, "rows": int(trainer.own.sum())}
    manifest = old | {
        "name": f"{output.absolute().name}-{__version__}",
        "signals": list(signals),
        "calibration": {signal: lines[signal] for signal in signals},
        "thresholds": {signal: limits[signal] for signal in signals},
        "thresholds_elsewhere": elsewhere,
        "experimental": [signal for signal in signals if signal in unsure],
        models.BEFORE: before,
        "corpora": [*old["corpora"], described],
        "heads": [*old.get("heads", ()), {"on": bundle.digest, "signals": records}],
        **measured_still(old, records),
        "code_version": __version__,
    }
    yes, no = np.array([sides.get(s, (np.nan, np.nan)) for s in signals], np.float32).T
    return manifest, domain and replace(domain, yes=yes, no=no)


def _same_place(was: Double, now: Double, limit: float) -> float:
    """Return the threshold that decides on log-odds now as another did on those that were."""
    old, place = np.sort(was), logit(np.clip(limit, 1e-6, 1 - 1e-6))
    return float(f"{expit(place + np.interp(place, old, np.sort(now) - old)):.6g}")


def _surely_better(flags: Bools, others: Bools, positive: Bools, articles: Texts) -> bool:
    """Whether flags have a better F1 than others, by more than articles differ in it."""
    _, article = np.unique(articles, return_inverse=True)
    worth = 2 * positive - float(f1_score(positive, others))  # of one flag more
    gains = np.bincount(article, worth * (flags.astype(float) - others))
    return bool(gains.sum() > _SURE * np.std(gains) * len(gains) ** 0.5)


def _figures(log_odds: Double, limit: float, positive: Bools) -> dict[str, float]:
    ranked = float(average_precision_score(positive, log_odds))
    flagged = float(f1_score(positive, expit(log_odds) >= limit))
    return {"average precision": round(ranked, 4), "F1": round(flagged, 4)}


def _moved(figures: Mapping[str, Mapping[str, float]]) -> str:
    now, before = figures["now"], figures.get("before")
    return ", ".join(f"{k} {f'{before[k]:.3f} -> ' if before else ''}{now[k]:.3f}" for k in now)


def _show_tokens(path: Path) -> None:
    """Give a graph more outputs: the vectors of tokens, in its last layer and halfway to it."""
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
        with path.open("ab") as file:  # messages of Protocol Buffers that follow are merged
            file.write(b"\x3a" + bytes([len(output)]) + output)  # ModelProto.graph
