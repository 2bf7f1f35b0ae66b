"""Int8 products for an ONNX graph: weights scaled by column, activations by row as they come.

ONNX Runtime's own dynamic quantisation scales all activations of a batch by the largest of them, so
that a sentence's scores would depend on its company in the batch. Here every token has a scale of
its own: scores depend on the passage alone, and are twice as close to float32's.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

_ZERO = 128  # uint8 that stands for 0
_ACTIVATION_STEPS = 127
# Processors without VNNI add two neighbouring products of uint8 and int8 in 16 bits. With weights
# of at most 90 steps that overflows only where both activations are near their row's largest.
_WEIGHT_STEPS = 90


def quantise(graph: Path, target: Path, leave: Collection[str]) -> None:
    """Replace the products with constant weights by int8 ones.

    Parameters
    ----------
    graph : pathlib.Path
        A float32 ONNX model.
    target : pathlib.Path
        Where to write the int8 one.
    leave : collection of str
        Names of nodes to leave as they are.
    """
    model = onnx.load(graph)
    _Rewriter(model.graph).rewrite(leave)
    onnx.checker.check_model(model)
    onnx.save(model, target)


class _Rewriter:
    """Rewrites one graph in place."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        self.nodes: list[NodeProto] = []
        self.replaced: set[str] = set()
        self.quantised: set[str] = set()  # activations, which several products may share

    def rewrite(self, leave: Collection[str]) -> None:
        self._constant("int8/steps", np.float32(_ACTIVATION_STEPS))
        self._constant("int8/zero", np.float32(_ZERO))
        self._constant("int8/zero_point", np.uint8(_ZERO))
        self._constant("int8/least", np.float32(1e-8))
        self._constant("int8/last_axis", np.array([-1], np.int64))
        for node in self.graph.node:
            ours = node.op_type == "MatMul" and node.input[1] in self.constants
            if ours and node.name not in leave:
                self._replace(node)
            else:
                self.nodes.append(node)
        kept = [t for t in self.graph.initializer if t.name not in self.replaced]
        del self.graph.node[:], self.graph.initializer[:]
        self.graph.node.extend(self.nodes)
        self.graph.initializer.extend(kept)

    def _replace(self, node: NodeProto) -> None:
        activation, name = node.input
        output = node.output[0]
        weights = numpy_helper.to_array(self.constants[name])
        scale = np.maximum(np.abs(weights).max(axis=0), 1e-12) / _WEIGHT_STEPS
        self._constant(f"{name}/int8", np.rint(weights / scale).astype(np.int8))
        self._constant(f"{name}/scale", scale.astype(np.float32))
        self.replaced.add(name)
        self._quantise(activation)
        factors = [f"{activation}/int8", f"{name}/int8", "int8/zero_point"]
        self._node("MatMulInteger", factors, f"{output}/int32")
        self._node("Cast", [f"{output}/int32"], f"{output}/float", to=TensorProto.FLOAT)
        self._node("Mul", [f"{output}/float", f"{activation}/scale"], f"{output}/rows")
        self._node("Mul", [f"{output}/rows", f"{name}/scale"], output)

    def _quantise(self, activation: str) -> None:
        """Give an activation's uint8 values and the scale of each row."""
        if activation in self.quantised:
            return
        self.quantised.add(activation)
        a = activation
        self._node("Abs", [a], f"{a}/abs")
        self._node("ReduceMax", [f"{a}/abs", "int8/last_axis"], f"{a}/max", keepdims=1)
        self._node("Max", [f"{a}/max", "int8/least"], f"{a}/largest")
        self._node("Div", [f"{a}/largest", "int8/steps"], f"{a}/scale")
        self._node("Div", [a, f"{a}/scale"], f"{a}/scaled")
        self._node("Round", [f"{a}/scaled"], f"{a}/round")
        self._node("Add", [f"{a}/round", "int8/zero"], f"{a}/shifted")
        self._node("Cast", [f"{a}/shifted"], f"{a}/int8", to=TensorProto.UINT8)

    def _node(self, operator: str, inputs: list[str], output: str, **attributes: int) -> None:
        self.nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))

    def _constant(self, name: str, value: NDArray[np.generic] | np.generic) -> None:
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
