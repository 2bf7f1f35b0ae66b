"""A report as JSON, JSON Lines, rows, or one HTML page that asks the network for nothing."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from importlib.resources import files
from inspect import getdoc
from io import StringIO
from itertools import chain
from operator import or_
from types import NoneType
from typing import TYPE_CHECKING, Any, ForwardRef, Literal, get_args, get_origin, get_type_hints

from framescope.classifier import __version__, records
from framescope.classifier.errors import BundleError, how_to_install
from framescope.classifier.inputs import to_record
from framescope.classifier.output import CSV_HEAD, CSV_MARK, safe_cell
from framescope.classifier.records import counted, printable, shortened
from framescope.classifier.reports import layout, sources, sourcing
from framescope.classifier.reports.layout import VoiceCounts
from framescope.classifier.reports.sourcing import Summary, summarise
from framescope.classifier.taxonomy import BY_NAME, NAMES, TECHNIQUES, Level
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    import pandas
    from pydantic import BaseModel

SCHEMA_VERSION = "2.2"
LINE_FORMAT = 3
"""Of what scoring adds to a line. The first, which had no number, said of each signal 0 or 1."""

DECIMALS = 4
_OF_LINE = ("start", "end", "voice", "scores", "flags", "undecided", "repeats", "citations")
_COLUMNS = ("article", "sentence", "start", "end", "voice", "text", "flags", "cited", "cited_as")
# Line ends to some readers (U+0085, U+2028, U+2029), other controls that a terminal would obey,
# and halves of surrogate pairs, which no encoding can write.
_TO_ESCAPE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def spans(report: records.ArticleReport) -> tuple[records.Span, ...]:
    """Return the article's labelled spans, which have no score, then the spans found, which do."""
    labelled = (span for span in report.article.spans if span.score is None)
    # The n-grams that weigh most for a whole sentence are evidence, and stay with it.
    evidence = (span for sentence in report.sentences for span in sentence.evidence)
    found = (one for one in evidence if BY_NAME[one.signal].level is Level.SPAN)
    return (*labelled, *(span for span in found if span.score is not None))


Get = Callable[[Any], Any]


def _status(record: records.Record) -> Literal["scored", "rated", "unscored"]:
    """Whether two raters or more make an estimate, one speaks alone, or there is no record."""
    return "scored" if record.scored else "rated" if record.rater else "unscored"


def _reasons(citation: records.Citation) -> dict[str, float]:
    return dict(citation.reasons)


def _version(report: records.BatchReport) -> str:
    """Version of this format: a minor number adds keys, a major number changes or removes some."""
    return SCHEMA_VERSION


_PROOF = ("source=evidence.source", "url=evidence.url", "date=evidence.date")
#: The keys of each record, in order: a field, ``key=path``, or a key and its function; None stands
#: for the characters of the article.
VIEWS: dict[type, tuple[str | tuple[str, Get | None], ...]] = {
    records.BatchReport: (
        ("schema_version", _version), "model", "digest", "runtime", "signals", "thresholds",
        "articles", "skipped",
    ),
    records.ArticleReport: (
        "id=article.id", "title=article.title", "outlet=article.outlet",
        "site_name=article.site_name", "url=article.url", "date=article.date",
        "author=article.author", "lang=article.lang", "text=article.text",
        "origin=article.origin", "note", "remarks", "model", "digest", "thresholds",
        "republications=article.republications",
        "removed=article.removed", "sentences",
        ("spans", spans), "scores", "flags", "undecided", "experimental", "distance", "far",
        "source", ("summary", summarise),
    ),
    records.Origin: ("input", "line", "record"),
    records.Republication: ("start", "end", "outlet", "evidence"),
    records.SentenceReport: (
        "start", "end", "text", "lang=sentence.lang", "voice", "scores", "flags", "undecided",
        "evidence", "repeats", "citations",
    ),
    records.Span: ("start", "end", ("text", None), "signal", "score"),
    records.Citation: (
        "source", "cue", "content", "kind", "government", "state_media", "name", "antecedent",
        "outlets", "score", "found_by", ("reasons", _reasons),
    ),
    records.SourceCard: ("publication", "outlet", "networks", "record", "evidence"),
    records.Publication: ("relation", "chain", "imposter", "imitates=imitated.id", "claimed"),
    records.Link: ("relation", "name", "outlet=outlet.id", "evidence", "basis", "place"),
    records.Outlet: (
        "id", "name", "wikidata", "country", "role", "medium", "state_media", "status", "content",
        "control", "statements", "owners=holdings",
    ),
    records.Network: ("id", "name", "operator", "country", "attributed_by", *_PROOF),
    records.Statement: ("about", "value", *_PROOF),
    records.Holding: (
        "id=owner.id", "name=owner.name", "kind=owner.kind", "country=owner.country", "share",
        *_PROOF, "owners=owner.holdings",
    ),
    records.Control: ("funding", "governance", "editorial", "code", "owner", "owner_kind", *_PROOF),
    records.Record: (
        ("status", _status), "rater", "reason", "low", "estimate", "high", "shift", "cap",
        "assessments",
    ),
    records.Assessment: ("claim", "value", "confidence", *_PROOF),
    records.ArticleEvidence: (
        "claims", "named", "unnamed", "vague", "none", "government", "state_media", "sources",
        "single_source", "quotes", "links", "corrections",
    ),
    records.SourceCount: ("name", "sentences"),
    Summary: (
        "text", "sentences", "flagged", "claims", "attributed", "own_claims",
        "unsourced_own_claims", "techniques",
    ),
    VoiceCounts: ("own", "reported", "quoted", "total"),
    records.Skipped: ("source", "reason"),
    records.Place: ("start", "end", ("text", None)),
}  # fmt: skip
_AS_IT_STANDS = frozenset(("share", "reasons"))  # numbers that aren't rounded

Entry = tuple[str, ...] | Get | None


_ENTRIES: dict[type, dict[str, Entry]] = {
    kind: dict(
        (one.partition("=")[0], tuple(one.rpartition("=")[2].split(".")))
        if isinstance(one, str)
        else one
        for one in view
    )
    for kind, view in VIEWS.items()
}


def plain(value: object, text: str = "") -> Any:
    """Return a record of `VIEWS`, or what its fields hold, as JSON has it."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):  # JSON has no word for it
            raise BundleError(
                "the model gives a score that is not a number; its bundle is damaged: "
                "train it again, or choose another with --model"
            )
        return round(value, DECIMALS)
    if isinstance(value, Mapping):
        return {key: plain(one, text) for key, one in value.items()}
    for kind in type(value).__mro__:
        if kind in VIEWS:
            return _fields(value, kind, text)
    assert isinstance(value, Sequence)
    return [plain(one, text) for one in value]


def _fields(value: Any, kind: type, text: str, keys: Sequence[str] = ()) -> dict[str, Any]:
    if kind is records.ArticleReport:
        text = value.article.text
    entries = _ENTRIES[kind]
    record = {}
    for key in keys or entries:
        found, entry = value, entries[key]
        if entry is None:
            found = text[value.start : value.end]
        elif not isinstance(entry, tuple):
            found = entry(value)
        else:
            for name in entry:
                found = None if found is None else getattr(found, name)
        record[key] = found if key in _AS_IT_STANDS else plain(found, text)
    return record


def to_json(report: records.BatchReport, *, indent: int | None = 2) -> str:
    """Write a report as one JSON object; `BundleError` where a score is not a finite number."""
    return dumps(plain(report), indent=indent)


def to_line(
    report: records.ArticleReport, *, model: str, thresholds: Mapping[str, float], runtime: str = ""
) -> str:
    """Write a scored article in the exchange format, with what was found, on one line."""
    text = report.article.text
    record = to_record(report.article)
    units = {(unit["start"], unit["end"]): unit["labels"] for unit in record.get("sentences", ())}
    record["sentences"] = []
    for one in report.sentences:
        told = _fields(one, records.SentenceReport, text, _OF_LINE)
        given = {"labels": units.get((one.start, one.end))}
        told = {"start": one.start, "end": one.end, "voice": told["voice"], **given, **told}
        kept = {"start", "end", "citations", *["flags"] * bool(one.scores)}
        record["sentences"].append({k: x for k, x in told.items() if x or k in kept})
    place = ("start", "end", "signal")
    record["spans"] = [
        _fields(one, records.Span, text, place if one.score is None else (*place, "score"))
        for one in spans(report)
    ]
    found = ("experimental", "scores", "flags", "undecided", "distance", "far", "source", "summary")
    record["report"] = {
        "format": LINE_FORMAT,
        "model": report.model or model,
        "runtime": runtime,
        **_fields(report, records.ArticleReport, text, ("origin", "note", "remarks")),
        "thresholds": plain(report.thresholds or thresholds),
        **_fields(report, records.ArticleReport, text, found),
    }
    return dumps(record)


def dumps(value: object, *, indent: int | None = None) -> str:
    """Serialise to JSON in which every character is itself, but for those that break a line."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    return _TO_ESCAPE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def to_records(report: records.ArticleReport, signals: Sequence[str]) -> list[dict[str, Any]]:
    """Write one row per sentence, of plain values, with the scores of some signals."""
    article = report.article.id
    return [row(article, signals, report.note, one, report.scores) for one in report.sentences]


def row(
    article: str,
    signals: Iterable[str],
    note: str | None,
    one: records.SentenceReport | None = None,
    scores: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Write one row; without a sentence, one that only says why there is none."""
    found = dict(scores or {})
    values: list[Any] = [None, None, None, None, None, [], [], []]
    if one is not None:
        found |= one.scores
        voice, cited = one.voice and one.voice.value, one.citations
        values = [one.sentence.index, one.start, one.end, voice, one.text, list(one.flags)]
        values += [[c.name for c in cited], [c.kind.value for c in cited]]
    named = dict(zip(_COLUMNS, (article, *values), strict=True))
    return {**named, **{signal: found.get(signal) for signal in signals}, "note": note}


def to_csv(report: records.ArticleReport) -> str:
    """Write whom an article cites: a row per citation, which no spreadsheet takes for a formula."""
    file = StringIO()
    table = csv.writer(file, lineterminator="\n")
    for one in report.sentences:
        for cited in sourcing.cited_in(report, one):
            named = ["named"] if cited.tags[0] not in list(records.SourceKind) else []
            kind = ", ".join((*named, *cited.tags))
            told = report.article.lang or "", report.model or ""
            row = (report.article.id, cited.name, kind, one.text, *told)
            table.writerow(safe_cell(printable(cell).strip()) for cell in row)
    return file.getvalue()


def to_frame(rows: Sequence[Mapping[str, Any]], signals: Sequence[str]) -> pandas.DataFrame:
    """Put rows into a table whose numbers have the same types whatever it holds."""
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


def report_schema(reference: str = "#/$defs/{model}") -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of `to_json`; `reference` names that of a record."""
    from pydantic import ConfigDict, Field, TypeAdapter, create_model

    models: dict[type, type[BaseModel]] = {}
    for kind in reversed(VIEWS):  # what a record holds comes after it
        fields: dict[str, Any] = {}
        for key, entry in _ENTRIES[kind].items():
            hint, said = _described(kind, entry)
            fields[key] = (_public(hint, models), Field(description=said or None))
        models[kind] = create_model(
            kind.__name__,
            __config__=ConfigDict(extra="forbid"),
            __doc__=(getdoc(kind) or "").partition("\n")[0],
            **fields,
        )
    schema = TypeAdapter(models[records.BatchReport]).json_schema(ref_template=reference)
    about = f"framescope report, version {SCHEMA_VERSION}"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": about}


def _described(kind: Any, entry: Entry) -> tuple[Any, str]:
    """Return the type of an entry of a record, and what its docstring says of it."""
    if entry is None:
        return str, "The characters from start to end."
    if not isinstance(entry, tuple):
        said = (getdoc(entry) or "").partition("\n")[0].removeprefix("Return ")
        return get_type_hints(entry)["return"], said[:1].upper() + said[1:]
    unknown, said = False, ""
    for name in entry:
        found = getattr(kind, name, None)
        if isinstance(found, property):
            hint, said = get_type_hints(found.fget)["return"], getdoc(found) or ""
        else:
            hint = get_type_hints(kind, include_extras=True)[name]
            said = "".join(getattr(hint, "__metadata__", ()))
            hint = get_type_hints(kind)[name]
        options = get_args(hint)
        unknown = unknown or NoneType in options
        kind = next((one for one in options if one in VIEWS), hint)
    return (hint | None if unknown else hint), said


def _public(hint: Any, models: Mapping[type, type[BaseModel]]) -> Any:
    """Return the type that JSON has for a type of the records."""
    inner = [_public(one, models) for one in get_args(hint)]
    if hint in VIEWS:
        return models.get(hint, ForwardRef(hint.__name__))  # or the one that is being defined
    if get_origin(hint) is tuple:
        return list[inner[0]]  # type: ignore[valid-type]
    if get_origin(hint) is Mapping:
        return dict[str, inner[1]]  # type: ignore[valid-type]
    return reduce(or_, inner) if NoneType in inner else hint


_HERE = "framescope.classifier.reports"


def to_html(report: records.BatchReport) -> str:
    """Write a report as one HTML page: a complete document, to be encoded as UTF-8."""
    environment = environment_of(_HERE)
    environment.filters |= {"score": layout.score_in_words, "shortened": shortened}
    environment.globals |= {
        "layout": layout, "sourcing": sourcing, "cards": sources, "signals": BY_NAME,
        "techniques": {"any_technique", *TECHNIQUES}, "counted": counted, "version": __version__,
    }  # fmt: skip
    pages = [_page(article, report.thresholds) for article in report.articles]
    met = Counter(name for page in pages for _, names in page["sentences"] for name in names)
    order = (layout.UNSOURCED, layout.CITED, layout.FURNITURE, *NAMES)
    return environment.get_template("report.html").render(
        report=report,
        pages=pages,
        sentences=dumps([page["sentences"] for page in pages]).replace("<", "\\u003c"),
        cited=CSV_MARK + CSV_HEAD + "".join(map(to_csv, report.articles)),
        kinds=[(layout.kind(name), met[name]) for name in order if met[name]],
        style=style(_HERE, "report.css", "sources.css"),
        script=_asset(_HERE, "report.js"),
    )


def _page(report: records.ArticleReport, of_all: Mapping[str, float]) -> dict[str, Any]:
    thresholds = report.thresholds or of_all
    paragraphs = list(layout.paragraphs(report, thresholds))
    lines = list(chain(*paragraphs))
    title, headline = layout.title(report.article), None
    first = report.sentences[0].text if report.sentences else ""
    if 0 < len(first) <= layout.MAX_TITLE and printable(first).strip() == title:
        # The text opens with its title, which the page needn't show twice.
        headline, *rest = paragraphs[0]
        paragraphs[:1] = [tuple(rest)] if rest else []
    sentences = [(printable(x.text), [m.kind.name for m in x.marks]) for x in lines if x.number]
    return {
        "report": report,
        "thresholds": thresholds,
        "title": title,
        "headline": headline,
        "paragraphs": paragraphs,
        "marked": [line for line in lines if line.marks],
        "summary": summarise(report),
        "whose": sources.whose(report),
        "control": sources.steered(report.source.outlet if report.source else None),
        "sentences": sentences,
        "card": sources.card(report),
        "map": sourcing.sourcing_map(report),
        "asked": layout.assertions(report),
    }


def environment_of(package: str) -> Environment:
    """Return an environment for pages: the templates of a package, and ``page.html`` below them."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=ChoiceLoader([PackageLoader(package, ""), PackageLoader(_HERE, "")]),
    )
    environment.filters |= {"printable": printable, "digest": _digest}
    return environment


def style(package: str, *names: str) -> str:
    """Return the style sheets of a package behind the one that all pages share."""
    return "".join((_asset(_HERE, "base.css"), *(_asset(package, name) for name in names)))


def _asset(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
