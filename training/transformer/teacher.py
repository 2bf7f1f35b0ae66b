"""A stronger encoder that teaches a small one.

It is fine-tuned on the rows that the small one learns from, and then says what it thinks of rows
without labels (Hinton, Vinyals, Dean, 2015, with the probabilities as they are; of vectors Jiao et
al., 2020, TinyBERT, the last layer alone).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from framescope.classifier.errors import TrainingError
from framescope.classifier.models import by_length, digest_of_names
from framescope.training.data import Examples
from framescope.training.transformer.encoder import describe, load, read_tokenizer
from framescope.training.transformer.finetune import Progress, TransformerRecipe
from framescope.training.transformer.lessons import Floats, Lessons, LessonShard
from framescope.training.transformer.run import Settings
from framescope.training.transformer.targets import pool
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from safetensors.torch import load_file
from safetensors.torch import save_file as save_network
from torch import Tensor

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry

#: How a base-size encoder is fine-tuned where nothing else is said: what differs from a student.
TEACHING = {
    "epochs": 1,
    "learning_rate": 5e-5,
    "head_learning_rate": 1e-3,
    "freeze_embeddings": False,
}

_SHARD = 32  # articles that are labelled and written at a time
_BATCH_TOKENS = 4096


@dataclass(frozen=True)
class Teacher:
    """A stronger encoder, and where what it learned and what it says are kept.

    Attributes
    ----------
    encoder : pathlib.Path
        A local model folder.
    settings : Settings
        How it is fine-tuned.
    folder : pathlib.Path
        Students of the same rows share it: what is there is not made again.
    """

    encoder: Path
    settings: Settings
    folder: Path

    def describe(self, lessons: Lessons) -> dict[str, Any]:
        """Say who taught, and on what, for a manifest."""
        return {
            "encoder": describe(self.encoder),
            "settings": asdict(self.settings),
            "sentences": len(lessons.rows),
            "lessons": lessons.identity,
        }

    def check(self, student: Path, settings: Settings) -> str | None:
        """Find out before anything is trained whether it can teach a student.

        Parameters
        ----------
        student : pathlib.Path
            Its encoder's folder.
        settings : Settings
            Its own.

        Returns
        -------
        str or None
            What it can't teach, where its vocabulary is another.

        Raises
        ------
        TrainingError
            When one of the folders holds no encoder that can be read, or the teacher's vocabulary
            is another and its vectors are to be learned token by token.
        """
        vocabularies = []
        for folder in (self.encoder, student):
            vocabularies.append(read_tokenizer(folder).get_vocab())
            load(folder)
        if vocabularies[0] == vocabularies[1]:
            return None
        if settings.hidden_weight:
            raise TrainingError(
                f"{self.encoder}: its vocabulary is not that of {student}, so that vectors "
                "can't be learned token by token; set hidden_weight to 0, or give another "
                "--teacher FOLDER"
            )
        return "the teacher's vocabulary is another: it teaches sentences, and no tokens"

    def learn(
        self, rows: Examples, registry: Registry | None, progress: Progress | None = None
    ) -> TransformerRecipe:
        """Fine-tune it, or take what is kept of an earlier run on the same rows.

        A run that was interrupted goes on from its checkpoint.

        Raises
        ------
        TrainingError
            When what is kept is damaged, or of another teacher or other rows.
        """
        recipe = TransformerRecipe(
            self.encoder, self.settings, self.folder / "checkpoint", progress, registry=registry
        )
        kept = self.folder / "network.safetensors"
        if not kept.is_file():
            recipe.fit(rows)
            draft = kept.with_suffix(".part")
            save_network(recipe.network_.state_dict(), draft, {"identity": recipe.identity(rows)})
            draft.replace(kept)
            recipe.discard_checkpoint()
            return recipe
        recipe.prepare(rows)
        try:
            with safe_open(kept, "pt") as file:
                known = (file.metadata() or {}).get("identity")
            if known != recipe.identity(rows):
                raise TrainingError(
                    f"{kept}: a teacher with other settings or data; delete it, or choose another "
                    "--lessons DIR"
                )
            recipe.network_.load_state_dict(load_file(kept))
        except (SafetensorError, OSError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise TrainingError(f"{kept}: damaged ({reason}); delete it to start anew") from None
        recipe.network_.eval()
        return recipe


def label(
    teacher: TransformerRecipe,
    rows: Examples,
    folder: Path,
    *,
    vectors: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
) -> Lessons:
    """Let a fine-tuned teacher label rows; what is there already is not labelled again.

    Parameters
    ----------
    teacher : TransformerRecipe
        After `fit`.
    rows : Examples
        Whole articles, in order.
    folder : pathlib.Path
        Where what it says is kept, a file for some articles each.
    vectors : bool
        Keep its vectors too: about 50 KB a sentence of a base-size model.
    progress : callable, optional
        Called with the sentences done, those in all and a line to show.

    Raises
    ------
    TrainingError
        When a file found there is damaged.
    """
    teacher.network_.eval()
    identity = _identity(teacher)
    folder.mkdir(parents=True, exist_ok=True)
    shards: list[LessonShard] = []
    done = 0
    for number, part in enumerate(_parts(rows)):
        path, own = folder / f"{number:05}.safetensors", _digest(identity, part)
        shard = LessonShard.read(path, own, vectors=vectors)
        if shard is None:
            draft = path.with_suffix(".part")
            save_file(_said(teacher, part, vectors=vectors), draft, {"identity": own})
            draft.replace(path)
            shard = LessonShard.read(path, own)
        assert shard is not None
        shards.append(shard)
        done += len(part)
        if progress is not None:
            progress(done, len(rows), "labelling")
    width = int(teacher.network_.vote.in_features)
    return Lessons(rows, shards, width, _digest(identity, rows))


def _parts(rows: Examples) -> Iterator[Examples]:
    """Cut rows into some articles each."""
    starts = np.flatnonzero(np.r_[True, rows.article[1:] != rows.article[:-1]])
    edges = [*starts[::_SHARD].tolist(), len(rows)]
    for start, end in pairwise(edges):
        yield rows.where(np.arange(start, end))


@torch.no_grad()
def _said(
    teacher: TransformerRecipe, rows: Examples, *, vectors: bool
) -> dict[str, NDArray[np.generic]]:
    """Ask a teacher about some articles."""
    network, packer = teacher.network_, teacher.packer_
    tokens = teacher.read(rows)
    columns = [teacher.signals_.index(tag) for tag in teacher.tags_]
    logits = np.zeros((len(rows), len(teacher.signals_)), np.float16)
    nothing = np.zeros((0, 0), np.float16)
    tags, roles, kinds, hidden = ([nothing] * len(rows) for _ in range(4))
    for group in by_length(packer.pack(rows.sentences, tokens), _BATCH_TOKENS):
        batch = packer.batch(group, tokens)
        with torch.autocast("cpu", torch.bfloat16):
            found = network.vectors(
                network.embed(torch.from_numpy(batch.ids)), torch.from_numpy(batch.mask)
            )
            votes, tagged, *cited = (output.float() for output in network.read(found))
        pooled = pool(votes, tagged, network.gain, batch.places, columns)
        logits[batch.places[:, 1]] = pooled.numpy().astype(np.float16)
        for b, row, start, end in batch.places.tolist():
            tags[row] = _half(tagged[b, start:end])
            roles[row] = _half(cited[0][b, start:end] if cited else tagged[b, start:end, :0])
            kinds[row] = _half(cited[2][b, start:end] if cited else tagged[b, start:end, :0])
            if vectors:
                hidden[row] = _half(found[b, start:end])
    lengths = [len(one.ids) for one in tokens]
    said: dict[str, NDArray[np.generic]] = {
        "logits": logits,
        "first": np.r_[0, np.cumsum(lengths)].astype(np.int64),
        "ids": np.array([i for one in tokens for i in one.ids], np.int32),
        "tags": np.concatenate(tags),
        "roles": np.concatenate(roles),
        "kinds": np.concatenate(kinds),
    }
    return {**said, "hidden": np.concatenate(hidden)} if vectors else said


def _half(values: Tensor) -> Floats:
    found: Floats = values.float().numpy().astype(np.float16)
    return found


def _identity(teacher: TransformerRecipe) -> str:
    """SHA-256 of all that what a teacher says of a row follows from, but the row."""
    names = None if teacher.registry is None else digest_of_names(teacher.registry)
    read = [teacher.signals_, teacher.settings.max_tokens, teacher.settings.context, names]
    total = hashlib.sha256(json.dumps(read).encode())
    for name, value in sorted(teacher.network_.state_dict().items()):
        total.update(name.encode())
        total.update(value.contiguous().numpy().tobytes())
    return total.hexdigest()


def _digest(identity: str, rows: Examples) -> str:
    """SHA-256 of a teacher and some rows."""
    total = hashlib.sha256(identity.encode())
    for sentence in rows.sentences:
        total.update(f"{sentence.article_id}\t{sentence.index}\t{sentence.text}\n".encode())
    return total.hexdigest()
