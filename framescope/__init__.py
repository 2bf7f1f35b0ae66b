"""framescope: who says so, how it is framed, and whose words they are.

Everything that a user needs is here, and stable; docs/python.md shows it. Importing it loads no
model, and nothing that a model needs.
"""

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
from framescope.version import __version__ as __version__

__all__ = [
    "Article", "ArticleScorer", "BundleError", "Citation", "FramescopeError", "InputError",
    "Outlet", "Place", "Report", "SentenceReport", "SignalError", "Skipped", "SourceCard",
    "SourceKind", "SourcesError", "Span", "Voice",
    "load", "outlet", "read", "read_run", "score", "score_frame", "signals",
]  # fmt: skip
