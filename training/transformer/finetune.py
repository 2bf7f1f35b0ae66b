"""The transformer: one encoder, fine-tuned on every corpus together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from framescope.classifier.errors import TrainingError
from framescope.classifier.models import (
    Batch,
    Heads,
    Packer,
    Passage,
    Reader,
    TextForm,
    Tokens,
    by_length,
    form_of,
    pool_articles,
    with_rows,
)
from framescope.classifier.models import digest_of_names as digest
from framescope.classifier.records import Sentence
from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.training.data import UNLABELLED, Examples
from framescope.training.transformer.encoder import FramingEncoder, describe, read_tokenizer
from framescope.training.transformer.lessons import Lessons, Taught
from framescope.training.transformer.roles import CitationTargets, CitationWeights
from framescope.training.transformer.run import Checkpoint, Settings, adamw, pace, seed_step
from framescope.training.transformer.start import Start
from framescope.training.transformer.targets import Schedule, Targets, pool
from framescope.training.transformer.watching import Best, Watched, held_out_rows
from numpy.typing import NDArray

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry

Progress = Callable[[int, int, str], None]  # steps done, steps in all, what to say
Curve = Callable[[int, Mapping[str, float]], None]  # a step, and what was measured at it

_INFERENCE_TOKENS = 4096  # of a batch, padding included; only memory limits it
_SAMPLE_TOKENS = 1024
_CURVE_EVERY = 20  # steps


class TransformerRecipe:
    """Fine-tunes `FramingEncoder`.

    Parameters
    ----------
    encoder : pathlib.Path
        A local Hugging Face model folder with ``tokenizer.json``.
    settings : Settings
    checkpoints : pathlib.Path or None
        Where to keep a checkpoint while training; a run found there is resumed.
    progress : callable or None
        Called with the steps done, the steps in all and a line to show.
    checkpoint_every : int
        Steps.
    registry : Registry or None
        Whose outlets are read as placeholders; without it names are read as they are.
    lessons : Lessons or None
        What a teacher says of rows without labels, to be learned beside the labels.
    start : Start or None
        A bundle whose weights it starts from; the encoder is then the one that it grew from.
    curve : callable or None
        Called with a step and what was measured there: ``loss`` (the running mean),
        ``learning_rate``, and after each epoch ``validation_loss``, where epochs are watched.

    Attributes
    ----------
    network_ : FramingEncoder
    packer_ : Packer
    signals_ : tuple of str
        Columns of the votes.
    tags_ : tuple of str
        Columns of the tags: the span signals among ``signals_``.
    """

    def __init__(
        self,
        encoder: Path,
        settings: Settings,
        checkpoints: Path | None = None,
        progress: Progress | None = None,
        checkpoint_every: int = 200,
        registry: Registry | None = None,
        lessons: Lessons | None = None,
        start: Start | None = None,
        curve: Curve | None = None,
    ) -> None:
        self.encoder = encoder
        self.settings = settings if start is None else start.settings(settings)
        self.checkpoints = checkpoints
        self.progress = progress
        self.checkpoint_every = checkpoint_every
        self.registry = registry
        self.lessons = lessons
        self.start = start
        self.curve = curve
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def fit(self, examples: Examples) -> TransformerRecipe:
        """Fine-tune on the rows of the training part.

        Raises
        ------
        TrainingError
            When there is nothing to train on, the encoder can't be read, or a checkpoint found
            belongs to another run.
        KeyboardInterrupt
            Passed on, after a checkpoint is written.
        """
        train = self.prepare(examples)
        labelled = len(train)
        if self.lessons is not None:
            train = train.followed_by(self.lessons.rows)
        tokens = self.read(train)
        chosen = self.settings
        shares = {**chosen.shares, UNLABELLED: chosen.taught_passes / max(chosen.epochs, 1)}
        schedule = Schedule(train, self.packer_, tokens, shares, chosen.batch_tokens, chosen.seed)
        epochs = [schedule.epoch(number) for number in range(chosen.epochs)]
        held_out = self._held_out(examples) if chosen.patience else None
        self._run(train, tokens, epochs, labelled, held_out)
        self.network_.eval()
        return self

    def prepare(self, examples: Examples) -> Examples:
        """Make the network as training begins with it, and give the rows of the training part.

        Raises `TrainingError` when there are none, or the encoder can't be read.
        """
        train = examples.where(examples.part == "train")
        if not len(train.sentences):
            raise TrainingError("no training rows; are the corpora there? see: framescope corpora")
        if self.start is not None:
            self.start.check_encoder(self.encoder)
            train = self.start.widened(train)
        chosen = self.settings
        torch.manual_seed(chosen.seed)
        self.signals_ = train.signals
        self.tags_ = tuple(s for s in self.signals_ if BY_NAME[s].level is Level.SPAN)
        self.packer_ = Packer(
            read_tokenizer(self.encoder), chosen.max_tokens, chosen.context, Reader(self.registry)
        )
        self.network_ = FramingEncoder(
            self.encoder,
            len(self.signals_),
            len(self.tags_),
            freeze_embeddings=chosen.freeze_embeddings,
            dropout=chosen.dropout,
            cites=any(given is not None for given in train.citations)
            or (self.start is not None and self.start.cites),
            bridge=self.lessons.width if self.lessons and chosen.hidden_weight else None,
        )
        self._check_length()
        self._start_at_prevalence(train)
        if self.start is not None:
            self.start.put(self.network_, self.signals_, self.tags_)
        return train

    def read(self, rows: Examples) -> list[Tokens]:
        """Read each row in the form of its labels; typed, where it has labels of both.

        Rows of an article without labels are read in one of the forms, every other article in each.
        """
        neutral, typed, _ = self.packer_.tokenize_both(rows.sentences)
        columns = [form_of(signal) is TextForm.TYPED for signal in self.signals_]
        by_type = [not np.isnan(row).all() for row in rows.labels[:, columns]]
        for row in np.flatnonzero(rows.corpus == UNLABELLED):
            by_type[row] = hashlib.sha256(rows.article[row].encode()).digest()[0] % 2 == 0
        return [
            one if chosen else other
            for one, other, chosen in zip(typed, neutral, by_type, strict=True)
        ]

    def _check_length(self) -> None:
        """Find out now, and not at the first long passage, that the encoder takes no such length.

        Raises `TrainingError` when it takes none.
        """
        longest = self.settings.max_tokens
        try:
            with torch.no_grad():
                self.network_(
                    torch.zeros(1, longest, self.network_.vote.in_features),
                    torch.ones(1, longest, dtype=torch.int64),
                )
        except (IndexError, RuntimeError):
            raise TrainingError(
                f"{self.encoder}: reads no passages of {longest} tokens; lower max_tokens with "
                "--settings FILE"
            ) from None

    def _start_at_prevalence(self, train: Examples) -> None:
        """Start each vote at its signal's log-odds, so that rare signals don't begin at 0.5."""
        known = np.maximum((~np.isnan(train.labels)).sum(axis=0), 1)
        share = np.clip(np.nansum(train.labels, axis=0) / known, 0.001, 0.999)
        with torch.no_grad():
            self.network_.vote.bias.copy_(torch.from_numpy(np.log(share / (1 - share))))
            self.network_.tag.bias.fill_(-3.0)  # about one token in twenty lies in a span

    def heads(self) -> Heads:
        """What the network's outputs mean, for serving; tags count from an even chance."""
        gain = tuple(float(g) for g in self.network_.gain.detach())
        return Heads(
            self.signals_,
            self.tags_,
            gain,
            (0.0,) * len(self.tags_),
            self.settings.max_tokens,
            self.settings.context,
            self.registry is not None,
        )

    @torch.no_grad()
    def logits(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """Log-odds of the network in float32, shape (n_sentences, n_signals).

        What is served is the int8 export; this is what it is held against.
        """
        neutral, typed, differing = self.packer_.tokenize_both(sentences)
        found = self._logits(neutral, self.packer_.pack(sentences, neutral))
        passages = with_rows(self.packer_.pack(sentences, typed), differing)
        rows = [row for passage in passages for row in passage.rows]
        columns = [i for i, s in enumerate(self.signals_) if form_of(s) is TextForm.TYPED]
        found[np.ix_(rows, columns)] = self._logits(typed, passages)[np.ix_(rows, columns)]
        articles = [i for i, s in enumerate(self.signals_) if BY_NAME[s].level is Level.ARTICLE]
        return pool_articles(found, sentences, articles)

    def _logits(self, tokens: Sequence[Tokens], passages: Sequence[Passage]) -> NDArray[np.float32]:
        """Log-odds of the sentences of some passages, 0 for the others."""
        columns = [self.signals_.index(tag) for tag in self.tags_]
        found = np.zeros((len(tokens), len(self.signals_)), np.float32)
        for group in by_length(passages, _INFERENCE_TOKENS):
            batch = self.packer_.batch(group, tokens)
            embedded = self.network_.embed(torch.from_numpy(batch.ids))
            votes, tags, *_ = self.network_(embedded, torch.from_numpy(batch.mask))
            pooled = pool(votes, tags, self.network_.gain, batch.places, columns)
            found[batch.places[:, 1]] = pooled.numpy()
        return found

    def samples(self, examples: Examples, count: int) -> list[Batch]:
        """Draw passages of some rows, by which int8 is scaled, in small batches by length."""
        rng = np.random.default_rng(self.settings.seed)
        tokens = self.read(examples)
        passages = self.packer_.pack(examples.sentences, tokens)
        drawn = [passages[i] for i in rng.permutation(len(passages))[:count]]
        return [self.packer_.batch(g, tokens) for g in by_length(drawn, _SAMPLE_TOKENS)]

    def discard_checkpoint(self) -> None:
        """Delete the checkpoint, once what was trained is safe."""
        if self.checkpoints is not None:
            Checkpoint(self.checkpoints, {}).discard()

    def _held_out(self, examples: Examples) -> Watched:
        """The rows on which a training watches itself."""
        rows = held_out_rows(examples, self.settings.seed)
        rows = rows if self.start is None else self.start.widened(rows)
        return Watched(rows, self.read(rows))

    @torch.no_grad()
    def _loss_of(self, watched: Watched) -> float:
        network, columns = self.network_, [self.signals_.index(tag) for tag in self.tags_]
        passages = self.packer_.pack(watched.rows.sentences, watched.tokens)
        logits = torch.zeros(len(watched.rows), len(self.signals_))
        network.eval()
        for group in by_length(passages, _INFERENCE_TOKENS):
            batch = self.packer_.batch(group, watched.tokens)
            votes, tags, *_ = self._outputs(batch)[0]
            gain = network.gain.cpu()
            logits[batch.places[:, 1]] = pool(votes, tags, gain, batch.places, columns)
        network.train()
        return watched.loss(logits, self.settings.weights)

    def _outputs(self, batch: Batch) -> tuple[list[torch.Tensor], torch.Tensor]:
        """What the network says of a batch, and its vectors, in float32 and on the CPU.

        The encoder runs where there is a GPU there; losses are small, and computed in one place.
        """
        with torch.autocast(self.device.type, torch.bfloat16):
            vectors = self.network_.vectors(
                self.network_.embed(torch.from_numpy(batch.ids).to(self.device)),
                torch.from_numpy(batch.mask).to(self.device),
            )
            outputs = self.network_.read(vectors)
        return [output.float().cpu() for output in outputs], vectors

    def _run(
        self,
        train: Examples,
        tokens: Sequence[Tokens],
        epochs: Sequence[Sequence[Sequence[Passage]]],
        labelled: int,
        held_out: Watched | None,
    ) -> None:
        chosen = self.settings
        batches = [batch for epoch in epochs for batch in epoch]
        ends = set(np.cumsum([len(epoch) for epoch in epochs]).tolist())
        self.network_.to(self.device)
        optimizer = adamw(self.network_, chosen)
        rates = [group["lr"] for group in optimizer.param_groups]
        checkpoint, best = None, Best()
        done = 0
        if self.checkpoints is not None:
            checkpoint = Checkpoint(self.checkpoints, self._run_of(train, len(batches)))
            done = checkpoint.restore(self.network_, optimizer)
            best = checkpoint.best()
        targets = Targets(train, tokens, self.tags_, chosen.weights, chosen.tag_weight)
        cited = CitationTargets(train, tokens, CitationWeights())
        taught = None
        if self.lessons is not None:
            columns = targets.tag_columns
            taught = Taught(self.lessons, labelled, tokens, columns, targets.weights, chosen)
        trained = [p for p in self.network_.parameters() if p.requires_grad]
        self.network_.train()
        running, whole = 0.0 if checkpoint is None else checkpoint.loss(), True
        try:
            while done < len(batches) and not best.given_up(chosen.patience):
                seed_step(chosen.seed, done)
                for group, rate in zip(optimizer.param_groups, rates, strict=True):
                    group["lr"] = rate * pace(done, len(batches), chosen.warmup)
                batch = self.packer_.batch(batches[done], tokens)
                outputs, vectors = self._outputs(batch)
                votes, tags, *of_citations = outputs
                gain = self.network_.gain.cpu()
                loss = targets.loss(votes, tags, gain, batch)
                if of_citations and chosen.citation_weight:
                    roles, links, kinds = of_citations
                    more = cited.loss((roles, links, kinds), batch)
                    loss = loss if more is None else loss + chosen.citation_weight * more
                if taught is not None:
                    bridge = self.network_.bridge
                    near = vectors if bridge is None else bridge(vectors.float()).cpu()
                    more = taught.loss(outputs, gain, None if bridge is None else near, batch)
                    loss = loss if more is None else loss + more
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(trained, 1.0)
                whole = False
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                running = 0.98 * running + 0.02 * loss.item() if done else loss.item()
                done, whole = done + 1, True
                if self.progress is not None:
                    self.progress(done, len(batches), f"fine-tuning, loss {running:.3f}")
                measured = {"loss": running, "learning_rate": optimizer.param_groups[0]["lr"]}
                if held_out is not None and done in ends:
                    found = self._loss_of(held_out)
                    measured["validation_loss"] = found
                    best = best.with_epoch(found, self.network_)
                if self.curve is not None and (done % _CURVE_EVERY == 0 or done in ends):
                    self.curve(done, measured)
                if checkpoint is not None and (
                    done % self.checkpoint_every == 0 or "validation_loss" in measured
                ):
                    checkpoint.save(done, self.network_, optimizer, best, running)
        except KeyboardInterrupt:
            # Within an update some weights have moved and some not: the checkpoint before stands.
            if checkpoint is not None and whole:
                checkpoint.save(done, self.network_, optimizer, best, running)
            raise
        if checkpoint is not None:
            checkpoint.save(done, self.network_, optimizer, best, running)
        if best.weights is not None:
            self.network_.load_state_dict(best.weights)
        self.network_.cpu()

    def identity(self, examples: Examples) -> str:
        """SHA-256 of all that the trained network follows from."""
        run = self._run_of(examples.where(examples.part == "train"), 0)
        return hashlib.sha256(json.dumps(run, sort_keys=True).encode()).hexdigest()

    def _run_of(self, train: Examples, steps: int) -> dict[str, Any]:
        """What a checkpoint must agree on to be resumed."""
        return {
            "settings": asdict(self.settings),
            "encoder": describe(self.encoder),
            "signals": list(self.signals_),
            "data": _digest(train),
            "names": None if self.registry is None else digest(self.registry),
            "lessons": None if self.lessons is None else self.lessons.identity,
            "start": None if self.start is None else self.start.identity,
            "steps": steps,
        }


def _digest(train: Examples) -> str:
    """SHA-256 of what is learned from."""
    found = hashlib.sha256(train.labels.tobytes())
    rows = zip(train.sentences, train.spans, train.citations, train.corpus.tolist(), strict=True)
    for row in rows:
        found.update(repr(row).encode())
    return found.hexdigest()
