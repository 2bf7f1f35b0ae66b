"""The errors a user can meet: one line that says what is wrong, where, and what to type next."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

_CLONE = Path(__file__).resolve().parents[1]


def how_to_install(extra: str = "") -> str:
    """Return what to type to install this package with an extra, from a clone or from an index."""
    of = f"[{extra}]" if extra else ""
    return f"pip install '{_CLONE if _is_clone() else 'framescope'}{of}'"


def how_to_upgrade() -> str:
    """Return what to type for a newer version, in a clone or from an index."""
    if _is_clone():
        return f"git -C '{_CLONE}' pull, then {how_to_install()}"
    return "pip install --upgrade framescope"


def _is_clone() -> bool:
    return (_CLONE / "pyproject.toml").is_file()


def need(module: str, what: str, extra: str) -> ModuleType:
    """Import a module that an extra brings; `FramescopeError` says `what` needs it."""
    try:
        return import_module(module)
    except ModuleNotFoundError:
        raise FramescopeError(f"{what} {module}; type: {how_to_install(extra)}") from None


class FramescopeError(Exception):
    """Base of every error that is the input's or the user's, not a defect of the program."""


class InputError(FramescopeError):
    """An input that holds no article, or can't be read as one: its name, and what is wrong."""

    stage = "read"  # in a batch

    def __init__(self, source: str | Path, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = str(source)
        self.reason = reason


class ChangedError(InputError):
    """A file that is no longer what was found when its reading began."""

    stage = "changed"


class BundleError(FramescopeError):
    """A model bundle that is missing, damaged, or of a newer format."""


class CorpusError(FramescopeError):
    """A corpus that is missing, changed, or can't be read."""


class SignalError(FramescopeError):
    """A signal that the taxonomy doesn't name, or that a model doesn't give."""


class TrainingError(FramescopeError):
    """A training run that can't start or continue."""


class SourcesError(FramescopeError):
    """A table or a user's file of outlets that can't be read, or an unknown source."""


class StoppedError(FramescopeError):
    """A run that was interrupted or failed, after it wrote its results; with its exit status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Terminated(KeyboardInterrupt):
    """The signal SIGTERM, treated as an interruption from the keyboard is."""

    status = 143  # 128 and the number of the signal, as shells have it
