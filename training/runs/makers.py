"""From the rows of a run to a bundle: fit, calibrate on the validation part, write."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from framescope.classifier import bundles
from framescope.classifier.models import Calibration, resolve_said
from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.training.calibration import (
    Decisions,
    fit_articles,
    fit_decisions,
    fit_domain,
    fit_tags,
    mean_average_precision,
)
from framescope.training.corpora import find_corpus as find
from framescope.training.data import Data, Examples, choose_unlabelled, ordinary_articles
from framescope.training.runs.card import write_bundle
from framescope.training.runs.run_folder import checkpoints_of
from numpy.typing import NDArray

if TYPE_CHECKING:
    from framescope.classifier.models import Fusion, Heads, TfidfModel, TransformerModel
    from framescope.training.runs.run_folder import TrainingRun
    from framescope.training.transformer import (
        Lessons,
        Progress,
        Settings,
        Teacher,
        TransformerRecipe,
    )

Tell = Callable[[str], None]  # is told one line a step

_SAMPLES = 300  # passages by which int8 is scaled


def make_baseline(
    data: Data,
    output: Path,
    seed: int,
    tell: Tell,
    settings: Mapping[str, Any] | None = None,
    run: TrainingRun | None = None,
    name: str | None = None,
) -> None:
    """Train the baseline and write its bundle.

    `output` is the bundle's folder, `settings` are those of `training.baseline.BaselineRecipe` that
    differ, `run` keeps what was tried, and `name` is the bundle's, else its folder's.
    """
    from framescope.training.baseline import BaselineRecipe

    bundles.check_writable(output)
    recipe = BaselineRecipe(seed=seed, registry=data.outlets, progress=tell, **(settings or {}))
    recipe.fit(data.examples)
    if run is not None:
        run.table(recipe)
    tell("calibrating on the validation part")
    decisions = fit_decisions(recipe.model_, data.part("validation"), seed)
    chosen = {signal: choice.to_record() for signal, choice in recipe.choices_.items()}

    def save(folder: Path) -> None:
        recipe.model_.save(folder)
        _sum_up(recipe.model_, data, decisions, seed, tell, folder)

    write_bundle(data, output, "baseline", seed, chosen, decisions, save, name)


def make_transformer(
    data: Data,
    output: Path,
    encoder: Path,
    settings: Settings,
    tell: Tell,
    progress: Progress | None = None,
    root: Path | None = None,
    teaching: Teaching | None = None,
    run: TrainingRun | None = None,
    name: str | None = None,
) -> None:
    """Fine-tune the transformer, export it, and write its bundle.

    Calibration and thresholds are fitted on what the int8 model says, since that is what decides.

    `output` is the bundle's folder, beside which a checkpoint is kept while training; `encoder` is
    a local model folder, and `progress` is told the steps, and what a teacher has labelled. `root`
    is the folder of corpora, beside which text without labels lies, and `teaching` says who teaches
    it besides the labels, and on what. `run` keeps the curves, and `name` is the bundle's, else its
    folder's.
    """
    from framescope.training.transformer import TransformerRecipe

    bundles.check_writable(output)
    lessons = None
    if teaching is not None:
        # What is wrong with the student is said now, not when its teacher has learned for hours.
        TransformerRecipe(encoder, settings, registry=data.outlets).prepare(data.examples)
        limits = teaching.teacher.check(encoder, settings)
        if limits is not None:
            tell(limits)
        vectors = bool(settings.hidden_weight)
        lessons = _taught(data, root, teaching, tell, progress, vectors=vectors)
        tell("fine-tuning the student")
    recipe = TransformerRecipe(
        encoder,
        settings,
        checkpoints_of(output),
        progress,
        registry=data.outlets,
        lessons=lessons,
        curve=None if run is None else run.curves,
    ).fit(data.examples)
    figures = write_transformer(recipe, data, output, tell, root, teaching, name)
    if run is not None:
        run.figures.update(figures)
    recipe.discard_checkpoint()


@dataclass(frozen=True)
class Teaching:
    """Who teaches a transformer besides the labels, and on what.

    Attributes
    ----------
    teacher : Teacher
    texts : sequence of pathlib.Path
        Files of articles; none: the collection of articles beside the corpora.
    sentences : int
        How many of them at most.
    """

    teacher: Teacher
    texts: Sequence[Path]
    sentences: int


def _taught(
    data: Data,
    root: Path | None,
    teaching: Teaching,
    tell: Tell,
    progress: Progress | None,
    *,
    vectors: bool,
) -> Lessons:
    """Fine-tune a teacher and let it label; what is kept of an earlier run isn't made again."""
    from framescope.training.transformer import label_by_teacher

    teacher = teaching.teacher
    tell("choosing articles for the teacher to label")
    chosen = choose_unlabelled(data, teaching.texts, root, teaching.sentences)
    rows = chosen.examples
    tell(
        f"{len(rows):,} sentences; left out: {chosen.of_outlets:,} articles of outlets that are "
        f"tested on, {chosen.alike:,} nearly the same as one kept back, and {chosen.repeated:,} "
        "sentences that are"
    )
    tell("fine-tuning the teacher")
    taught = teacher.learn(data.examples, data.outlets, progress)
    return label_by_teacher(taught, rows, teacher.folder, vectors=vectors, progress=progress)


def write_transformer(
    recipe: TransformerRecipe,
    data: Data,
    output: Path,
    tell: Tell,
    root: Path | None = None,
    teaching: Teaching | None = None,
    name: str | None = None,
) -> dict[str, float]:
    """Export what was fine-tuned, fit its decisions on the validation part, write its bundle.

    Gives what was measured: how often int8 decides as float32 does, and the mean average precision
    on the validation part.
    """
    from framescope.classifier.models import TOKENIZER, load_transformer
    from framescope.training.transformer import describe_encoder as describe
    from framescope.training.transformer import export_encoder as export

    encoder, settings = recipe.encoder, recipe.settings
    validation = data.part("validation")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "int8"
        folder.mkdir()
        tell("exporting to ONNX, int8")
        samples = recipe.samples(data.part("train"), _SAMPLES)
        export(recipe.network_, recipe.heads(), encoder / TOKENIZER, folder, samples)
        heads, decisions = _decided(folder, recipe, data, root, tell)
        model = load_transformer(folder, decisions.calibration, data.outlets)
        _sum_up(model, data, decisions, settings.seed, tell, folder)
        served = model.logits(validation.sentences)
        agreement = int8_agreement(recipe, heads, decisions, served, validation, tell)
        record: dict[str, Any] = {"encoder": describe(encoder), **asdict(settings)}
        if teaching is not None and recipe.lessons is not None:
            record["teacher"] = teaching.teacher.describe(recipe.lessons)

        measured = {"int8_agreement": agreement}
        found = mean_average_precision(served, validation)
        if math.isfinite(found):  # few rows may have no signal of both kinds
            measured["validation"] = round(found, 5)
        seed = settings.seed
        write_bundle(
            data,
            output,
            "transformer",
            seed,
            record,
            decisions,
            partial(copy_files, folder),
            name,
            measured=measured,
        )
    return measured


def int8_agreement(
    recipe: TransformerRecipe,
    heads: Heads,
    decisions: Decisions,
    served: NDArray[np.float32],
    rows: Examples,
    tell: Tell,
) -> float:
    """Say how often the int8 model decides as the same network in float32 does, on some rows.

    `served` are its log-odds there, shape (n_rows, n_signals).
    """
    from framescope.classifier.models import TOKENIZER, load_transformer
    from framescope.training.transformer import export_encoder as export

    tell("comparing int8 with float32")
    with tempfile.TemporaryDirectory() as exact:
        export(recipe.network_, heads, recipe.encoder / TOKENIZER, Path(exact))
        model = load_transformer(Path(exact), decisions.calibration, recipe.registry)
        trained = decisions.flags(model.logits(rows.sentences))
        agreement = float((decisions.flags(served) == trained).mean())
    tell(f"int8 decides as float32 does in {agreement:.2%} of {len(rows):,} sentences")
    return round(agreement, 4)


def copy_files(source: Path, target: Path) -> None:
    """Copy the files of a folder into another."""
    for path in source.iterdir():
        shutil.copyfile(path, target / path.name)


def _decided(
    folder: Path, recipe: TransformerRecipe, data: Data, root: Path | None, tell: Tell
) -> tuple[Heads, Decisions]:
    """Fit, one upon the other, all that makes decisions of what an exported network says.

    Who is cited, calibration and thresholds, where spans are, what an article is. Each is saved
    with the network as it is fitted, and read by what follows.
    """
    from framescope.classifier.models import load_transformer

    validation, heads = data.part("validation"), recipe.heads()

    def saved(calibration: Calibration, **changes: Any) -> TransformerModel:
        nonlocal heads
        heads = replace(heads, **changes)
        heads.save(folder)
        return load_transformer(folder, calibration, data.outlets)

    model = saved(Calibration.identity(heads.signals))
    if recipe.network_.citations is not None:
        tell("fitting what citations decide")
        fusion = _fused(model, validation).to_record()
        model = saved(Calibration.identity(heads.signals), fusion=fusion)
    tell("calibrating on the validation part")
    decisions = fit_decisions(model, validation, recipe.settings.seed)
    model = saved(decisions.calibration)
    model = saved(
        decisions.calibration, **asdict(fit_tags(model, validation, decisions.thresholds))
    )
    if any(BY_NAME[signal].level is Level.ARTICLE for signal in heads.signals):
        tell("fitting what an article's sentences say of it")
        stage, least = fit_articles(model, data.part("train"), ordinary_articles(data, root))
        if stage.outputs.weights:
            model = saved(decisions.calibration, articles=stage.to_record())
            decisions = fit_decisions(model, validation, recipe.settings.seed).at_least(least)
    return heads, decisions


def _sum_up(
    model: TfidfModel | TransformerModel,
    data: Data,
    decisions: Decisions,
    seed: int,
    tell: Tell,
    folder: Path,
) -> None:
    """Write down what a model learned from, so that it is known what lies far from it."""
    tell("summing up what it learned from")
    validation = data.part("validation")
    proba = decisions.calibration.apply(model.logits(validation.sentences))
    found = fit_domain(model, data.part("train"), validation, proba, seed)
    if found is not None:
        found.save(folder)


def _fused(model: TransformerModel, validation: Examples) -> Fusion:
    """Fit fusion on the validation rows of corpora that label by the guidelines."""
    from framescope.training.transformer import Heard, fit_fusion

    cards = {name: find(name).card for name in set(validation.corpus.tolist())}
    by_guidelines = {n for n, c in cards.items() if "attributed" in c.signals and not c.other_sense}
    ours = np.isin(validation.corpus, sorted(by_guidelines))
    rows = validation.where(ours)
    found = model.predict(rows.sentences)
    resolved = resolve_said(found.typed.said, rows.sentences, model.registry)
    return fit_fusion(rows, Heard(resolved, found.logits, model.signals, found.state_media))
