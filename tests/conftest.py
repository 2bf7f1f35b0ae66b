"""Models that several test files share, fitted once a run on the toys of `toys`."""

import gc
import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import (
    settings,  # The same examples in each run, and no clock: a busy machine is no failure.
)

settings.register_profile("framescope", deadline=None, derandomize=True)
settings.load_profile("framescope")


# A shell starts what runs in the background with SIGINT ignored, and Python leaves it so.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Sums depend on the number of threads; and toys are too small for more than one.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

# The outlets of whoever runs the tests stay out of them. Not a fixture: test files load the
# registry when they are imported.
_CONFIGURATION = tempfile.TemporaryDirectory(prefix="framescope-tests-")
os.environ["XDG_CONFIG_HOME"] = _CONFIGURATION.name
# So do their promoted bundles.
os.environ["FRAMESCOPE_BUNDLES"] = f"{_CONFIGURATION.name}/bundles"


#: What the long tests run against; where CI runs all tests, none of it may be missing.
REAL = (
    "cryptography",
    "duckdb",
    "fastwarc",
    "huggingface_hub",
    "moto",
    "pyarrow",
    "ray",
    "s3fs",
    "schemathesis",
    "zstandard",
)
TOOLS = ("Label Studio",)
_missing: set[str] = set()


def pytest_collection_finish() -> None:
    gc.freeze()  # the libraries' objects: statsmodels collects garbage at each correction


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _note(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    _note(report)


def _note(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = str(report.longrepr) if report.skipped else ""
    _missing.update(name for name in REAL if re.search(f"could not import '{name}[.']", reason))
    _missing.update(name for name in TOOLS if f"{name} is not there" in reason)


def pytest_sessionfinish(session: pytest.Session) -> None:
    everything = not session.config.getoption("markexpr")
    if _missing and everything and "CI" in os.environ:
        print(
            f"\nskipped, though CI runs everything: {', '.join(sorted(_missing))}", file=sys.stderr
        )
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A running Chromium; of a module, since it leaves an event loop while it runs."""
    from browser import ARGUMENTS, CHROMIUM
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


class Typed(NamedTuple):
    """What a command gave that was typed in this process."""

    status: int
    out: str
    err: str


@pytest.fixture
def type_command(monkeypatch, capsys) -> Iterator[Callable[..., Typed]]:
    """Type a command in this process."""
    from framescope.__main__ import main

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    hook, thresholds = sys.unraisablehook, gc.get_threshold()

    def typed(*words: object) -> Typed:
        monkeypatch.setattr(sys, "argv", ["framescope", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Typed(int(ended.value.code or 0), *capsys.readouterr())

    yield typed
    for number, handler in handlers.items():
        signal.signal(number, handler)
    sys.unraisablehook = hook
    gc.set_threshold(*thresholds)


@pytest.fixture(scope="session")
def toy_data():
    """The toy examples as a run of the recipes reads them."""
    import toys
    from framescope.training.data.mixture import Data

    return Data(toys.examples(), ("exchange",), 13, "0" * 64)


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the toy encoder."""
    pytest.importorskip("torch").set_num_threads(1)
    import toys

    return toys.make_encoder(tmp_path_factory.mktemp("encoder") / "toy-encoder")


@pytest.fixture(scope="session")
def toy_settings():
    """Settings that fit the toy encoder in two seconds."""
    import toys

    rates = {"learning_rate": 3e-3, "head_learning_rate": 2e-2}
    return toys.SHORT.changed(epochs=16, batch_tokens=256, seed=7, **rates)


@pytest.fixture(scope="session")
def fine_tuned(encoder: Path, toy_data, toy_settings):
    """A transformer fitted on the toy examples."""
    from framescope.training.transformer import TransformerTrainer

    return TransformerTrainer(encoder, toy_settings).fit(toy_data.examples)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all processes that test: what one of them has made is there for the others."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def transformer_bundle(shared: Path, toy_data, encoder, toy_settings) -> Path:
    """The folder of a toy transformer."""
    from framescope.classifier.files import locked
    from framescope.training.runs import train_transformer

    folder = shared / "tiny-transformer"
    with locked(shared / "lock", patience=500):
        if not folder.is_dir():
            train_transformer(toy_data, folder, encoder, toy_settings)
    return folder


@pytest.fixture(scope="session")
def small_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a baseline made by hand: it takes no training, and a blink to load."""
    import toys
    from framescope.classifier import bundles

    folder = tmp_path_factory.mktemp("bundles") / "by-hand"
    bundles.write(folder, toys.MANIFEST_BY_HAND, "# By hand\n", toys.save_by_hand)
    return folder
