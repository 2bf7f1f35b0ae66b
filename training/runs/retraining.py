"""A bundle gone on with: more labels learned, and what it said before held.

Labels of a few hundred sentences pull an encoder towards one outlet and a few signals. So the
bundle that it starts from is asked about every sentence that is learned from, and its answers are
learned beside the labels (learning without forgetting: Li and Hoiem, 2016,
doi:10.1007/978-3-319-46493-0_37); and the recipe's corpora are read again (replay).

What decides stays as it is: calibration, thresholds, who is cited, spans, articles. They were
fitted on far more held-out articles than a desk has, and the logits keep their scale.
``framescope calibrate`` fits them anew where there are enough. Only of a signal that the bundle
didn't have are they fitted here.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from framescope.classifier import bundles
from framescope.classifier.models import TOKENIZER, Calibration, Heads, load_transformer
from framescope.training.calibration import Decisions, extend_domain, fit_decisions, fit_tags
from framescope.training.corpora import ADDED
from framescope.training.data import Data, Examples
from framescope.training.runs.card import write_bundle
from framescope.training.runs.makers import copy_files, int8_agreement
from framescope.training.runs.run_folder import checkpoints_of, lessons_of

if TYPE_CHECKING:
    from framescope.training.runs.run_folder import TrainingRun
    from framescope.training.transformer import (
        Lessons,
        Progress,
        Settings,
        Start,
        TransformerRecipe,
    )

Tell = Callable[[str], None]

_SAMPLES = 200  # passages by which int8 is scaled
_ASKED = 2000  # sentences beside the added ones, of which the bundle before is asked


def retrain_transformer(
    data: Data,
    output: Path,
    start: Start,
    encoder: Path,
    settings: Settings,
    tell: Tell,
    progress: Progress | None = None,
    run: TrainingRun | None = None,
    name: str | None = None,
) -> None:
    """Fine-tune a bundle on more rows, and write what comes of it.

    Parameters
    ----------
    data : Data
        The rows to learn from: what is added, and what is read again.
    output : pathlib.Path
        The new bundle's folder, beside which a checkpoint is kept while training.
    start : Start
        The bundle it goes on with.
    encoder : pathlib.Path
        The model folder that the bundle grew from.
    settings : Settings
    tell, progress : callable
    run : TrainingRun, optional
        Keeps the curves.
    name : str, optional
        The new bundle's; its folder's unless given.

    Raises
    ------
    TrainingError
        When the bundle can't be gone on with, or there is nothing to learn from.
    """
    from framescope.training.transformer import TransformerRecipe

    bundles.check_writable(output)
    lessons = None
    if settings.taught_weight:
        tell(f"asking {start.manifest['name']} what it says of these rows")
        lessons = _asked(data, start, encoder, settings, lessons_of(output), progress)
    tell("fine-tuning")
    recipe = TransformerRecipe(
        encoder,
        settings,
        checkpoints_of(output),
        progress,
        registry=data.outlets,
        lessons=lessons,
        start=start,
        curve=None if run is None else run.curves,
    ).fit(data.examples)
    figures = _write(recipe, data, output, start, tell, name)
    if run is not None:
        run.figures.update(figures)
    recipe.discard_checkpoint()
    shutil.rmtree(lessons_of(output), ignore_errors=True)


def _asked(
    data: Data,
    start: Start,
    encoder: Path,
    settings: Settings,
    folder: Path,
    progress: Progress | None,
) -> Lessons:
    """Ask the bundle about every row that is learned from; what was asked before a kill is kept."""
    from framescope.training.transformer import TransformerRecipe, label_by_teacher

    before = TransformerRecipe(encoder, settings, registry=data.outlets, start=start)
    train = before.prepare(data.examples)
    names, counts = np.unique(train.article[train.corpus != ADDED], return_counts=True)
    order = np.random.default_rng(settings.seed).permutation(len(names))
    again = names[order[np.cumsum(counts[order]) <= _ASKED]]
    rows = start.unlabelled(train.where((train.corpus == ADDED) | np.isin(train.article, again)))
    return label_by_teacher(before, rows, folder, progress=progress)


def _write(
    recipe: TransformerRecipe,
    data: Data,
    output: Path,
    start: Start,
    tell: Tell,
    name: str | None,
) -> dict[str, float]:
    """Export, keep or fit what decides, and write the bundle; give what was measured."""
    from framescope.training.transformer import describe_encoder as describe
    from framescope.training.transformer import export_encoder as export

    encoder, settings = recipe.encoder, recipe.settings
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "int8"
        folder.mkdir()
        tell("exporting to ONNX, int8")
        train, validation = (start.widened(data.part(part)) for part in ("train", "validation"))
        samples = recipe.samples(train, _SAMPLES)
        heads = _kept(start.heads, recipe.heads())
        export(recipe.network_, heads, encoder / TOKENIZER, folder, samples)
        decisions = _decided(folder, heads, data, validation, start, settings.seed, tell)
        model = load_transformer(folder, decisions.calibration, data.outlets)
        served = model.logits(validation.sentences)
        if start.domain is not None:
            own, held = (rows.where(rows.corpus == ADDED) for rows in (train, validation))
            proba = decisions.calibration.apply(served[validation.corpus == ADDED])
            signals = start.heads.signals
            extend_domain(start.domain, signals, model, own, held, proba).save(folder)
        kept = Heads.load(folder)
        agreement = int8_agreement(recipe, kept, decisions, served, validation, tell)
        record: dict[str, Any] = {
            "encoder": describe(encoder),
            **asdict(settings),
            "start": {"name": start.manifest["name"], "digest": start.identity},
        }

        measured = {"int8_agreement": agreement}
        write_bundle(
            data,
            output,
            "transformer",
            settings.seed,
            record,
            decisions,
            partial(copy_files, folder),
            name,
            _carried(start.manifest, data),
            measured,
        )
    return measured


def _kept(before: Heads, now: Heads) -> Heads:
    """Give the heads of a new network with what was fitted upon those it started from."""
    thresholds = dict(zip(before.tags, before.tag_thresholds, strict=True))
    return replace(
        before,
        signals=now.signals,
        tags=now.tags,
        gain=now.gain,
        tag_thresholds=tuple(thresholds.get(tag, 0.0) for tag in now.tags),
        placeholders=now.placeholders,
    )


def _decided(
    folder: Path,
    heads: Heads,
    data: Data,
    validation: Examples,
    start: Start,
    seed: int,
    tell: Tell,
) -> Decisions:
    """Keep what decides on the signals there were; fit it for those that are new."""
    manifest = start.manifest
    lines, limits = dict(manifest["calibration"]), dict(manifest["thresholds"])
    elsewhere = manifest.get("thresholds_elsewhere", {})
    new = [signal for signal in heads.signals if signal not in limits]
    if new:
        tell(f"calibrating what is new on the validation part: {', '.join(new)}")
        model = load_transformer(folder, Calibration.identity(heads.signals), data.outlets)
        fitted = fit_decisions(model, validation, seed)
        of_new = fitted.calibration.to_record()
        lines |= {signal: of_new[signal] for signal in new}
        limits |= {signal: fitted.thresholds[signal] for signal in new}
    ordered = {signal: lines[signal] for signal in heads.signals}
    thresholds = {signal: limits[signal] for signal in heads.signals}
    decisions = Decisions(Calibration.from_record(ordered), thresholds, elsewhere)
    if set(new) & set(heads.tags):
        model = load_transformer(folder, decisions.calibration, data.outlets)
        tags = fit_tags(model, validation, thresholds).tag_thresholds
        found = [
            tags[i] if tag in new else heads.tag_thresholds[i] for i, tag in enumerate(heads.tags)
        ]
        replace(heads, tag_thresholds=tuple(found)).save(folder)
    return decisions


def _carried(before: Mapping[str, Any], data: Data) -> dict[str, Any]:
    """Give what a manifest carries over: what was learned before, and how it was held out."""
    again = set(data.corpora) - {ADDED}
    earlier = [one for one in before["corpora"] if one["name"] not in again]
    earlier = [*before.get("earlier_corpora", ()), *earlier]
    return {"earlier_corpora": earlier, "split": {**before["split"], "added": dict(data.added)}}
