"""What runs the encoder's graph: OpenVINO; ONNX Runtime where OpenVINO has no wheel.

Both read the same file, ONNX with its quantisation written out (QDQ): OpenVINO two to three times
as fast. Scores differ by rounding, between the two and between processors.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from framescope.classifier import SHIPPED
from framescope.classifier.errors import BundleError
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from openvino import CompiledModel, Core, InferRequest

ENCODER = "encoder.onnx"
"""The file of a bundle that is the graph."""

ENVIRONMENT = "FRAMESCOPE_RUNTIME"
"""Names the runtime to take, where it is not the faster of those installed."""

THREADS = "FRAMESCOPE_THREADS"
"""Says how many threads run a graph; as many as there are cores, unless given."""

Floats = NDArray[np.float32]


class Runtime(Protocol):
    """A graph that was loaded.

    Attributes
    ----------
    name : str
        The library and its version.
    hidden : int
        Numbers of a word embedding, as the graph takes it.
    columns : mapping of str to int
        Of each output, in their order.
    """

    name: str
    hidden: int
    columns: Mapping[str, int]

    def run(self, embedded: Floats, mask: NDArray[np.int64]) -> Sequence[Floats]:
        """Give the outputs, in their order.

        Parameters
        ----------
        embedded : ndarray of float32, shape (n_passages, n_tokens, hidden)
        mask : ndarray of int64, shape (n_passages, n_tokens)

        Returns
        -------
        sequence of ndarray of float32, shape (n_passages, n_tokens, n_columns)
        """
        ...


class _OpenVino:
    """The graph compiled for this processor: in a thread, while articles are read.

    It takes a third of a second, none of it in Python.
    """

    def __init__(self, path: Path) -> None:
        import openvino

        self._path = path
        model = _core().read_model(path)
        shape = model.input("embedded").get_partial_shape()
        self.hidden = int(shape[2].get_length())
        settings = {
            "INFERENCE_NUM_THREADS": _threads(),
            # What is not quantised stays in float32: bfloat16 is slower here, and less exact.
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
            # Several processes of one thread each would all be pinned to the first core.
            "ENABLE_CPU_PINNING": _threads() != 1,
        }
        self.columns: Mapping[str, int] = {
            output.get_any_name(): int(output.get_partial_shape()[2].get_length())
            for output in model.outputs
        }
        self.name = f"openvino {openvino.__version__.partition('-')[0]}"
        pool = ThreadPoolExecutor(1, "framescope-compiler")
        self._compiled: Future[CompiledModel] = pool.submit(
            _core().compile_model, model, "CPU", settings
        )
        pool.shutdown(wait=False)

    @cached_property
    def _request(self) -> InferRequest:
        try:
            return self._compiled.result().create_infer_request()
        except Exception as error:  # the library has one for everything
            reason = str(error).splitlines()[-1]
            raise BundleError(f"{self._path}: can't be compiled ({reason})") from None

    def run(self, embedded: Floats, mask: NDArray[np.int64]) -> Sequence[Floats]:
        self._request.infer({"embedded": embedded, "mask": mask}, share_inputs=True)
        # Copies: the next call writes over what this one gave.
        count = range(len(self.columns))
        return [self._request.get_output_tensor(i).data.copy() for i in count]


class _OnnxRuntime:
    """A session of ONNX Runtime."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = _threads()
        self._session: InferenceSession = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        given = self._session.get_inputs()
        self.hidden = int(next(one.shape[-1] for one in given if one.name == "embedded"))
        self.columns: Mapping[str, int] = {
            one.name: int(one.shape[-1]) for one in self._session.get_outputs()
        }
        self.name = f"onnxruntime {onnxruntime.__version__}"

    def run(self, embedded: Floats, mask: NDArray[np.int64]) -> Sequence[Floats]:
        found: Sequence[Floats] = self._session.run(
            list(self.columns), {"embedded": embedded, "mask": mask}
        )
        return found


RUNTIMES: Mapping[str, Callable[[Path], Runtime]] = {
    "openvino": _OpenVino,
    "onnxruntime": _OnnxRuntime,
}
"""By the name of the library, the faster one first."""


_SMALL = 100_000_000  # bytes of a graph that is read before anything of its bundle was checked
_begun: dict[Path, Future[Runtime]] = {}


def begin(model: str) -> None:
    """Begin to load a model's graph in a thread, for the `load` that follows.

    Reading and compiling it takes as long as importing everything else that scores, and the other
    core.

    Parameters
    ----------
    model : str
        As `classifier.bundles.resolve` takes it. What is none, or has no graph or a very large one,
        is left alone.
    """
    path = (SHIPPED / model if (SHIPPED / model).is_dir() else Path(model)) / ENCODER
    if path.is_file() and path.stat().st_size < _SMALL:
        pool = ThreadPoolExecutor(1, "framescope-runtime")
        _begun[path.absolute()] = pool.submit(_load, path)
        pool.shutdown(wait=False)


def load(path: Path) -> Runtime:
    """Load a graph with the faster of the runtimes that are installed.

    What was begun is taken. The environment variable FRAMESCOPE_RUNTIME names another.

    Raises
    ------
    BundleError
        When no runtime is installed, or the one that was named is not.
    Exception
        Whatever a library raises on a file that it can't read.
    """
    begun = _begun.pop(path.absolute(), None)
    return _load(path) if begun is None else begun.result()


def _load(path: Path) -> Runtime:
    named = os.environ.get(ENVIRONMENT)
    if named and named not in RUNTIMES:
        raise BundleError(f"{ENVIRONMENT} is '{named}'; known: {', '.join(RUNTIMES)}")
    for name in [named] if named else RUNTIMES:
        if find_spec(name) is not None:
            return RUNTIMES[name](path)
    wanted = named or " or ".join(RUNTIMES)
    raise BundleError(f"{wanted} is not installed; type: pip install {named or 'openvino'}")


def instructions() -> str:
    """Name the widest instructions of this processor that NumPy knows, such as AVX512_ICL.

    What scores are computed with: two processors may round differently.
    """
    found = np.show_config(mode="dicts")
    extensions = (found or {}).get("SIMD Extensions", {})
    known = [*extensions.get("baseline", ()), *extensions.get("found", ())]
    return str(known[-1]) if known else "unknown"


@cache
def _core() -> Core:
    import openvino

    return openvino.Core()


def _threads() -> int:
    """Give the cores that this process may use; 0 leaves it to the library."""
    if (given := os.environ.get(THREADS, "")).isdecimal():
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
