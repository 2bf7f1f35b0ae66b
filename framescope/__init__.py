"""framescope: who says so, how it is framed, and whose words they are.

Everything that a user needs is here, and stable; docs/python.md shows it. Importing it loads no
model, and nothing that a model needs.
"""

from framescope import _packages  # noqa: F401 - first: see there

# isort: split
from classifier import __version__ as __version__
from classifier.errors import BundleError, FramescopeError, InputError, SignalError, SourcesError
from classifier.values import (
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

__all__ = [
    "Article", "ArticleScorer", "BundleError", "Citation", "FramescopeError", "InputError",
    "Outlet", "Place", "Report", "SentenceReport", "SignalError", "Skipped", "SourceCard",
    "SourceKind", "SourcesError", "Span", "Voice",
    "load", "outlet", "read", "read_run", "score", "score_frame", "signals",
]  # fmt: skip
