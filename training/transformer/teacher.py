"""A stronger encoder, fine-tuned on a student's rows, which labels more rows for it.

After Hinton, Vinyals, Dean, 2015, with the probabilities as they are; of vectors Jiao et al., 2020,
TinyBERT, the last layer alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from framescope.classifier.bundles import MANIFEST
from framescope.classifier.errors import TrainingError
from framescope.classifier.files import replacing
from framescope.classifier.models import by_length, digest_of_names
from framescope.classifier.outlets import Registry
from framescope.training.data import Examples
from framescope.training.recipes import TransformerSettings
from framescope.training.transformer import encoder as encoders
from framescope.training.transformer.encoder import StartingBundle, choose_device
from framescope.training.transformer.multilingual import find_encoder
from framescope.training.transformer.targets import DistillationTargets, pool
from framescope.training.transformer.training import Progress, TransformerTrainer
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from safetensors.torch import load_file
from safetensors.torch import save_file as save_network

_SHARD = 32  # articles that are labelled and written at a time
_BATCH_TOKENS = 4096
_OF_TOKENS = ("tags", "roles", "kinds")
_OUTPUTS = ("logits", "ids", *_OF_TOKENS)


@dataclass(frozen=True)
class Teacher:
    """A stronger encoder, and the folder of its weights and targets, which students share.

    It labels `sentences` at most, of the files `texts` (none: those beside the corpora). A bundle
    in place of an encoder teaches as it is.
    """

    encoder: Path
    settings: TransformerSettings
    folder: Path
    texts: Sequence[Path] = ()
    sentences: int = 200_000
    device: torch.device = field(default_factory=choose_device)

    def describe(self, targets: DistillationTargets) -> dict[str, Any]:
        """Return who taught, and on what, for a manifest."""
        if self._is_bundle:
            start = StartingBundle.read(self.encoder)
            described = {"name": start.manifest["name"], "sha256": start.identity}
        else:
            described = encoders.describe_encoder(self.encoder)
        taught = {"sentences": len(targets.rows), "lessons": targets.identity}
        return {"encoder": described, "settings": self.settings.model_dump(), **taught}

    @property
    def _is_bundle(self) -> bool:
        return (self.encoder / MANIFEST).is_file()

    def check(self, student: Path) -> str | None:
        """Check both encoders before anything is trained, and return what can't be taught."""
        vocabularies = []
        for folder in (self.encoder, student):
            vocabularies.append(encoders.read_tokenizer(folder).get_vocab())
            if folder == student or not self._is_bundle:
                encoders.load_encoder(folder)
        if vocabularies[0] == vocabularies[1]:
            return None
        return "the teacher's vocabulary is another: it teaches sentences, and no tokens"

    def learn(
        self, rows: Examples, registry: Registry | None, progress: Progress | None = None
    ) -> TransformerTrainer:
        """Fine-tune it, or read the weights of an earlier training on the same rows."""
        more: dict[str, Any] = {"registry": registry, "device": self.device}
        if self._is_bundle:
            start = StartingBundle.read(self.encoder)
            folder = find_encoder(None, start.encoder)
            trainer = TransformerTrainer(folder, self.settings, start=start, **more)
            trainer.prepare(rows)
            if trainer.signals != rows.signals:
                what = "gives signals that the corpora don't label"
                raise TrainingError(f"{self.encoder}: {what}; give another --teacher")
            return trainer
        trainer = TransformerTrainer(
            self.encoder, self.settings, self.folder / "checkpoint", progress, **more
        )
        kept = self.folder / "network.safetensors"
        if not kept.is_file():
            trainer.fit(rows)
            with replacing(kept) as draft:
                network, identity = trainer.network.state_dict(), trainer.identity(rows)
                save_network(network, draft, {"identity": identity})
            trainer.discard_checkpoint()
            return trainer
        trainer.prepare(rows)
        try:
            with safe_open(kept, "pt") as file:
                known = (file.metadata() or {}).get("identity")
            if known != trainer.identity(rows):
                how = "delete it, or choose another folder under [teacher]"
                raise TrainingError(f"{kept}: a teacher with other settings or data; {how}")
            trainer.network.load_state_dict(load_file(kept))
        except (SafetensorError, OSError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise TrainingError(f"{kept}: damaged ({reason}); delete it to start anew") from None
        trainer.network.eval()
        return trainer


@torch.no_grad()
def make_targets(
    teacher: TransformerTrainer, rows: Examples, folder: Path, *, progress: Progress | None = None
) -> DistillationTargets:
    """Label rows, whole articles in order, except for those that `folder` keeps from before."""
    identity = _identity(teacher)
    teacher.network.eval().to(teacher.device)
    folder.mkdir(parents=True, exist_ok=True)
    shards: list[dict[str, NDArray[Any]]] = []
    done = 0
    for number, part in enumerate(rows.in_parts(_SHARD)):
        path, own = folder / f"{number:05}.safetensors", _digest(identity, part)
        if (shard := _kept(path, own)) is None:
            shard = _outputs(teacher, part)
            with replacing(path) as draft:
                save_file(shard, draft, {"identity": own})
        shards.append(shard)
        done += len(part)
        if progress is not None:
            progress(done, len(rows), "labelling")
    teacher.network.cpu()
    outputs = {name: np.concatenate([shard[name] for shard in shards]) for name in _OUTPUTS}
    sizes = np.concatenate([np.diff(shard["first"]) for shard in shards])
    outputs["first"] = np.r_[0, np.cumsum(sizes)]
    return DistillationTargets(rows, outputs, _digest(identity, rows))


def _kept(path: Path, identity: str) -> dict[str, NDArray[Any]] | None:
    """Read the outputs for some articles; None when the file isn't there, or is of others."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, "np") as file:
            if (file.metadata() or {}).get("identity") != identity:
                return None
            return {name: file.get_tensor(name) for name in (*_OUTPUTS, "first")}
    except (SafetensorError, OSError) as error:
        raise TrainingError(f"{path}: damaged ({error}); delete it to have it again") from None


def _outputs(teacher: TransformerTrainer, rows: Examples) -> dict[str, NDArray[Any]]:
    network, packer = teacher.network, teacher.packer
    tokens = teacher.read(rows)
    columns = [teacher.signals.index(tag) for tag in teacher.tags]
    logits = np.zeros((len(rows), len(teacher.signals)), np.float16)
    found = {name: [np.zeros((0, 0), np.float16)] * len(rows) for name in _OF_TOKENS}
    for group in by_length(packer.pack(rows.sentences, tokens), _BATCH_TOKENS):
        batch = packer.batch(group, tokens)
        votes, tags, *cited = teacher.outputs(batch)
        pooled = pool(votes, tags, network.gain, batch.places, columns)
        logits[batch.places[:, 1]] = pooled.half().cpu().numpy()
        roles, _, kinds = cited or (tags[..., :0],) * 3
        for name, values in zip(_OF_TOKENS, (tags, roles, kinds), strict=True):
            halves = values.half().cpu().numpy()
            for b, row, start, end in batch.places.tolist():
                found[name][row] = halves[b, start:end]
    return {
        "logits": logits,
        "first": np.r_[0, np.cumsum([len(one.ids) for one in tokens])].astype(np.int64),
        "ids": np.array([i for one in tokens for i in one.ids], np.int32),
        **{name: np.concatenate(arrays) for name, arrays in found.items()},
    }


def _identity(teacher: TransformerTrainer) -> str:
    """SHA-256 of everything that a teacher's outputs for a row follow from, except the row."""
    names = None if teacher.registry is None else digest_of_names(teacher.registry)
    read = [teacher.signals, teacher.settings.max_tokens, teacher.settings.context, names]
    total = hashlib.sha256(json.dumps(read).encode())
    for name, value in sorted(teacher.network.state_dict().items()):
        total.update(name.encode())
        total.update(value.contiguous().numpy().tobytes())
    return total.hexdigest()


def _digest(identity: str, rows: Examples) -> str:
    """SHA-256 of a teacher and some rows."""
    total = hashlib.sha256(identity.encode())
    for sentence in rows.sentences:
        total.update(f"{sentence.article_id}\t{sentence.index}\t{sentence.text}\n".encode())
    return total.hexdigest()
