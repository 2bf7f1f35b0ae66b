"""The five tables of a run: their columns (docs/batch.md explains them), and reports as rows."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from framescope.classifier import records
from framescope.classifier.errors import need
from framescope.classifier.taxonomy import BY_NAME, Level

if TYPE_CHECKING:
    import pyarrow as pa

VERSION = 3  # of the tables; a change that an older reader would misread makes it the next
# Versions of framescope that make the same rows: each resumes and extends runs of the others.
SAME_ROWS = frozenset({"0.4.0"})
TABLES = ("inputs", "articles", "sentences", "citations", "spans")
ADDED = ("model", "experimental", "remarks")  # columns of articles that version 3 has first
MANY = 1_000_000  # ``article_id`` is ``input_id`` times this, and the article's number within it

_COLUMNS: Mapping[str, Sequence[tuple[str, ...]]] = {  # their type, and the names of some
    "inputs": (
        ("int64", "input_id"),
        ("string", "input"),
        ("int64", "line", "record", "bytes"),
        ("int32", "articles", "scored"),
        ("string", "stage", "error"),
    ),
    "articles": (
        ("int64", "article_id", "input_id"),
        ("string", "id", "title", "outlet", "site_name", "url", "date"),
        ("date32", "day"),
        ("string", "author", "lang"),
        ("int32", "characters", "sentences"),
        ("string", "text_digest", "note", "model"),
        ("list", "flags", "undecided", "experimental", "remarks"),
        ("float", "distance"),
        ("bool", "far"),
        ("string", "relation", "publisher", "publisher_name"),
        ("string", "author_outlet", "author_outlet_name", "country"),
        ("bool", "state_media"),
        ("string", "control"),
        ("list", "networks"),
        ("bool", "imposter"),
        ("float", "record_low", "record", "record_high"),
        ("int32", "claims", "rests_named", "rests_unnamed", "rests_vague", "rests_nobody"),
        ("int32", "rests_government", "rests_state_media", "links", "corrections"),
    ),
    "sentences": (
        ("int64", "article_id"),
        ("int32", "sentence", "start", "end"),
        ("string", "text"),
        ("word", "voice", "inner_voice"),
        ("list", "flags", "undecided"),
        ("float", "distance"),
    ),
    "citations": (
        ("int64", "article_id"),
        ("int32", "sentence"),
        ("string", "name"),
        ("word", "kind"),
        ("bool", "government", "state_media"),
        ("list", "outlets"),
        ("int32", "source_start", "source_end", "cue_start", "cue_end"),
        ("places", "content_start", "content_end"),
        ("int32", "antecedent_start", "antecedent_end"),
        ("float", "score"),
        ("word", "found_by"),
    ),
    "spans": (
        ("int64", "article_id"),
        ("int32", "sentence"),
        ("word", "signal"),
        ("int32", "start", "end"),
        ("float", "score"),
    ),
}


def need_pyarrow() -> Any:
    """Import pyarrow; a `FramescopeError` says how to get it."""
    return need("pyarrow", "a run's tables need", "batch")


def columns(table: str, signals: Iterable[str]) -> dict[str, str]:
    """Return the types of a table's columns, by name; a signal's column holds its probability."""
    found = {name: kind for kind, *names in _COLUMNS[table] for name in names}
    if table in ("articles", "sentences"):
        of_article = table == "articles"
        wanted = (s for s in signals if (BY_NAME[s].level is Level.ARTICLE) == of_article)
        found |= dict.fromkeys(wanted, "float")
    return found


def schema(table: str, signals: Iterable[str], about: Mapping[str, str] | None = None) -> pa.Schema:
    """Return the Arrow schema of a table, with `about` as metadata."""
    pa = need_pyarrow()
    types = {
        "int64": pa.int64(), "int32": pa.int32(), "float": pa.float32(), "bool": pa.bool_(),
        "string": pa.string(), "date32": pa.date32(), "list": pa.list_(pa.string()),
        "places": pa.list_(pa.int32()), "word": pa.dictionary(pa.int32(), pa.string()),
    }  # fmt: skip
    fields = [pa.field(name, types[kind]) for name, kind in columns(table, signals).items()]
    return pa.schema(fields, metadata={"framescope_schema": str(VERSION), **(about or {})})


class RunTables:
    """Gathers rows of the five tables."""

    def __init__(self, signals: Sequence[str]) -> None:
        self.signals = tuple(signals)
        self._of_sentences = [s for s in signals if BY_NAME[s].level is not Level.ARTICLE]
        self.columns: dict[str, dict[str, list[Any]]] = {
            table: {name: [] for name in columns(table, signals)} for table in TABLES
        }

    def add_article(self, input_id: int, number: int, report: records.ArticleReport) -> None:
        """Add an article, which is the one of that number in its input record, from 0."""
        article_id = input_id * MANY + number
        known = {"article_id": article_id, "input_id": input_id}
        self.add("articles", **known, **_of_article(report))
        sentences, spans = (list(self.columns[name].values()) for name in ("sentences", "spans"))
        for at, one in enumerate(report.sentences):
            # In the order of the columns: a dictionary a row costs more than all else here.
            values = (
                article_id, at, one.start, one.end, whole(one.text),
                one.voice and one.voice.value,
                one.sentence.inner_voice and one.sentence.inner_voice.value,
                list(one.flags), list(one.undecided), report.distance,
                *map(one.scores.get, self._of_sentences),
            )  # fmt: skip
            for column, value in zip(sentences, values, strict=True):
                column.append(value)
            for cited in one.citations:
                self.add("citations", article_id=article_id, sentence=at, **_of_citation(cited))
            for span in one.evidence:
                row = article_id, at, span.signal, span.start, span.end, span.score
                for column, value in zip(spans, row, strict=True):
                    column.append(value)

    def table(self, name: str, about: Mapping[str, str] | None = None) -> pa.Table:
        """Return one of the tables; `about` as of `schema`."""
        fields = schema(name, self.signals, about)
        return need_pyarrow().Table.from_pydict(self.columns[name], schema=fields)

    def add(self, table: str, /, **values: Any) -> None:
        """Add a row; what isn't given is null."""
        for name, column in self.columns[table].items():
            column.append(values.get(name))


def to_lines(table: pa.Table) -> Iterator[str]:
    """Write each row as a line of JSON, with a line end; nulls and empty lists are left out."""
    for batch in table.to_batches(max_chunksize=1000):
        for row in batch.to_pylist():
            kept = {name: _plain(value) for name, value in row.items() if value not in (None, [])}
            yield json.dumps(kept, ensure_ascii=False) + "\n"


def read_rows(path: Path, *wanted: str) -> list[dict[str, Any]]:
    """Read the rows of a file of either format; of one of Parquet only some columns if wanted."""
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return list(pq.read_table(path, columns=list(wanted) or None).to_pylist())
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [{**row, "day": _day(row["day"])} if "day" in row else row for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(np.format_float_positional(np.float32(value), unique=True, trim="0"))
    return value.isoformat() if isinstance(value, datetime.date) else value


def whole(text: str) -> str:
    """Replace half a surrogate pair, which no file can hold, by a mark."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def text_digest(text: str) -> str:
    """Return the digest of a text's words, as in ``articles``."""
    return blake2b(" ".join(text.split()).encode(errors="replace"), digest_size=16).hexdigest()


_LISTS = ("flags", "undecided", "experimental", "remarks")


def _of_article(report: records.ArticleReport) -> dict[str, Any]:
    article = report.article
    texts = ("id", "title", "outlet", "site_name", "url", "date", "author", "lang")
    return {
        **{name: (value := getattr(article, name)) and whole(value) for name in texts},
        **{name: getattr(report, name) for name in ("note", "model", "distance", "far")},
        **{name: list(getattr(report, name)) for name in _LISTS},
        "day": _day(article.date),
        "characters": len(article.text),
        "sentences": len(report.sentences),
        "text_digest": text_digest(article.text),
        **report.scores,
        **({} if report.source is None else _of_source(report.source)),
    }


def _day(date: str | None) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat((date or "")[:10])
    except ValueError:
        return None


def _of_source(card: records.SourceCard) -> dict[str, Any]:
    publication, outlet, evidence = card.publication, card.outlet, card.evidence
    publisher, author = publication.publisher, publication.author
    found: dict[str, Any] = {
        "relation": publication.relation.value,
        "networks": [network.id for network in card.networks],
        "imposter": publication.imposter,
        "record_low": card.record.low,
        "record": card.record.estimate,
        "record_high": card.record.high,
        "publisher": publisher and publisher.outlet and publisher.outlet.id,
        "publisher_name": publisher and whole(publisher.name),
        "author_outlet_name": author and whole(author.name),
    }
    if outlet is not None:
        found["author_outlet"], found["author_outlet_name"] = outlet.id, outlet.name
        found["country"], found["state_media"] = outlet.country, outlet.state_media
        found["control"] = outlet.control and outlet.control.code
    if evidence is not None:
        found["rests_nobody"] = evidence.none
        found |= {name: getattr(evidence, name) for name in ("claims", "links", "corrections")}
        found |= {f"rests_{kind}": getattr(evidence, kind) for kind in records.SOURCE_SIGNALS}
    return found


def _of_citation(one: records.Citation) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": whole(one.name),
        "kind": one.kind.value,
        "outlets": list(one.outlets),
        "content_start": [place.start for place in one.content],
        "content_end": [place.end for place in one.content],
    }
    for name in ("government", "state_media", "score", "found_by"):
        found[name] = getattr(one, name)
    for name in ("source", "cue", "antecedent"):
        if (place := getattr(one, name)) is not None:
            found[f"{name}_start"], found[f"{name}_end"] = place.start, place.end
    return found
