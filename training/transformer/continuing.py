"""The weights that a bundle serves, as a network again: where continued training begins.

A weight is its integer times the scale of its column, and what smooth quantisation (Xiao et al.,
2023) moved from activations into weights is moved back.
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
from framescope.training.recipes import TransformerSettings
from framescope.training.transformer.encoder import FramingEncoder, describe_encoder
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor

Floats = NDArray[np.float32]

_NETWORK = "network."
_WORDS = "encoder.embeddings.word_embeddings.weight"
#: Weights that a bundle doesn't hold: unused, or computed by the network itself.
_NOT_SERVED = (
    "encoder.pooler.",
    "bridge.",
    "encoder.embeddings.position_ids",
    "encoder.embeddings.token_type_ids",
)


@dataclass(frozen=True)
class StartingBundle:
    """A bundle whose training is continued; `weights` go by the names of `FramingEncoder`."""

    folder: Path
    manifest: Mapping[str, Any]
    heads: Heads
    weights: Mapping[str, Tensor]
    domain: TrainingDomain | None = None

    @classmethod
    def read(cls, model: str | Path) -> StartingBundle:
        """Read a bundle's weights; `model` is what ``--from`` takes.

        Raises `BundleError` when the bundle is missing or damaged, `TrainingError` when it is no
        transformer.
        """
        found = bundles.load(model)
        if ENCODER not in found.manifest["files"]:
            raise TrainingError(
                f"{model}: the training of a {found.manifest['kind']} can't be continued; a new "
                "one takes minutes: framescope train baseline --add FILE"
            )
        try:
            weights = dict(served_weights(onnx.load(found.path / ENCODER)))
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
        """Whether it finds citations."""
        return any(name.startswith("citations.") for name in self.weights)

    def settings(self, chosen: TransformerSettings) -> TransformerSettings:
        """Return settings with passages as long as those it was trained on."""
        return chosen.changed(max_tokens=self.heads.max_tokens, context=self.heads.context)

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
        bias = graph.bias_of(node)
        if bias is not None:
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
