"""A report as rows, one a sentence, and as a table of pandas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from framescope.classifier.errors import how_to_install
from framescope.classifier.records import ArticleReport, SentenceReport

if TYPE_CHECKING:
    import pandas

_COLUMNS = ("article", "sentence", "start", "end", "voice", "text", "flags", "cited", "cited_as")


def to_records(report: ArticleReport, signals: Sequence[str]) -> list[dict[str, Any]]:
    """Write a row a sentence, of plain values; None where there is none.

    Parameters
    ----------
    report : ArticleReport
    signals : sequence of str
        Each has a column with its score: of the sentence, or of the whole article.
    """
    article = report.article.id
    return [row(article, signals, report.note, s, report.scores) for s in report.sentences]


def row(
    article: str,
    signals: Iterable[str],
    note: str | None,
    scored: SentenceReport | None = None,
    scores: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Write one row; without a sentence, one that only says why there is none."""
    values: Iterable[Any] = (article, None, None, None, None, None, [], [], [])
    found = dict(scores or {})
    if scored is not None:
        s, cited = scored.sentence, scored.citations
        place = s.index, s.start, s.end, s.voice.value, s.text
        who = [citation.name for citation in cited], [citation.kind.value for citation in cited]
        values = (article, *place, list(scored.flags), *who)
        found |= scored.scores
    named = dict(zip(_COLUMNS, values, strict=True))
    return {**named, **{signal: found.get(signal) for signal in signals}, "note": note}


def to_frame(rows: Sequence[Mapping[str, Any]], signals: Sequence[str]) -> pandas.DataFrame:
    """Put rows into a table whose numbers have the same types whatever it holds.

    Raises
    ------
    ImportError
        Without pandas.
    """
    table = need_pandas().DataFrame(list(rows), columns=[*_COLUMNS, *signals, "note"])
    whole = dict.fromkeys(("sentence", "start", "end"), "Int64")
    return table.astype({**whole, **dict.fromkeys(signals, "float64")})


def need_pandas() -> Any:
    """Import pandas, or say in an ImportError how to get it."""
    try:
        import pandas
    except ModuleNotFoundError:
        reason = f"tables need pandas; type: {how_to_install('pandas')}"
        raise ImportError(reason) from None
    return pandas
