"""What runs the encoder's graph: OpenVINO, or ONNX Runtime where OpenVINO has no wheel.

Both read the same file, ONNX with explicit quantisation (QDQ); OpenVINO is two to three times as
fast. Scores differ by rounding, between the two and between processors.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from framescope.classifier import SHIPPED
from framescope.classifier.errors import BundleError
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from openvino import Core, InferRequest

ENCODER = "encoder.onnx"
ENVIRONMENT = "FRAMESCOPE_RUNTIME"
"""Names the runtime, which is by default the fastest of those installed."""
THREADS = "FRAMESCOPE_THREADS"
"""How many threads run a graph; by default as many as there are cores."""

_SMALL = 100_000_000  # bytes of a graph that is read before its bundle is checked
_begun: dict[Path, Future[Runtime]] = {}

Floats = NDArray[np.float32]
_T = TypeVar("_T")


class _OpenVino:
    """A graph, with its name and sizes; it is compiled in a thread, while articles are read."""

    def __init__(self, path: Path) -> None:
        import openvino

        self._path, self._turn = path, Lock()
        model = _core().read_model(path)
        self.hidden = int(model.input("embedded").get_partial_shape()[2].get_length())
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
        self._compiled = _in_thread(lambda: _core().compile_model(model, "CPU", settings))

    @cached_property
    def _request(self) -> InferRequest:
        try:
            return self._compiled.result().create_infer_request()
        except Exception as error:  # the library has one for everything
            reason = str(error).splitlines()[-1]
            raise BundleError(f"{self._path}: can't be compiled ({reason})") from None

    def run(self, embedded: Floats, mask: NDArray[np.int64]) -> Sequence[Floats]:
        """Return the outputs, (n_passages, n_tokens, n_columns), of embedded tokens."""
        with self._turn:  # of the threads that score
            self._request.infer({"embedded": embedded, "mask": mask}, share_inputs=True)
            # Copies: the next call overwrites the outputs.
            count = range(len(self.columns))
            return [self._request.get_output_tensor(i).data.copy() for i in count]


class _OnnxRuntime:
    """A graph with the attributes of `_OpenVino`."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = _threads()
        self._session: InferenceSession = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        inputs = {one.name: one.shape for one in self._session.get_inputs()}
        self.hidden = int(inputs["embedded"][-1])
        self.columns: Mapping[str, int] = {
            one.name: int(one.shape[-1]) for one in self._session.get_outputs()
        }
        self.name = f"onnxruntime {onnxruntime.__version__}"

    def run(self, embedded: Floats, mask: NDArray[np.int64]) -> Sequence[Floats]:
        outputs: Sequence[Floats] = self._session.run(
            list(self.columns), {"embedded": embedded, "mask": mask}
        )
        return outputs


Runtime = _OpenVino | _OnnxRuntime
RUNTIMES: Mapping[str, type[Runtime]] = {"openvino": _OpenVino, "onnxruntime": _OnnxRuntime}
"""By the name of the library, the faster one first."""


def begin(model: str) -> None:
    """Start to load a model's graph, unless it is very large, in a thread, for `load`."""
    path = (SHIPPED / model if (SHIPPED / model).is_dir() else Path(model)) / ENCODER
    if path.is_file() and path.stat().st_size < _SMALL:
        _begun[path.absolute()] = _in_thread(lambda: _load(path))


def load(path: Path) -> Runtime:
    """Return a graph, loaded before by `begin` or now; whatever a library raises is raised."""
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


def _in_thread(function: Callable[[], _T]) -> Future[_T]:
    pool = ThreadPoolExecutor(1, "framescope-runtime")
    future = pool.submit(function)
    pool.shutdown(wait=False)
    return future


def instructions() -> str:
    """Return the widest instructions of this processor that NumPy knows, such as AVX512_ICL."""
    found = np.show_config(mode="dicts")
    extensions = (found or {}).get("SIMD Extensions", {})
    known = [*extensions.get("baseline", ()), *extensions.get("found", ())]
    return str(known[-1]) if known else "unknown"


def peak_memory() -> int | None:
    """Return the most memory that this process has held, in bytes; None where it isn't known."""
    # Linux hands the ru_maxrss of a parent process on; VmHWM belongs to the program alone.
    status = Path("/proc/self/status")
    if status.exists() and (found := re.search(r"VmHWM:\s+(\d+)", status.read_text("utf-8"))):
        return int(found[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@cache
def _core() -> Core:
    import openvino

    return openvino.Core()


def _threads() -> int:
    if (given := os.environ.get(THREADS, "")).isdecimal():
        return int(given)
    # 0 leaves it to the library.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
