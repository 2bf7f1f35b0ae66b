"""The weights that a bundle serves, as a network again: where a retraining begins.

A bundle holds integers. A weight is its integer times the scale of its column, and what smooth
quantisation (Xiao et al., 2023) moved from activations into weights is moved back. What rounding
took is not given back: it is at most half a step, and the bundle scores without it as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from framescope.classifier import bundles
from framescope.classifier.errors import BundleError, TrainingError
from framescope.classifier.models import EMBEDDINGS, Heads, TrainingDomain, read_arrays
from framescope.classifier.runtime import ENCODER
from framescope.classifier.taxonomy import in_order
from framescope.training.data import UNLABELLED, Examples
from framescope.training.transformer.encoder import FramingEncoder, describe
from framescope.training.transformer.run import Settings
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor

Floats = NDArray[np.float32]

_NETWORK = "network."
_WORDS = "encoder.embeddings.word_embeddings.weight"
#: Computed by the network itself, and of no use once it is trained.
_PASSED_OVER = ("encoder.embeddings.position_ids", "encoder.embeddings.token_type_ids")
_UNUSED = ("encoder.pooler.", "bridge.")


@dataclass(frozen=True)
class Start:
    """A bundle from which a network starts.

    Attributes
    ----------
    folder : pathlib.Path
    manifest : mapping
    heads : Heads
        What its outputs mean, with what was fitted upon them.
    weights : mapping of str to Tensor
        By the names of `FramingEncoder`.
    domain : TrainingDomain or None
        What it learned from; None of a bundle that doesn't say.
    """

    folder: Path
    manifest: Mapping[str, Any]
    heads: Heads
    weights: Mapping[str, Tensor]
    domain: TrainingDomain | None = None

    @classmethod
    def read(cls, model: str | Path) -> Start:
        """Take a bundle's weights out of its files: of one that ships, by its name, or its folder.

        Raises
        ------
        BundleError
            When the bundle is missing or damaged.
        TrainingError
            When it is no transformer, or of a shape whose weights can't be told apart.
        """
        found = bundles.load(model)
        if ENCODER not in found.manifest["files"]:
            kind = found.manifest["kind"]
            raise TrainingError(
                f"{model}: a bundle of the kind {kind} can't be gone on with; it trains in "
                "minutes: framescope train baseline --add FILE"
            )
        try:
            weights = dict(_weights(onnx.load(found.path / ENCODER)))
            arrays = read_arrays(found.path / EMBEDDINGS, ("table", "scale"))
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise BundleError(f"{model}: its weights can't be read ({error})") from None
        weights[_WORDS] = arrays["table"].astype(np.float32) * arrays["scale"][:, None]
        tensors = {name: torch.from_numpy(np.array(value)) for name, value in weights.items()}
        return cls(found.path, found.manifest, Heads.load(found.path), tensors, found.domain)

    @property
    def identity(self) -> str:
        """SHA-256 of the bundle's manifest, and so of all of it."""
        return bundles.digest_of(self.manifest)

    @property
    def cites(self) -> bool:
        """Whether it finds who says what."""
        return any(name.startswith("citations.") for name in self.weights)

    def settings(self, chosen: Settings) -> Settings:
        """Give settings under which passages are as long as those it was trained on."""
        return replace(chosen, max_tokens=self.heads.max_tokens, context=self.heads.context)

    def check_encoder(self, encoder: Path) -> None:
        """See that a folder holds the encoder that the bundle grew from.

        Raises `TrainingError` when it is another.
        """
        wanted = self.manifest["settings"].get("encoder", {})
        if describe(encoder)["sha256"] != wanted.get("sha256"):
            raise TrainingError(
                f"{self.folder}: made from the encoder {wanted.get('name', 'of an unknown name')}, "
                f"and {encoder} is another; give its folder with --encoder FOLDER"
            )

    def widened(self, examples: Examples) -> Examples:
        """Give rows a column for each of the bundle's signals too: not annotated, where new."""
        signals = in_order({*examples.signals, *self.heads.signals})
        labels = np.full((len(examples), len(signals)), np.nan, np.float32)
        columns = [signals.index(signal) for signal in examples.signals]
        labels[:, columns] = examples.labels
        return replace(examples, labels=labels, signals=signals)

    def put(self, network: FramingEncoder, signals: tuple[str, ...], tags: tuple[str, ...]) -> None:
        """Give a network the bundle's weights; columns of signals that it lacks stay as they are.

        Parameters
        ----------
        network : FramingEncoder
        signals, tags : tuple of str
            Its columns; those of the bundle are among them.

        Raises
        ------
        TrainingError
            When the network is of another shape.
        """
        state = network.state_dict()
        given = dict(self.weights)
        given["gain"] = torch.tensor(self.heads.gain)
        for head, own, theirs in (
            ("vote", signals, self.heads.signals),
            ("tag", tags, self.heads.tags),
        ):
            rows = [own.index(name) for name in theirs]
            for name in (f"{head}.weight", f"{head}.bias"):
                given[name] = _spread(state[name], given.get(name), rows)
        tag_rows = [tags.index(name) for name in self.heads.tags]
        given["gain"] = _spread(state["gain"], given["gain"], tag_rows)
        needed = {name for name in state if not name.startswith((*_UNUSED, *_PASSED_OVER))}
        if lacking := sorted(needed - given.keys()):
            raise TrainingError(f"{self.folder}: its weights are not whole (no {lacking[0]})")
        wrong = [name for name in needed if state[name].shape != given[name].shape]
        if wrong:
            raise TrainingError(
                f"{self.folder}: {wrong[0]} is of another shape; give the encoder it was made "
                "from with --encoder FOLDER"
            )
        network.load_state_dict({name: given[name] for name in needed}, strict=False)

    def unlabelled(self, rows: Examples) -> Examples:
        """Give rows as the bundle is asked about them, without their labels."""
        count = len(rows)
        return replace(
            rows,
            labels=np.full_like(rows.labels, np.nan),
            spans=((),) * count,
            citations=(None,) * count,
            corpus=np.full(count, UNLABELLED),
            part=np.full(count, "train"),
        )


def _spread(fresh: Tensor, given: Tensor | None, rows: list[int]) -> Tensor:
    """Put the columns of a head where their signals stand now."""
    found = fresh.clone()
    if given is not None and rows:
        found[rows] = given
    return found


# --- a graph's weights ----------------------------------------------------------------------------


def _weights(model: onnx.ModelProto) -> Iterator[tuple[str, Floats]]:
    """Give a graph's weights, by the names of the network it was exported from.

    Biases and norms kept their names. A product's weights have lost theirs: they are those of the
    bias that is added to it.
    """
    graph = _Graph(model)
    for name in graph.constants:
        if name.startswith(_NETWORK) and not name.endswith("position_ids"):
            yield name.removeprefix(_NETWORK), graph.array(name)
    for node in graph.quantised():
        origin = node.output[0].removeprefix("dq_output_")
        if origin.startswith(_NETWORK):  # of a table that is looked up: by rows
            name = origin.removeprefix(_NETWORK).removesuffix("_1")
            yield name, graph.restored(node, axis=0)
    for node in graph.nodes("MatMul"):
        bias = graph.bias_of(node)
        if bias is not None:
            weights = graph.weights_of(node)
            yield bias.removeprefix(_NETWORK).removesuffix("bias") + "weight", weights.T


class _Graph:
    """An ONNX graph, with who makes and who takes each value."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.constants = {one.name: one for one in model.graph.initializer}
        self.all = list(model.graph.node)
        self.maker = {output: node for node in self.all for output in node.output}
        self.takers: dict[str, list[Any]] = {}
        for node in self.all:
            for name in node.input:
                self.takers.setdefault(name, []).append(node)

    def nodes(self, kind: str) -> Iterator[Any]:
        return (node for node in self.all if node.op_type == kind)

    def array(self, name: str) -> Floats:
        return np.asarray(numpy_helper.to_array(self.constants[name]), np.float32)

    def quantised(self) -> Iterator[Any]:
        """Give what makes numbers of constant integers."""
        return (n for n in self.nodes("DequantizeLinear") if n.input[0] in self.constants)

    def restored(self, node: Any, axis: int) -> Floats:
        """Give the numbers that a node makes of integers, which have a scale along an axis."""
        integers, scale, zero = (self.array(name) for name in node.input)
        shape = [1] * integers.ndim
        shape[axis] = -1
        return (integers - zero.reshape(shape)) * scale.reshape(shape)

    def bias_of(self, product: Any) -> str | None:
        """Name the bias that is added to a product; None of one of two activations."""
        for node in self.takers.get(product.output[0], ()):
            named = [x for x in node.input if x in self.constants and x.startswith(_NETWORK)]
            if node.op_type == "Add" and named:
                return str(named[0])
        return None

    def weights_of(self, product: Any) -> Floats:
        """Give a product's weights, shape (n_in, n_out)."""
        activations, weights = product.input
        if weights in self.constants:
            return self.array(weights)
        found = self.restored(self.maker[weights], axis=1)
        # x W = (x s) (W / s): the graph holds W / s, and multiplies x by s.
        for _ in range(2):  # through what rounds activations
            activations = self.maker[activations].input[0]
        node = self.maker.get(activations)
        if node is not None and node.op_type == "Mul":
            smooth = [
                self.array(x) for x in node.input if "smooth_quant" in x and x in self.constants
            ]
            if smooth:
                found = found * smooth[0].reshape(-1, 1)
        return found
