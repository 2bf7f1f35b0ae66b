"""The five tables of a run: what their columns are, and how reports become their rows.

Nothing stands in two of them. Offsets are those of the article's text, in Unicode code points,
end-exclusive; the words at a place are cut out of the sentence's text.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from framescope.classifier.errors import need
from framescope.classifier.records import ArticleReport, Citation, Place, SentenceReport, SourceCard
from framescope.classifier.taxonomy import BY_NAME, Level

if TYPE_CHECKING:
    import pyarrow as pa

VERSION = 1
"""Of the tables; a change that an older reader would misread makes it the next."""

TABLES = ("inputs", "articles", "sentences", "citations", "spans")

MANY = 1_000_000
"""``article_id`` is the number of the input record times this, and the article's within it."""

Columns = Mapping[str, str]

_INPUTS: Columns = {
    "input_id": "int64",  # the record's number in the run, from 0
    "input": "string",  # the file or address
    "line": "int64",  # on which it begins; null where it has none
    "record": "int64",  # its number within the file, from 1; null for a whole file
    "bytes": "int64",  # that it takes in the input, roughly
    "articles": "int32",  # in the table of articles
    "scored": "int32",  # of them; the rest say why not
    "stage": "string",  # of an error: read, score, time, crash
    "error": "string",  # null where there is none
}
_ARTICLES: Columns = {
    "article_id": "int64",
    "input_id": "int64",
    "id": "string",  # as the input has it; need not be unique
    "title": "string",
    "outlet": "string",  # who published it, as the page itself says
    "site_name": "string",
    "url": "string",
    "date": "string",  # as the page has it, ISO 8601
    "day": "date32",  # of it
    "author": "string",
    "lang": "string",
    "characters": "int32",
    "sentences": "int32",
    "text_digest": "string",  # of the words: equal for copies, whatever page they stand on
    "note": "string",  # why it was not scored; null where it was
    "flags": "list",
    "undecided": "list",
    "distance": "float",  # to the training data: the share of held-out articles that lie nearer
    "far": "bool",
    "relation": "string",  # of the publisher to the words: origin, carried, republished_from, ...
    "publisher": "string",  # id in the registry, of who published it
    "publisher_name": "string",
    "author_outlet": "string",  # id of whose words they are: what follows is of that outlet
    "author_outlet_name": "string",
    "country": "string",
    "state_media": "bool",
    "control": "string",  # code of the State Media Monitor
    "networks": "list",
    "imposter": "bool",
    "record_low": "float",
    "record": "float",
    "record_high": "float",
    "claims": "int32",
    "claims_named": "int32",
    "claims_unnamed": "int32",
    "claims_vague": "int32",
    "claims_unsourced": "int32",
    "links": "int32",
    "corrections": "int32",
}
_SENTENCES: Columns = {
    "article_id": "int64",
    "sentence": "int32",  # its number in the article, from 0
    "start": "int32",
    "end": "int32",
    "text": "string",
    "voice": "word",  # own, reported, quoted
    "inner_voice": "word",  # within a republished part
    "flags": "list",
    "undecided": "list",
    "distance": "float",  # its article's
}
_CITATIONS: Columns = {
    "article_id": "int64",
    "sentence": "int32",
    "name": "string",
    "kind": "word",
    "government": "bool",
    "state_media": "bool",
    "outlets": "list",  # ids in the registry
    "source_start": "int32",
    "source_end": "int32",
    "cue_start": "int32",
    "cue_end": "int32",
    "content_start": "places",
    "content_end": "places",
    "antecedent_start": "int32",
    "antecedent_end": "int32",
    "score": "float",
    "found_by": "word",
}
_SPANS: Columns = {
    "article_id": "int64",
    "sentence": "int32",
    "signal": "word",
    "start": "int32",
    "end": "int32",
    "score": "float",
}
_OF: Mapping[str, Columns] = {
    "inputs": _INPUTS,
    "articles": _ARTICLES,
    "sentences": _SENTENCES,
    "citations": _CITATIONS,
    "spans": _SPANS,
}


def need_pyarrow() -> Any:
    """Import pyarrow; a `FramescopeError` says how to get it."""
    return need("pyarrow", "a run's tables need", "batch")


def columns(table: str, signals: Iterable[str]) -> dict[str, str]:
    """Give a table's columns and their types.

    A column of a signal holds its probability: an article's in ``articles``, else a sentence's.
    """
    found = dict(_OF[table])
    if table in ("articles", "sentences"):
        of_article = table == "articles"
        wanted = (s for s in signals if (BY_NAME[s].level is Level.ARTICLE) == of_article)
        found |= dict.fromkeys(wanted, "float")
    return found


def schema(table: str, signals: Iterable[str], about: Mapping[str, str] | None = None) -> pa.Schema:
    """Give a table's Arrow schema.

    Parameters
    ----------
    table : str
        One of `TABLES`.
    signals : iterable of str
        That the run gives.
    about : mapping of str to str
        What the file says of itself: versions, the bundle's digest, the processor.
    """
    pa = need_pyarrow()
    types = {
        "int64": pa.int64(), "int32": pa.int32(), "float": pa.float32(), "bool": pa.bool_(),
        "string": pa.string(), "date32": pa.date32(), "list": pa.list_(pa.string()),
        "places": pa.list_(pa.int32()), "word": pa.dictionary(pa.int32(), pa.string()),
    }  # fmt: skip
    fields = [pa.field(name, types[kind]) for name, kind in columns(table, signals).items()]
    return pa.schema(fields, metadata={"framescope_schema": str(VERSION), **(about or {})})


class RunTables:
    """Gathers rows of the five tables.

    Parameters
    ----------
    signals : sequence of str
        That the run gives.
    """

    def __init__(self, signals: Sequence[str]) -> None:
        self.signals = tuple(signals)
        self.columns: dict[str, dict[str, list[Any]]] = {
            table: {name: [] for name in columns(table, signals)} for table in TABLES
        }

    def add_input(self, **values: Any) -> None:
        """Add a row of ``inputs``; what isn't given is null."""
        for name, column in self.columns["inputs"].items():
            column.append(values.get(name))

    def add_article(self, input_id: int, number: int, report: ArticleReport) -> None:
        """Add an article of an input record, with all that was found in it.

        Parameters
        ----------
        input_id : int
        number : int
            Of the article in the record, from 0.
        report : ArticleReport
        """
        article_id = input_id * MANY + number
        self._fill("articles", {"article_id": article_id, "input_id": input_id, **_of(report)})
        scored = report.note is None
        table = self.columns["sentences"]
        for at, one in enumerate(report.sentences):
            sentence = one.sentence
            inner = sentence.inner_voice and sentence.inner_voice.value
            values = (
                article_id, at, one.start, one.end, whole(one.text),
                one.voice.value if scored else None, inner,
                list(one.flags), list(one.undecided), report.distance,
            )  # fmt: skip
            # In the order of the columns: a dictionary a row costs more than all else here.
            for column, value in zip(table.values(), (*values, *self._of(one)), strict=True):
                column.append(value)
            for cited in one.citations:
                self._fill("citations", {"article_id": article_id, "sentence": at, **_cited(cited)})
            for span in one.evidence:
                row = article_id, at, span.signal, span.start, span.end, span.score
                for column, value in zip(self.columns["spans"].values(), row, strict=True):
                    column.append(value)

    def rows(self, name: str) -> int:
        """Count the rows of a table."""
        return len(next(iter(self.columns[name].values())))

    def table(self, name: str, about: Mapping[str, str] | None = None) -> pa.Table:
        """Give one of the tables."""
        pa = need_pyarrow()
        return pa.Table.from_pydict(self.columns[name], schema=schema(name, self.signals, about))

    def _of(self, one: SentenceReport) -> Iterable[float | None]:
        if one.scores:
            return one.scores.values()
        return (None for s in self.signals if BY_NAME[s].level is not Level.ARTICLE)

    def _fill(self, table: str, values: Mapping[str, Any]) -> None:
        for name, column in self.columns[table].items():
            column.append(values.get(name))


def to_lines(table: pa.Table) -> Iterable[str]:
    """Write each row as a line of JSON, with a line end; nulls and empty lists are left out."""
    for batch in table.to_batches(max_chunksize=1000):
        for row in batch.to_pylist():
            kept = {name: _plain(value) for name, value in row.items() if value not in (None, [])}
            yield json.dumps(kept, ensure_ascii=False) + "\n"


def whole(text: str) -> str:
    """Put a mark in the place of half a surrogate pair, which no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(np.format_float_positional(np.float32(value), unique=True, trim="0"))
    return value.isoformat() if isinstance(value, datetime.date) else value


def text_digest(text: str) -> str:
    """Give the digest of a text's words, as ``articles`` has it."""
    from hashlib import blake2b

    return blake2b(" ".join(text.split()).encode(errors="replace"), digest_size=16).hexdigest()


def _of(report: ArticleReport) -> dict[str, Any]:
    article = report.article
    known = ("id", "title", "outlet", "site_name", "url", "date", "author", "lang")
    texts = {name: getattr(article, name) for name in known}
    return {
        **{name: value and whole(value) for name, value in texts.items()},
        "day": _day(article.date),
        "characters": len(article.text),
        "sentences": len(report.sentences),
        "text_digest": text_digest(article.text),
        "note": report.note,
        "flags": list(report.flags),
        "undecided": list(report.undecided),
        "distance": report.distance,
        "far": report.far,
        **report.scores,
        **({} if report.source is None else _source(report.source)),
    }


def _source(card: SourceCard) -> dict[str, Any]:
    publication, outlet, evidence = card.publication, card.outlet, card.evidence
    publisher, author = publication.publisher, publication.author
    known: dict[str, Any] = {
        "relation": publication.relation.value,
        "networks": [network.id for network in card.networks],
        "imposter": publication.imposter,
        "record_low": card.record.low,
        "record": card.record.estimate,
        "record_high": card.record.high,
    }
    if publisher is not None:
        known["publisher"] = publisher.outlet and publisher.outlet.id
        known["publisher_name"] = whole(publisher.name)
    if author is not None:
        known["author_outlet_name"] = whole(author.name)
    if outlet is not None:
        control = outlet.control
        known |= {
            "author_outlet": outlet.id,
            "author_outlet_name": outlet.name,
            "country": outlet.country,
            "state_media": outlet.state_media,
            "control": control and control.code,
        }
    if evidence is not None:
        known |= {
            "claims": evidence.claims,
            "claims_named": evidence.named,
            "claims_unnamed": evidence.unnamed,
            "claims_vague": evidence.vague,
            "claims_unsourced": evidence.none,
            "links": evidence.links,
            "corrections": evidence.corrections,
        }
    return known


def _cited(one: Citation) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": whole(one.name),
        "kind": one.kind.value,
        "government": one.government,
        "state_media": one.state_media,
        "outlets": list(one.outlets),
        "content_start": [place.start for place in one.content],
        "content_end": [place.end for place in one.content],
        "score": one.score,
        "found_by": one.found_by,
    }
    places: dict[str, Place | None] = {
        "source": one.source,
        "cue": one.cue,
        "antecedent": one.antecedent,
    }
    for name, place in places.items():
        if place is not None:
            found[f"{name}_start"], found[f"{name}_end"] = place.start, place.end
    return found


def _day(date: str | None) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat((date or "")[:10])
    except ValueError:
        return None
