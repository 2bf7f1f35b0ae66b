"""framescope: who says so, how it is framed, and whose words they are.

Everything that a user needs is here, and stable; docs/python.md shows it. Importing it loads no
model, and nothing that a model needs: a name is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from framescope.version import __version__ as __version__

if TYPE_CHECKING:
    from framescope.api import (
        ArticleScorer,
        Report,
        load,
        outlet,
        read,
        read_run,
        score,
        score_frame,
        signals,
    )
    from framescope.classifier.errors import (
        BundleError,
        FramescopeError,
        InputError,
        SignalError,
        SourcesError,
    )
    from framescope.classifier.records import (
        Article,
        Citation,
        Outlet,
        Place,
        SentenceReport,
        Skipped,
        SourceCard,
        SourceKind,
        Span,
        Voice,
    )

__all__ = [
    "Article", "ArticleScorer", "BundleError", "Citation", "FramescopeError", "InputError",
    "Outlet", "Place", "Report", "SentenceReport", "SignalError", "Skipped", "SourceCard",
    "SourceKind", "SourcesError", "Span", "Voice",
    "load", "outlet", "read", "read_run", "score", "score_frame", "signals",
]  # fmt: skip

_MODULES = ("framescope.api", "framescope.classifier.errors", "framescope.classifier.records")


def __getattr__(name: str) -> Any:
    for module in map(import_module, _MODULES if name in __all__ else ()):
        if hasattr(module, name):
            return globals().setdefault(name, getattr(module, name))
    raise AttributeError(f"module 'framescope' has no attribute '{name}'")
