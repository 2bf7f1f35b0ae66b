"""A fine-tuned network as ONNX, with int8 weights."""

from __future__ import annotations

import logging
import shutil
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch

from classifier.models import EMBEDDINGS, ENCODER, TOKENIZER, Embeddings, Heads
from training.transformer.encoder import FramingEncoder
from training.transformer.quantise import quantise


def export(
    network: FramingEncoder, heads: Heads, tokenizer: Path, folder: Path, *, int8: bool = True
) -> None:
    """Write the files of a transformer bundle.

    The word embeddings are kept apart from the graph: with frozen embeddings that file is the same
    after every retraining, and costs a clone nothing.

    Parameters
    ----------
    network : FramingEncoder
    heads : Heads
    tokenizer : pathlib.Path
        The ``tokenizer.json`` the network was trained with.
    folder : pathlib.Path
    int8 : bool
        Quantise the matrix products, all but the heads' (`training.transformer.quantise`); else keep float32,
        to compare with.
    """
    network = network.eval()
    weights = network.encoder.get_input_embeddings().weight.detach().float().numpy()
    embeddings = Embeddings.quantise(weights)
    np.savez(folder / EMBEDDINGS, table=embeddings.table, scale=embeddings.scale)
    heads.save(folder)
    shutil.copyfile(tokenizer, folder / TOKENIZER)
    with tempfile.TemporaryDirectory() as temporary:
        plain = Path(temporary) / "plain.onnx"
        _trace(network, plain, hidden=weights.shape[1])
        if int8:
            quantise(plain, folder / ENCODER, leave=_heads(plain))
        else:
            shutil.copyfile(plain, folder / ENCODER)


def _trace(network: FramingEncoder, path: Path, hidden: int) -> None:
    """Export with passages and tokens as free dimensions."""
    embedded = torch.zeros(2, 16, hidden)
    mask = torch.ones(2, 16, dtype=torch.int64)
    shape = {0: torch.export.Dim("passages"), 1: torch.export.Dim("tokens")}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (embedded, mask),
            path,
            input_names=["embedded", "mask"],
            output_names=["votes", "tags"],
            dynamic_shapes={"embedded": shape, "mask": shape},
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    _strip(path)


def _strip(path: Path) -> None:
    """Take out the exporter's notes: stack traces, which name folders of whoever trained it."""
    model = onnx.load(path)
    graph = model.graph
    named = (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer)
    for item in (model, graph, *named):
        item.doc_string = ""
        del item.metadata_props[:]
    onnx.save(model, path)


def _heads(path: Path) -> list[str]:
    """Name the products that give the outputs.

    They are a thousandth of the weights and decide everything, so they stay as they are.
    """
    graph = onnx.load(path).graph
    makers = {output: node for node in graph.node for output in node.output}
    last = [makers[output.name] for output in graph.output]
    before = [makers[name] for node in last for name in node.input if name in makers]
    return [node.name for node in (*last, *before) if node.op_type in ("MatMul", "Gemm")]
