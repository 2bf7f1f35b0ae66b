"""Fine-tune one encoder on every corpus together, from a checkpoint where there is one."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from framescope.classifier import models
from framescope.classifier.errors import TrainingError
from framescope.classifier.files import replacing
from framescope.classifier.outlets import Registry
from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.training.data import UNLABELLED, Examples
from framescope.training.recipes import TransformerSettings
from framescope.training.transformer.encoder import (
    FramingEncoder,
    StartingBundle,
    choose_device,
    describe_encoder,
    precision_of,
    read_tokenizer,
)
from framescope.training.transformer.targets import DistillationTargets, Schedule, losses, pool
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.optim import AdamW, Optimizer

Progress = Callable[[int, int, str], None]  # steps done, steps in all, a line to show
Curve = Callable[[int, Mapping[str, float]], None]  # a step, and what was measured at it

_INFERENCE_TOKENS = 4096  # of a batch, padding included; only memory limits it
_SAMPLE_TOKENS = 1024
_CURVE_EVERY = 20  # steps
_CHECKPOINT = "checkpoint.safetensors"
_MOST_WATCHED = 4000  # held-out sentences: their loss is to cost little of an epoch


@dataclass(eq=False)
class TransformerTrainer:
    """Fine-tunes `FramingEncoder`, from a local model folder or from a bundle.

    A checkpoint is kept in `checkpoints` while training, and resumed if there is one. Without a
    registry outlets' names are read as they are. `curve` is called with a step and what was
    measured there. `signals` are the columns of the votes, and `tags` the span signals among them.
    The network computes on `device`, and comes back to the CPU.
    """

    encoder: Path
    settings: TransformerSettings
    checkpoints: Path | None = None
    progress: Progress | None = None
    _: KW_ONLY
    checkpoint_every: int = 200
    registry: Registry | None = None
    targets: DistillationTargets | None = None
    start: StartingBundle | None = None
    curve: Curve | None = None
    device: torch.device = field(default_factory=choose_device)
    network: FramingEncoder = field(init=False)
    packer: models.Packer = field(init=False)
    signals: tuple[str, ...] = field(init=False)
    tags: tuple[str, ...] = field(init=False)
    precision: torch.dtype = field(init=False)

    def __post_init__(self) -> None:
        if self.start is not None:
            heads = self.start.heads  # passages are as long as those it was trained on
            changed = {"max_tokens": heads.max_tokens, "context": heads.context}
            self.settings = self.settings.changed(**changed)
        self.precision = precision_of(self.device)

    def fit(self, examples: Examples) -> TransformerTrainer:
        """Fine-tune on the rows of the training part.

        Raises `TrainingError` when there is nothing to train on, the encoder can't be read, or a
        checkpoint is of another training; passes KeyboardInterrupt on, after writing a checkpoint.
        """
        train, chosen = self.prepare(examples), self.settings
        if self.targets is not None:
            train = train.followed_by(self.targets.rows)
        tokens = self.read(train)
        held_out = None
        if chosen.patience:
            rows = self._widened(held_out_rows(examples, chosen.seed))
            held_out = rows, self.read(rows)
        self._run(train, tokens, held_out)
        self.network.eval()
        return self

    def prepare(self, examples: Examples) -> Examples:
        """Make the network as training begins with it, and return the rows of the training part."""
        train = examples.where(examples.part == "train")
        if not len(train.sentences):
            raise TrainingError("no training rows; are the corpora there? see: framescope corpora")
        if self.start is not None:
            self.start.check_encoder(self.encoder)
        train = self._widened(train)
        chosen = self.settings
        torch.manual_seed(chosen.seed)
        self.signals = train.signals
        self.tags = tuple(s for s in self.signals if BY_NAME[s].level is Level.SPAN)
        tokenizer, reader = read_tokenizer(self.encoder), models.Reader(self.registry)
        self.packer = models.Packer(tokenizer, chosen.max_tokens, chosen.context, reader)
        self.network = FramingEncoder(
            self.encoder,
            len(self.signals),
            len(self.tags),
            freeze_embeddings=chosen.freeze_embeddings,
            dropout=chosen.dropout,
            cites=any(given is not None for given in train.citations)
            or (self.start is not None and self.start.cites),
        )
        self._check_length()
        self._start_at_prevalence(train)
        if self.start is not None:
            self.start.put(self.network, self.signals, self.tags)
        return train

    def _widened(self, rows: Examples) -> Examples:
        return rows if self.start is None else self.start.widened(rows)

    def _check_length(self) -> None:
        """Raise `TrainingError` now, and not at the first long passage, if that can't be read."""
        longest = self.settings.max_tokens
        embedded = torch.zeros(1, longest, self.network.vote.in_features)
        try:
            with torch.no_grad():
                self.network(embedded, torch.ones(1, longest, dtype=torch.int64))
        except (IndexError, RuntimeError):
            raise TrainingError(
                f"{self.encoder}: reads no passages of {longest} tokens; lower max_tokens under "
                "[transformer] in a recipe"
            ) from None

    def _start_at_prevalence(self, train: Examples) -> None:
        """Start each vote at its signal's log-odds, so that rare signals don't begin at 0.5."""
        known = np.maximum((~np.isnan(train.labels)).sum(axis=0), 1)
        share = np.clip(np.nansum(train.labels, axis=0) / known, 0.001, 0.999)
        with torch.no_grad():
            self.network.vote.bias.copy_(torch.from_numpy(np.log(share / (1 - share))))
            self.network.tag.bias.fill_(-3.0)  # about one token in twenty lies in a span

    def read(self, rows: Examples) -> list[models.Tokens]:
        """Tokenize each row in the form of its labels; typed, where it has labels of both.

        Rows of an article without labels are read in one of the forms, every other article in each.
        """
        neutral, typed, _ = self.packer.tokenize_both(rows.sentences)
        columns = [models.form_of(signal) is models.TextForm.TYPED for signal in self.signals]
        by_type = [not np.isnan(row).all() for row in rows.labels[:, columns]]
        for row in np.flatnonzero(rows.corpus == UNLABELLED):
            by_type[row] = hashlib.sha256(rows.article[row].encode()).digest()[0] % 2 == 0
        return [(typed if chosen else neutral)[row] for row, chosen in enumerate(by_type)]

    def heads(self) -> models.Heads:
        """Return what the network's outputs mean, for serving; tags count from an even chance."""
        gain, thresholds = tuple(self.network.gain.tolist()), (0.0,) * len(self.tags)
        length, context = self.settings.max_tokens, self.settings.context
        typed = self.registry is not None
        return models.Heads(self.signals, self.tags, gain, thresholds, length, context, typed)

    def samples(self, examples: Examples, count: int) -> list[models.Batch]:
        """Draw passages of some rows, by which int8 is scaled, in small batches by length."""
        rng = np.random.default_rng(self.settings.seed)
        tokens = self.read(examples)
        passages = self.packer.pack(examples.sentences, tokens)
        drawn = [passages[i] for i in rng.permutation(len(passages))[:count]]
        return [self.packer.batch(g, tokens) for g in models.by_length(drawn, _SAMPLE_TOKENS)]

    @torch.no_grad()
    def _loss_of(self, rows: Examples, tokens: Sequence[models.Tokens]) -> float:
        """Return the mean over corpora of the mean loss of the cells that each annotates."""
        columns = [self.signals.index(tag) for tag in self.tags]
        passages = self.packer.pack(rows.sentences, tokens)
        logits = torch.zeros(len(rows), len(self.signals))
        self.network.eval()
        for group in models.by_length(passages, _INFERENCE_TOKENS):
            batch = self.packer.batch(group, tokens)
            votes, tags, *_ = self.outputs(batch)
            found = pool(votes, tags, self.network.gain, batch.places, columns)
            logits[batch.places[:, 1]] = found.cpu()
        self.network.train()
        labels, weights = torch.from_numpy(rows.labels), self.settings.weights
        known = ~torch.isnan(labels)
        cells = bce(logits, torch.nan_to_num(labels), reduction="none") * known
        cells *= torch.tensor([weights.get(signal, 1.0) for signal in rows.signals])
        of = [torch.from_numpy(rows.corpus == name) for name in sorted(set(rows.corpus.tolist()))]
        means = [cells[own].sum() / known[own].sum() for own in of if known[own].any()]
        return float(torch.stack(means).mean()) if means else math.nan

    def outputs(self, batch: models.Batch) -> list[Tensor]:
        """Return the network's outputs for a batch, in float32, on the device where it is."""
        ids, mask = (torch.from_numpy(one).to(self.device) for one in (batch.ids, batch.mask))
        halves = self.precision is not torch.float32
        with torch.autocast(self.device.type, self.precision) if halves else nullcontext():
            outputs = self.network(self.network.embed(ids), mask)
        return [output.float() for output in outputs]

    def _run(
        self,
        train: Examples,
        tokens: Sequence[models.Tokens],
        held_out: tuple[Examples, Sequence[models.Tokens]] | None,
    ) -> None:
        chosen = self.settings
        shares = {**chosen.shares, UNLABELLED: chosen.taught_passes / max(chosen.epochs, 1)}
        schedule = Schedule(train, self.packer, tokens, shares, chosen.batch_tokens, chosen.seed)
        epochs = [schedule.epoch(number) for number in range(chosen.epochs)]
        batches = [batch for epoch in epochs for batch in epoch]
        ends = set(np.cumsum([len(epoch) for epoch in epochs]).tolist())
        loss_of = losses(train, tokens, self.tags, chosen, self.targets)
        self.network.to(self.device)
        optimizer = adamw(self.network, chosen)
        # Small gradients would be 0 in float16; scaled up, they aren't.
        scaler = GradScaler(self.device.type, enabled=self.precision is torch.float16)
        rates = [group["lr"] for group in optimizer.param_groups]
        checkpoint, now = None, Standing()
        if self.checkpoints is not None:
            run = self._identity(train, len(batches))
            checkpoint = Checkpoint(self.checkpoints / _CHECKPOINT, run, scaler)
            now = checkpoint.restore(self.network, optimizer)
        trained = [p for p in self.network.parameters() if p.requires_grad]
        self.network.train()
        whole = True
        try:
            while now.step < len(batches) and not 0 < chosen.patience <= now.since:
                # By step, so that a resumed training draws the dropout that an unbroken one would,
                # and by a prime above any number of steps, so that no two seeds share a stream.
                torch.manual_seed(chosen.seed * 1_000_003 + now.step)
                for group, rate in zip(optimizer.param_groups, rates, strict=True):
                    group["lr"] = rate * pace(now.step, len(batches), chosen.warmup)
                batch = self.packer.batch(batches[now.step], tokens)
                loss = loss_of(self.outputs(batch), self.network.gain, batch)
                scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
                scaler.unscale_(optimizer)
                torch.nn.utils.clip_grad_norm_(trained, 1.0)
                whole = False
                scaler.step(optimizer)
                scaler.update()
                optimizer.zero_grad(set_to_none=True)
                running = 0.98 * now.loss + 0.02 * loss.item() if now.step else loss.item()
                now, whole = replace(now, step=now.step + 1, loss=running), True
                if self.progress is not None:
                    line = f"fine-tuning on {self.device}, loss {running:.3f}"
                    self.progress(now.step, len(batches), line)
                measured = {"loss": running, "learning_rate": optimizer.param_groups[0]["lr"]}
                due = now.step % self.checkpoint_every == 0
                if held_out is not None and now.step in ends:
                    due, found = True, self._loss_of(*held_out)
                    measured["validation_loss"] = found
                    now = now.with_epoch(found, self.network)
                if self.curve is not None and (now.step % _CURVE_EVERY == 0 or now.step in ends):
                    self.curve(now.step, measured)
                if checkpoint is not None and due:
                    checkpoint.save(now, self.network, optimizer)
        except KeyboardInterrupt:
            # Within an update some weights have moved and some not: the checkpoint before stands.
            if checkpoint is not None and whole:
                checkpoint.save(now, self.network, optimizer)
            raise
        if checkpoint is not None:
            checkpoint.save(now, self.network, optimizer)
        if now.weights is not None:
            self.network.load_state_dict(now.weights)
        self.network.cpu()

    def discard_checkpoint(self) -> None:
        """Delete the checkpoint, once what was trained is safe."""
        if self.checkpoints is not None:
            (self.checkpoints / _CHECKPOINT).unlink(missing_ok=True)
            with suppress(OSError):  # something else is in it
                self.checkpoints.rmdir()

    def identity(self, examples: Examples) -> str:
        """SHA-256 of all that the trained network follows from."""
        run = self._identity(examples.where(examples.part == "train"), 0)
        return hashlib.sha256(json.dumps(run, sort_keys=True).encode()).hexdigest()

    def _identity(self, train: Examples, steps: int) -> dict[str, Any]:
        """Return what a checkpoint must agree on to be resumed."""
        data = hashlib.sha256(train.labels.tobytes())
        columns = train.sentences, train.spans, train.citations, train.corpus.tolist()
        for row in zip(*columns, strict=True):
            data.update(repr(row).encode())
        return {
            "settings": self.settings.model_dump(),
            "encoder": describe_encoder(self.encoder),
            "signals": list(self.signals),
            "data": data.hexdigest(),
            "names": None if self.registry is None else models.digest_of_names(self.registry),
            "lessons": None if self.targets is None else self.targets.identity,
            "start": None if self.start is None else self.start.identity,
            "steps": steps,
        }


def held_out_rows(examples: Examples, seed: int) -> Examples:
    """Draw whole validation articles, up to `_MOST_WATCHED` rows."""
    rows = examples.where(examples.part == "validation")
    if not len(rows):
        raise TrainingError(
            "no validation rows to stop early by; set patience to 0, or label more articles"
        )
    if len(rows) <= _MOST_WATCHED:
        return rows
    names, counts = np.unique(rows.article, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    taken = order[: np.searchsorted(np.cumsum(counts[order]), _MOST_WATCHED) + 1]
    return rows.where(np.isin(rows.article, names[taken]))


def adamw(network: nn.Module, settings: TransformerSettings) -> AdamW:
    """Make the optimiser; weight decay is for the encoder's matrices alone."""
    trained = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    encoder = [p for name, p in trained if name.startswith("encoder.")]
    heads = [p for name, p in trained if not name.startswith("encoder.")]
    rate, head_rate = settings.learning_rate, settings.head_learning_rate
    return AdamW(
        [
            {"params": [p for p in encoder if p.ndim > 1], "lr": rate},
            {"params": [p for p in encoder if p.ndim <= 1], "lr": rate, "weight_decay": 0.0},
            {"params": heads, "lr": head_rate, "weight_decay": 0.0},
        ],
        weight_decay=settings.weight_decay,
        fused=True,
    )


def pace(step: int, steps: int, warmup: float) -> float:
    """Return the share of the peak rate: linear warm-up over a share of the steps, then decay."""
    warm = max(1.0, warmup * steps)
    return min((step + 1) / warm, (steps - step) / max(1.0, steps - warm))


@dataclass(frozen=True)
class Standing:
    """The steps done, the running mean of the loss, and the epoch with the least held-out loss.

    Of that epoch the loss, the epochs since then, and the weights.
    """

    step: int = 0
    loss: float = 0.0
    least: float = math.inf
    since: int = 0
    weights: Mapping[str, Tensor] | None = None

    def with_epoch(self, loss: float, network: nn.Module) -> Standing:
        """Return where a training stands after one more epoch."""
        if loss < self.least:
            weights = {name: x.cpu().clone() for name, x in network.state_dict().items()}
            return replace(self, least=loss, since=0, weights=weights)
        return replace(self, since=self.since + 1)


@dataclass(frozen=True)
class Checkpoint:
    """The file of one training, which `run` identifies (settings, data)."""

    path: Path
    run: dict[str, Any]
    scaler: GradScaler

    def save(self, standing: Standing, network: nn.Module, optimizer: Optimizer) -> None:
        """Write atomically: an interrupted write leaves the one before."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        figures = standing.step, standing.loss, standing.least, standing.since
        kept = json.dumps([*figures, self.scaler.state_dict()])
        metadata = {"run": json.dumps(self.run, sort_keys=True), "standing": kept}
        tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
        # Keyed by parameter: one that took no part (a pooler, say) has no state.
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in state.items()}
        tensors |= {f"best.{name}": value for name, value in (standing.weights or {}).items()}
        with replacing(self.path) as draft:
            save_file({k: v.contiguous().clone() for k, v in tensors.items()}, draft, metadata)

    def restore(self, network: nn.Module, optimizer: Optimizer) -> Standing:
        """Restore a training, or its beginning; raise `TrainingError` of a damaged or other one."""
        if not self.path.is_file():
            return Standing()
        try:
            with safe_open(self.path, "pt") as file:
                metadata = dict(file.metadata() or {})
            *figures, scale = json.loads(metadata["standing"])
            tensors = load_file(self.path)
            if json.loads(metadata["run"]) != json.loads(json.dumps(self.run)):
                raise TrainingError(
                    f"{self.path}: a checkpoint of a run with other settings or data; "
                    "delete it, or choose another --output"
                )
            states: dict[int, dict[str, Tensor]] = {}
            for name, value in _part(tensors, "optimizer.").items():
                index, key = name.split(".", 1)
                states.setdefault(int(index), {})[key] = value
            network.load_state_dict(_part(tensors, "network."))
            optimizer.load_state_dict({**optimizer.state_dict(), "state": states})
            if scale:
                self.scaler.load_state_dict(scale)
            return replace(Standing(*figures), weights=_part(tensors, "best.") or None)
        except (SafetensorError, ValueError, KeyError, OSError, RuntimeError) as error:
            reason = f"no {error}" if isinstance(error, KeyError) else str(error).splitlines()[0]
            raise TrainingError(
                f"{self.path}: damaged checkpoint ({reason}); delete it to start anew"
            ) from None


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
