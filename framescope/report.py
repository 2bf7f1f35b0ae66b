"""What scoring gives: one report an article, one row a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from html import escape
from typing import TYPE_CHECKING, Any

from classifier.values import ArticleReport, Citation, Span

if TYPE_CHECKING:
    import pandas

_HEIGHT = 640  # pixels of the page in a notebook; its lower edge can be dragged


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Report(ArticleReport):
    """A scored article.

    Attributes
    ----------
    article : Article
        Its text, to which all offsets refer, and what is known of it.
    sentences : tuple of SentenceReport
        Each with its ``text``, ``start``, ``end`` and ``voice``, ``scores`` and ``flags``, the
        ``evidence`` for them and the ``citations``.
    scores, flags
        Of the signals of whole articles.
    note : str or None
        Why it was not scored (another language, say); None when it was.
    source : SourceCard
        Who published it and what is on record. Its fields may change.
    model : str
    thresholds : mapping of str to float
        The probability from which each signal is flagged.
    """

    model: str
    thresholds: Mapping[str, float]

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
        from classifier.render import spans

        return spans(self)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Who is cited, and as what kind of source, in the order of the text."""
        return tuple(citation for s in self.sentences for citation in s.citations)

    def to_records(self) -> list[dict[str, Any]]:
        """Give a row a sentence, of plain values.

        Returns
        -------
        list of dict
            ``article``, ``sentence``, ``start``, ``end``, ``voice``, ``text``, ``flags``,
            ``cited`` (names), ``cited_as`` (their kinds), each signal's score under its name (that
            of a whole article on each of its sentences), and ``note``; None where there is none.
        """
        from classifier.render import to_records

        return to_records(self, tuple(self.thresholds))

    def to_frame(self) -> pandas.DataFrame:
        """Give the rows of `to_records` as a table; ImportError without pandas."""
        from classifier.render import to_frame

        return to_frame(self.to_records(), tuple(self.thresholds))

    def _repr_html_(self) -> str:
        from classifier.render import to_html
        from classifier.values import BatchReport

        page = to_html(BatchReport((self,), self.model, tuple(self.thresholds), self.thresholds))
        # In a frame, so that neither page changes what the other looks like or does.
        return (
            f'<iframe sandbox="allow-scripts" srcdoc="{escape(page)}" '
            f'style="width:100%;height:{_HEIGHT}px;resize:vertical;border:0"></iframe>'
        )

    def __repr__(self) -> str:
        found = self.note or f"{len(self.sentences)} sentences"
        return f"<framescope.Report {self.article.id!r}: {found}>"


def report(scored: ArticleReport, model: str, thresholds: Mapping[str, float]) -> Report:
    """Give a scored article as users read it."""
    known = {field.name: getattr(scored, field.name) for field in fields(ArticleReport)}
    return Report(**known, model=model, thresholds=thresholds)
