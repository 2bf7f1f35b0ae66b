"""From the rows of a run to a bundle: fit, calibrate on the validation part, write.

Continued training: a few hundred labels pull an encoder towards one outlet and a few signals. So
the outputs of the bundle that it starts from are learned except where an added label speaks
(learning without forgetting: Li and Hoiem, 2016, doi:10.1007/978-3-319-46493-0_37), and the
recipe's corpora are read again (replay). Decisions are fitted for new signals only. Where nothing
is added, the bundle labels text without labels, and all decisions are fitted anew.
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from framescope.classifier import bundles, models
from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.training import DEFAULT_SEED, transformer
from framescope.training.baseline import BaselineTrainer
from framescope.training.calibration.articles import extend_domain, fit_articles, fit_domain
from framescope.training.calibration.decisions import Decisions, fit_decisions, fit_tags
from framescope.training.calibration.languages import languages_of, measure_languages
from framescope.training.card import write_bundle
from framescope.training.corpora import ADDED, find_corpus
from framescope.training.data import Data, choose_unlabelled, ordinary_articles
from framescope.training.recipes import BaselineSettings, TransformerSettings
from framescope.training.runs.folder import CHECKPOINT, TARGETS, TrainingRun, run_folder
from framescope.training.transformer import StartingBundle, Teacher, TransformerTrainer
from framescope.training.transformer.training import held_out_rows

Tell = Callable[[str], None]  # called with one line per step

_SAMPLES, _SAMPLES_CONTINUED = 300, 200  # passages by which int8 is scaled
_REPLAYED = 2000  # sentences beside the added ones that the bundle labels
_UNLABELLED = 60_000  # sentences without labels that it labels where nothing is added


def train_baseline(
    data: Data,
    output: Path,
    settings: BaselineSettings | None = None,
    seed: int = DEFAULT_SEED,
    *,
    tell: Tell = lambda line: None,
    run: TrainingRun | None = None,
    name: str | None = None,
) -> None:
    """Train the baseline and write its bundle, named `name`, else after its folder."""
    bundles.check_writable(output)
    settings = settings or BaselineSettings()
    trainer = BaselineTrainer(settings, seed, data.outlets, tell).fit(data.examples)
    if run is not None:
        run.keep_trials(trainer)
    tell("calibrating on the validation part")
    decisions = fit_decisions(trainer.model, data.part("validation"), seed)
    chosen = {signal: choice.to_record() for signal, choice in trainer.choices.items()}

    def save(folder: Path) -> None:
        trainer.model.save(folder)
        _sum_up(trainer.model, data, decisions, seed, tell, folder)

    more = measure_languages(trainer.model, decisions, data, seed)
    write_bundle(data, output, "baseline", seed, chosen, decisions, save, name, more)


def train_transformer(
    data: Data,
    output: Path,
    encoder: Path,
    settings: TransformerSettings,
    *,
    root: Path | None = None,
    teacher: Teacher | None = None,
    **keep: Any,
) -> None:
    """Fine-tune the transformer, with a checkpoint beside its bundle, and write the bundle."""
    bundles.check_writable(output)
    job, targets, origin = _Job(data, output, encoder, settings, **keep), None, {}
    if teacher is not None:
        targets = job.taught(teacher, root)
        origin = {"teacher": teacher.describe(targets)}
        job.tell("fine-tuning the student")
    trainer = job.trainer(targets=targets).fit(data.examples)
    samples = trainer.samples(data.part("train"), _SAMPLES)
    job.write(trainer, trainer.heads(), samples, partial(_decide, job, trainer, root), origin, {})


def continue_training(
    data: Data,
    output: Path,
    start: StartingBundle,
    encoder: Path,
    settings: TransformerSettings,
    *,
    root: Path | None = None,
    **keep: Any,
) -> None:
    """Fine-tune a bundle on added rows and those that are read again, as `train_transformer`."""
    bundles.check_writable(output)
    data = replace(data, seen=data.seen | bundles.read_seen(start.folder))
    job = _Job(data, output, encoder, settings, **keep)
    targets, kept, adds = None, run_folder(output) / TARGETS, ADDED in data.corpora
    if start.manifest.get("heads"):
        what = "its heads are left behind; --add the labels that they were fitted on too"
        job.tell(f"{start.manifest['name']}: {what}")
    if settings.taught_weight:
        job.tell(f"labelling these rows by {start.manifest['name']}")
        before = job.trainer(start=start)
        rows = before.prepare(data.examples)
        if adds or root is None:
            names, counts = np.unique(rows.article[rows.corpus != ADDED], return_counts=True)
            order = np.random.default_rng(settings.seed).permutation(len(names))
            again = names[order[np.cumsum(counts[order]) <= _REPLAYED]]
            rows = rows.where((rows.corpus == ADDED) | np.isin(rows.article, again))
        else:
            rows = start.widened(choose_unlabelled(data, (), root, _UNLABELLED).examples)
        targets = transformer.make_targets(
            before, transformer.without_labels(rows), kept, progress=job.progress
        )
        given = np.c_[~np.isnan(rows.labels), [one is not None for one in rows.citations]]
        new = *(signal not in start.heads.signals for signal in rows.signals), not start.cites
        targets = replace(targets, ignored=given & (rows.corpus == ADDED)[:, None] | new)
    job.tell("fine-tuning")
    trainer = job.trainer(targets=targets, start=start).fit(data.examples)
    if settings.start_share:
        start.average(trainer.network, trainer.signals, trainer.tags, settings.start_share)
    origin: dict[str, Any] = {
        "start": {"name": start.manifest["name"], "digest": start.identity},
        **{k: v for k, v in start.manifest["settings"].items() if k == "teacher"},
    }
    if adds:
        heads, count = _kept(start.heads, trainer), _SAMPLES_CONTINUED
        decide = partial(_decide_new, job, heads, start)
        carried = _carried(start.manifest, data)
    else:
        origin["start"]["decisions"] = "anew"
        heads, count, carried = trainer.heads(), _SAMPLES, {}
        decide = partial(_decide, job, trainer, root)
    samples = trainer.samples(start.widened(data.part("train")), count)
    job.write(trainer, heads, samples, decide, origin, carried)
    shutil.rmtree(kept, ignore_errors=True)


@dataclass(frozen=True)
class _Job:
    """A transformer to be trained, and what is told and kept on its way into a bundle."""

    data: Data
    output: Path
    encoder: Path
    settings: TransformerSettings
    tell: Tell = lambda line: None
    progress: transformer.Progress | None = None
    run: TrainingRun | None = None
    name: str | None = None
    device: torch.device = field(default_factory=transformer.choose_device)

    def trainer(self, **more: Any) -> TransformerTrainer:
        curve = self.run and self.run.curves
        more |= {"registry": self.data.outlets, "curve": curve, "device": self.device}
        checkpoints = run_folder(self.output) / CHECKPOINT
        return TransformerTrainer(self.encoder, self.settings, checkpoints, self.progress, **more)

    def taught(self, teacher: Teacher, root: Path | None) -> transformer.DistillationTargets:
        """Fine-tune a teacher and let it label, except for what is kept of an earlier run."""
        data = self.data
        # A fault of the student is reported now, not when its teacher has trained for hours.
        self.trainer().prepare(data.examples)
        if limits := teacher.check(self.encoder):
            self.tell(limits)
        self.tell("choosing articles for the teacher to label")
        chosen = choose_unlabelled(data, teacher.texts, root, teacher.sentences)
        rows = chosen.examples
        told = f"{len(rows):,} sentences; left out: {chosen.of_outlets:,} articles of outlets that"
        told += f" are tested on, {chosen.alike:,} nearly the same as one kept back"
        self.tell(f"{told}, and {chosen.repeated:,} sentences that are")
        self.tell("fine-tuning the teacher")
        trained = teacher.learn(data.examples, data.outlets, self.progress)
        return transformer.make_targets(trained, rows, teacher.folder, progress=self.progress)

    def model(self, folder: Path, calibration: models.Calibration) -> models.TransformerModel:
        """Load what was exported."""
        return models.load_transformer(folder, calibration, self.data.outlets)

    def write(
        self,
        trainer: TransformerTrainer,
        heads: models.Heads,
        samples: Sequence[models.Batch],
        decide: Callable[[Path], Decisions],
        origin: Mapping[str, Any],
        carried: Mapping[str, Any],
    ) -> None:
        """Export the network, let `decide` fit decisions on the export, and write the bundle."""
        encoder, seed = transformer.describe_encoder(self.encoder), self.settings.seed
        settings = {"encoder": encoder, **trainer.settings.model_dump(), **origin}
        with tempfile.TemporaryDirectory() as temporary:
            exact, folder = Path(temporary, "float32"), Path(temporary, "int8")
            exact.mkdir()
            self.tell("exporting to ONNX, int8")
            transformer.export(trainer.network, heads, self.encoder / models.TOKENIZER, exact)
            shutil.copytree(exact, folder)
            transformer.quantise(folder, samples)
            decisions = decide(folder)
            self.tell("comparing int8 with float32")
            shutil.copyfile(folder / models.HEADS, exact / models.HEADS)
            rows = held_out_rows(self.data.examples, seed).sentences
            exported = (self.model(one, decisions.calibration) for one in (folder, exact))
            flags = [decisions.flags(model.predict(rows).logits) for model in exported]
            agreement = float((flags[0] == flags[1]).mean())
            same = f"{agreement:.2%} of {len(rows):,} sentences"
            self.tell(f"int8 decides as float32 does in {same}")
            figures = {"int8_agreement": round(agreement, 4)}
            more: dict[str, Any] = {**figures, **carried}
            if "measured" not in more and len(languages_of(self.data)) > 1:
                self.tell("measuring by language")
                model = self.model(folder, decisions.calibration)
                more |= measure_languages(model, decisions, self.data, seed)
            write_bundle(
                *(self.data, self.output, "transformer", seed, settings, decisions),
                save=partial(shutil.copytree, folder, dirs_exist_ok=True),
                name=self.name,
                more=more,
            )
        if self.run is not None:
            self.run.figures.update(figures)
        trainer.discard_checkpoint()


def _decide(job: _Job, trainer: TransformerTrainer, root: Path | None, folder: Path) -> Decisions:
    """Fit citations, calibration, spans and articles, each saved and read by those that follow."""
    data, tell, seed, heads = job.data, job.tell, job.settings.seed, trainer.heads()
    validation, nothing = data.part("validation"), models.Calibration.identity(heads.signals)

    def saved(calibration: models.Calibration, **changes: Any) -> models.TransformerModel:
        nonlocal heads
        heads = replace(heads, **changes)
        heads.save(folder)
        return job.model(folder, calibration)

    model = job.model(folder, nothing)
    if trainer.network.citations is not None:
        tell("fitting the citation scorer")
        model = saved(nothing, fusion=_citation_scorer(model, data).to_record())
    tell("calibrating on the validation part")
    decisions = fit_decisions(model, validation, seed)
    model = job.model(folder, decisions.calibration)
    rule = fit_tags(model, validation, decisions.thresholds)
    model = saved(decisions.calibration, **rule._asdict())
    if any(BY_NAME[signal].level is Level.ARTICLE for signal in heads.signals):
        tell("fitting articles on the signals of their sentences")
        stage, least = fit_articles(model, data.part("train"), ordinary_articles(data, root))
        if stage.outputs.weights:
            model = saved(decisions.calibration, articles=stage.to_record())
            decisions = fit_decisions(model, validation, seed).at_least(least)
            model = job.model(folder, decisions.calibration)
    _sum_up(model, data, decisions, seed, tell, folder)
    return decisions


def _sum_up(
    model: models.Model, data: Data, decisions: Decisions, seed: int, tell: Tell, folder: Path
) -> None:
    """Write what a model learned from, for the distance of what lies far from it."""
    tell("summing up the training data")
    parts = data.part("train"), data.part("validation")
    found = fit_domain(model, *parts, decisions.calibration, seed)
    if found is not None:
        found.save(folder)


def _citation_scorer(model: models.TransformerModel, data: Data) -> models.CitationScorer:
    """Fit the scorer on the validation rows of corpora that label by the guidelines."""
    cards = [find_corpus(name).card for name in sorted(set(data.examples.corpus.tolist()))]
    names = [card.name for card in cards if "attributed" in {*card.signals} - {*card.other_sense}]
    ours = data.examples.where(np.isin(data.examples.corpus, names))
    train, rows = (ours.where(ours.part == part) for part in ("train", "validation"))
    named = [any(one.speaker for one in row or ()) for row in train.citations]
    train = train.where(np.isin(train.article, train.article[named]))
    of_train, found = model.encode(train.sentences), model.encode(rows.sentences)
    links = [of_train.links or [], found.links or []]
    speakers = transformer.fit_speakers(train, rows, links, model.registry)
    raw = [one.raw for one in found.typed]
    resolved = models.resolve_raw_citations(raw, rows.sentences, model.registry, links[1], speakers)
    scorer = transformer.fit_citation_scorer(
        rows, resolved, found.logits, model.signals, found.state_media
    )
    return replace(scorer, speakers=speakers)


def _kept(before: models.Heads, trainer: TransformerTrainer) -> models.Heads:
    """Return the heads of a new network with what was fitted on those it started from."""
    now = trainer.heads()
    thresholds = dict(zip(before.tags, before.tag_thresholds, strict=True))
    limits = tuple(thresholds.get(tag, 0.0) for tag in now.tags)
    of_now = {name: getattr(now, name) for name in ("signals", "tags", "gain", "placeholders")}
    return replace(before, tag_thresholds=limits, **of_now)


def _decide_new(job: _Job, heads: models.Heads, start: StartingBundle, folder: Path) -> Decisions:
    """Keep what decides on the signals there were; fit it for those that are new."""
    train, validation = (start.widened(job.data.part(part)) for part in ("train", "validation"))
    manifest = start.manifest
    lines, limits = dict(manifest["calibration"]), dict(manifest["thresholds"])
    new = [signal for signal in heads.signals if signal not in limits]
    if new:
        job.tell(f"calibrating what is new on the validation part: {', '.join(new)}")
        model = job.model(folder, models.Calibration.identity(heads.signals))
        fitted = fit_decisions(model, validation, job.settings.seed)
        lines = fitted.calibration.to_record() | lines
        limits = dict(fitted.thresholds) | limits
    ordered = models.Calibration.from_record({signal: lines[signal] for signal in heads.signals})
    thresholds = {signal: limits[signal] for signal in heads.signals}
    of_corpora, unsure = manifest.get("thresholds_elsewhere", {}), manifest.get("experimental", ())
    decisions = Decisions(ordered, thresholds, of_corpora, tuple(unsure))
    if set(new) & set(heads.tags):
        model = job.model(folder, ordered)
        fitted_tags = fit_tags(model, validation, thresholds).tag_thresholds
        pairs = zip(heads.tags, fitted_tags, heads.tag_thresholds, strict=True)
        chosen = tuple(fresh if tag in new else kept for tag, fresh, kept in pairs)
        replace(heads, tag_thresholds=chosen).save(folder)
    if start.domain is not None:
        model = job.model(folder, ordered)
        own, held = (rows.where(rows.corpus == ADDED) for rows in (train, validation))
        proba = ordered.apply(model.predict(validation.sentences).logits)
        proba, signals = proba[validation.corpus == ADDED], start.heads.signals
        extend_domain(start.domain, signals, model, own, held, proba).save(folder)
    return decisions


def _carried(before: Mapping[str, Any], data: Data) -> dict[str, Any]:
    """Return a manifest's record of what was learned before, of the split, and of languages."""
    again = set(data.corpora) - {ADDED}
    earlier = [*before.get("earlier_corpora", ())]
    earlier += [one for one in before["corpora"] if one["name"] not in again]
    split = {**before["split"], "added": dict(data.added)}
    languages = sorted({*before["languages"], *languages_of(data)})
    measured = {key: one for key, one in before.items() if key == "measured"}
    return {"earlier_corpora": earlier, "split": split, "languages": languages, **measured}
