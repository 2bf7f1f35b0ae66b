"""What users call, and what it returns; everything heavy is imported when it is needed."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framescope.classifier.errors import BundleError
from framescope.classifier.records import Article, ArticleReport, Citation, Skipped, Span

if TYPE_CHECKING:
    import pandas

    from framescope.classifier.batch.reading import RunFrames
    from framescope.classifier.inputs import Input
    from framescope.classifier.records import Outlet
    from framescope.classifier.scoring import Scorer

_HEIGHT = 640  # pixels of the page in a notebook; its lower edge can be dragged
_FIELDS = [field.name for field in fields(ArticleReport)]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Report(ArticleReport):
    """A scored article; the fields of its ``source`` may change."""

    model: str
    thresholds: Mapping[str, float]
    """The probability from which each signal is flagged."""

    @property
    def text(self) -> str:
        """The article's text."""
        return self.article.text

    @property
    def language(self) -> str | None:
        """ISO 639-1 code of the text's language; None where it can't be told."""
        return self.article.lang

    @property
    def spans(self) -> tuple[Span, ...]:
        """The spans that the input labelled, without a score, then those found, with theirs."""
        from framescope.classifier.reports.document import spans

        return spans(self)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Who is cited, and as what kind of source, in the order of the text."""
        return tuple(citation for s in self.sentences for citation in s.citations)

    def to_records(self) -> list[dict[str, Any]]:
        """Return one row per sentence, of plain values; None where there is none.

        The keys are ``article``, ``sentence``, ``start``, ``end``, ``voice``, ``text``, ``flags``,
        ``cited`` (names), ``cited_as`` (their kinds), each signal's score under its name (that of a
        whole article on each of its sentences), and ``note``.
        """
        from framescope.classifier.reports.document import to_records

        return to_records(self, tuple(self.thresholds))

    def to_frame(self) -> pandas.DataFrame:
        """Return the rows of `to_records` as a table; ImportError without pandas."""
        from framescope.classifier.reports.document import to_frame

        return to_frame(self.to_records(), tuple(self.thresholds))

    def _repr_html_(self) -> str:
        from framescope.classifier.records import BatchReport
        from framescope.classifier.reports import to_html

        page = to_html(BatchReport((self,), self.model, tuple(self.thresholds), self.thresholds))
        # In a frame, so that neither page changes what the other looks like or does.
        style = f"width:100%;height:{_HEIGHT}px;resize:vertical;border:0"
        return f'<iframe sandbox="allow-scripts" srcdoc="{escape(page)}" style="{style}"></iframe>'

    def __repr__(self) -> str:
        found = self.note or f"{len(self.sentences)} sentences"
        return f"<framescope.Report {self.article.id!r}: {found}>"


def read(source: Input) -> list[Article | Skipped]:
    """Read the articles of one input, or raise `InputError`; a page may hold several.

    A string is a file when there is one of that name, or an ``http(s)`` address; it is refused when
    it looks like a file that isn't there. Any other is read as a file of that content is: text,
    HTML or JSONL. `Skipped` says why a line of JSONL can't be read.
    """
    from framescope.classifier.inputs import read_value

    return list(read_value(source, "text"))


class ArticleScorer:
    """A loaded model, from `load`; ``signals`` are those that it reports.

    It can be sent to worker processes: each loads the model once, from its folder, and so does a
    process that was forked from this one.
    """

    def __init__(self, recipe: tuple[Any, ...], scorer: Scorer | None = None) -> None:
        self._recipe = recipe  # folder or None, signals, sources, digest
        self.signals: tuple[str, ...] = recipe[1]
        self._scorer = scorer
        self._process = os.getpid()

    def score(self, inputs: Input | Iterable[Input]) -> Iterator[Report | Skipped]:
        """Score inputs as they come; see `framescope.score`."""
        from framescope.classifier.inputs import read_values

        return self.reports(read_values(inputs))

    def reports(self, items: Iterable[Article | Skipped]) -> Iterator[Report | Skipped]:
        """Score what has been read; each item comes back in its place."""
        if self._scorer is None or self._process != os.getpid():
            _inherited.append(self._scorer)
            self._scorer, self._process = _loaded(self._recipe, os.getpid()), os.getpid()
        name, thresholds = self._scorer.bundle.name, self._scorer.thresholds
        for item in self._scorer.score(items):
            if not isinstance(item, Skipped):
                known = {field: getattr(item, field) for field in _FIELDS}
                known["model"] = item.model or name
                item = Report(**{**known, "thresholds": item.thresholds or thresholds})
            yield item

    def __reduce__(self) -> tuple[Any, ...]:
        return ArticleScorer, (self._recipe,)


# A forked process lacks the threads that run its parent's model: it can't use the model, and would
# wait for them for ever if it let go of it.
_inherited: list[Scorer | None] = []


@lru_cache(maxsize=4)  # a worker may be sent the same scorer with each of its tasks
def _loaded(recipe: tuple[Any, ...], process: int) -> Scorer:
    from framescope.classifier.scoring import load_scorer

    *how, digest = recipe
    scorer = load_scorer(*how)
    if scorer.bundle.digest != digest:
        raise BundleError(f"{scorer.bundle.path}: has changed since it was loaded; load it again")
    return scorer


def load(
    model: str | os.PathLike[str] | None = None,
    *,
    signals: Sequence[str] | None = None,
    sources: str | os.PathLike[str] | None = None,
) -> ArticleScorer:
    """Load a model, to score with it more than once.

    ``model`` is ``"transformer"``, ``"multilingual"``, ``"baseline"``, or a bundle's folder, which
    scores alone; None is the transformer for English and the multilingual model, loaded when it is
    needed, for other languages. Only ``signals`` are reported, None for all; ``sources`` is a file
    of your own outlets, one per line (docs/sources.md). Raises `BundleError`, `SignalError` or
    `SourcesError`.
    """
    from framescope.classifier.scoring import load_scorer

    own = None if sources is None else str(Path(sources).absolute())
    word = None if model is None else os.fspath(model)
    scorer = load_scorer(word, [signals] if isinstance(signals, str) else signals, own)
    folder = None if word is None else str(scorer.bundle.path.absolute())
    return ArticleScorer((folder, scorer.signals, own, scorer.bundle.digest), scorer)


def score(
    inputs: Input | Iterable[Input], model: str | os.PathLike[str] | ArticleScorer | None = None
) -> Iterator[Report | Skipped]:
    """Score one input, or an iterable of inputs, as they come.

    `read` says what an input is; ``model`` may come from `load`, to use it more than once. Reports
    come in the inputs' order, a few dozen at a time; `Skipped` says why one of several couldn't be
    read. A bundle that can't be used is a `BundleError` at once, and a single input that can't be
    used an `InputError` on the first step.
    """
    return (model if isinstance(model, ArticleScorer) else load(model)).score(inputs)


def score_frame(
    df: pandas.DataFrame,
    text: str = "body",
    model: str | os.PathLike[str] | ArticleScorer | None = None,
) -> pandas.DataFrame:
    """Score the articles of a table, one per row.

    The column ``text`` holds them, each an input as `read` takes it, but that plain text is the
    article as it stands. Columns called ``title``, ``outlet``, ``url``, ``date``, ``lang``,
    ``author`` and ``site_name`` say what is known of it, where they hold text or a date.

    The result has one row per sentence, in the columns of `Report.to_records`, under the index of
    the row that it comes from. What can't be read or scored is one row, whose ``note`` says why.
    Raises ImportError, `InputError` or `BundleError` without pandas, the column or the model.
    """
    from framescope.classifier.inputs import read_frame
    from framescope.classifier.reports.document import need_pandas, row, to_frame

    need_pandas()
    given = read_frame(df, text)
    scorer = model if isinstance(model, ArticleScorer) else load(model)
    sent: deque[int] = deque()  # the row of each article on its way

    def items() -> Iterator[Article | Skipped]:
        for number, item in given:
            sent.append(number)
            yield item

    rows: list[dict[str, Any]] = []
    places: list[int] = []
    for item in scorer.reports(items()):
        if isinstance(item, Skipped):
            found = [row(item.source, scorer.signals, item.reason)]
        else:
            found = item.to_records() or [row(item.article.id, scorer.signals, item.note)]
        rows += found
        places += [sent.popleft()] * len(found)
    return to_frame(rows, scorer.signals).set_axis(df.index.take(places))


def read_run(path: str | os.PathLike[str]) -> RunFrames:
    """Open the folder of a run that ``framescope batch`` wrote, finished or not.

    It has the tables ``inputs``, ``articles``, ``sentences``, ``citations`` and ``spans``, each
    read when it is asked for; ``manifest``, ``summary``; and ``query``, which takes SQL. Raises
    `FramescopeError` when there is no run, or without pyarrow or DuckDB when a table is asked for,
    and ImportError without pandas.
    """
    from framescope.classifier.batch.reading import read_run as read

    return read(path)


def signals(
    model: str | os.PathLike[str] | None = None, *, language: str | None = None
) -> list[dict[str, Any]]:
    """List the signals, and which of them a model gives; the model isn't loaded.

    The keys are ``name``, ``label``, ``family``, ``level``, ``meaning``, ``origin``; ``given``,
    the ``threshold`` from which it is flagged, else None; ``experimental``, whether by default it
    is not flagged at all; and, of a signal that doesn't ship, the file that it is ``defined_in``.
    In a ``language`` (a code or an English name) only those that are given, with ``state``: it is
    validated on "real" text, on "written" text only, or "none"; and the figures of that: ``n``,
    ``positives``, ``ap`` (average precision) from ``low`` to ``high``, ``precision``, ``recall``.
    """
    from framescope.classifier import bundles

    return bundles.list_signals(None if model is None else os.fspath(model), language)[1]


def outlet(key: str, *, sources: str | os.PathLike[str] | None = None) -> Outlet | None:
    """Look an outlet up by a host, an address, a name in any script, an id or a Wikidata id.

    None when no outlet has it, or only an imposter; `SourcesError` names several that do.
    """
    from framescope.classifier.outlets import load_registry, look_up, sole

    return sole(look_up(load_registry(user=None if sources is None else Path(sources)), key))
