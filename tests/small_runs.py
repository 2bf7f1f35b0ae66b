"""A small run as the engine leaves it, without the engine: invented outlets, ten days of news."""

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from framescope.classifier.batch.folder import SUMMARY, RunFolder
from framescope.classifier.batch.schema import TABLES, VERSION, RunTables, to_lines
from framescope.classifier.outlets.record import article_evidence
from framescope.classifier.records import (
    About,
    Article,
    ArticleReport,
    Basis,
    Citation,
    Code,
    Evidence,
    Link,
    Outlet,
    Place,
    Publication,
    Record,
    Relation,
    Sentence,
    SentenceReport,
    SourceCard,
    SourceKind,
    Span,
    Statement,
    Voice,
)
from framescope.classifier.taxonomy import BY_NAME, Level, in_order

SIGNALS = in_order(
    [
        *("content", "claim", "attributed", "named_source", "unnamed_source", "vague_source"),
        *("government_attribution", "state_media_attribution", "unsourced_assertion"),
        *("biased_language", "subjective", "any_technique", "loaded_language", "doubt"),
        "hyperpartisan",
    ]
)
THRESHOLD = 0.5
FIRST_DAY = datetime.date(2023, 3, 2)
STATEMENT = "The crane on the north quay of Orrin has not moved since the storm of last Tuesday."
HOSTILE = "<script>window.pwned = 1</script> What a vile {{ 7*7 }} scheme, this ferry of Karst!"
FURNITURE = "Subscribe to our newsletter and never miss what happens in the ports of the north."
AGENCY = "The council of Karst voted nine to four on Friday to keep the ferry for another year."

GAZETTE = Outlet("orrin-gazette", "The Orrin Gazette", country="XA")
VOICE = Outlet(
    "karst-voice",
    "Karst Voice",
    country="XB",
    statements=(Statement(About.CODE, Code.SC, Evidence("made up", None, None)),),
)
RECORDS = {
    "orrin-gazette": Record(0.71, 0.82, 0.9, "made up"),
    "karst-voice": Record(0.12, 0.3, 0.52, "made up"),
}
UNSCORED = Record(None, None, None, "not on record")

MINISTRY = Citation(
    None, None, (), SourceKind.NAMED, government=True, name="the Ministry of Ports", score=0.9
)
MARRAN = Citation(None, None, (), SourceKind.NAMED, name="Ilse Marran", score=0.95)
OBSERVERS = Citation(None, None, (), SourceKind.VAGUE, name="observers", score=0.7)
OF_VOICE = Citation(
    None, None, (), SourceKind.NAMED, state_media=True, name="Karst Voice",
    outlets=("karst-voice",), score=0.9,
)  # fmt: skip


@dataclass(frozen=True)
class Said:
    """A sentence: its flags beside ``content``, whose words, who is cited."""

    text: str
    flags: tuple[str, ...] = ()
    voice: Voice = Voice.OWN
    cited: tuple[Citation, ...] = ()
    undecided: tuple[str, ...] = ()
    content: bool = True


SOBER = (
    Said("The ferry of Karst left on time.", ("claim",)),
    Said("It will cost more, Ilse Marran said.",
         ("claim", "attributed", "named_source"), Voice.REPORTED, (MARRAN,)),
    Said("The ministry expects a loss.",
         ("claim", "attributed", "named_source", "government_attribution"),
         Voice.REPORTED, (MINISTRY,)),
)  # fmt: skip
RANT = (
    Said("What a vile scheme, this harbour of Orrin!",
         ("biased_language", "subjective", "any_technique", "loaded_language")),
    Said("Everybody in Karst knows that the money was stolen.",
         ("claim", "unsourced_assertion", "biased_language")),
    Said("\u201cThe wicked men of Orrin took it all,\u201d Karst Voice quoted a pilot as saying.",
         ("claim", "attributed", "any_technique", "loaded_language", "state_media_attribution"),
         Voice.QUOTED, (OF_VOICE,)),
    Said("Observers expect worse.", ("claim", "attributed", "vague_source"), Voice.REPORTED,
         (OBSERVERS,)),
)  # fmt: skip


def report(
    name: str,
    said: Sequence[Said],
    *,
    outlet: Outlet | None = None,
    called: str | None = None,
    host: str | None = None,
    day: int | None = None,
    note: str | None = None,
    far: bool = False,
) -> ArticleReport:
    """Make a scored article; with a note one that was not scored."""
    date = None if day is None else (FIRST_DAY + datetime.timedelta(day)).isoformat()
    url = host and f"https://www.{host}/news/{name}.html"
    text = " ".join(one.text for one in said)
    called = outlet.name if outlet else called
    article = Article(name, text, f"Report {name}", called, url, date, lang="en")
    relation = Relation.ORIGIN if called else Relation.UNKNOWN
    links = (Link(relation, called, outlet, called, Basis.GIVEN),) if called else ()
    sentences = tuple(_sentences(name, said, scored=note is None))
    record = RECORDS.get(outlet.id, UNSCORED) if outlet else UNSCORED
    evidence = None if note else article_evidence(ArticleReport(article, sentences))
    card = SourceCard(Publication(relation, links), outlet, record, evidence)
    partisan = RANT[1] in said
    scores = {"hyperpartisan": 0.8 if partisan else 0.1}
    return ArticleReport(
        article, sentences, {} if note else scores,
        ("hyperpartisan",) if partisan and not note else (), note, card, distance=0.4, far=far,
    )  # fmt: skip


def _sentences(name: str, said: Iterable[Said], *, scored: bool) -> Iterator[SentenceReport]:
    start = 0
    for index, one in enumerate(said):
        end = start + len(one.text)
        sentence = Sentence(one.text, start, end, name, index, one.voice if scored else None)
        start = end + 1
        if not scored:
            yield SentenceReport(sentence, {}, ())
            continue
        flags = in_order((*one.flags, *(("content",) if one.content else ())))
        # The more flags, the surer: so that the strongest is one that can be told.
        high = round(0.7 + 0.01 * len(one.text) / 100, 4)
        scores = {s: high if s in flags else 0.1 for s in SIGNALS if not of_article(s)}
        spans = tuple(
            Span(sentence.start, sentence.start + 6, flag, 0.8)
            for flag in flags
            if BY_NAME[flag].level is Level.SPAN
        )
        cited = tuple(
            replace(c, source=Place(sentence.start, sentence.start + 3)) for c in one.cited
        )
        yield SentenceReport(sentence, scores, flags, spans, cited, one.undecided)


def of_article(signal: str) -> bool:
    return BY_NAME[signal].level is Level.ARTICLE


def reports() -> list[ArticleReport]:
    """Twenty-eight articles, of which one was not scored.

    The Gazette has ten of SOBER, the Voice ten of two to four sentences of RANT, one a day each,
    all with a line of their page. The Herald, which no registry knows, and the Gazette print one
    agency text; the Voice and a host without a name one sentence. An article of nobody holds what
    is hostile, and what is undecided.
    """
    found = [report(f"g{n}", (*SOBER, *_dated(n)), outlet=GAZETTE, host="orrin.example", day=n)
             for n in range(10)]  # fmt: skip
    found += [report(f"v{n}", (*RANT[: 2 + n % 3], *_dated(n)), outlet=VOICE, host="voice.example",
                     day=n) for n in range(10)]  # fmt: skip
    agency = (Said(AGENCY, ("claim",)), Said("Osric Hale spoke against it.", ()))
    found += [
        report("g-agency", agency, outlet=GAZETTE, host="orrin.example", day=4),
        report("h-agency", agency, called="Vesk Herald", host="vesk.example", day=3),
        report("h-own", SOBER[:1], called="vesk herald", host="vesk.example", day=5),
        report("h-more", SOBER[1:2], called="Vesk Herald", host="vesk.example", day=6),
        report("v-crane", (Said(STATEMENT, ("claim",)), RANT[0]), outlet=VOICE, day=2),
        report("t-crane", (Said(STATEMENT, ("claim",)), SOBER[1]), host="talmere.example", day=8),
        report("hostile", (
            Said(HOSTILE, ("biased_language", "any_technique", "loaded_language", "doubt")),
            Said("This one is hard to tell.", undecided=("biased_language",)),
        ), far=True),
        report("french", (Said("Le bac de Karst est parti."),), called="Vesk Herald", day=6,
               note="not scored: written in French (fr)"),
    ]  # fmt: skip
    return found


def _dated(day: int) -> tuple[Said, ...]:
    return Said(f"It rained in Orrin on day {day}."), Said(FURNITURE, ("claim",), content=False)


def write(
    path: Path,
    *,
    form: str = "parquet",
    signals: Sequence[str] = SIGNALS,
    shards: int = 3,
    finished: bool = True,
    articles: Sequence[ArticleReport] | None = None,
    schema: int = VERSION,
) -> RunFolder:
    """Write a run of several shards; ``shards=0`` is one that has come to none yet."""
    folder = RunFolder(path)
    path.mkdir(parents=True, exist_ok=True)
    of_run = list(enumerate(reports() if articles is None else articles))
    for number in range(shards):
        folder.shards.mkdir(exist_ok=True)
        draft = folder.draft(number)
        tables = RunTables(signals)
        for at, one in of_run[number::shards]:
            tables.add("inputs",
                input_id=at, input="news/March's.jsonl", line=at + 1, record=at + 1, bytes=900,
                articles=1, scored=int(one.note is None),
            )  # fmt: skip
            tables.add_article(at, 0, only(one, signals))
        for name in TABLES:
            kept = [n for n in tables.columns[name] if schema > 1 or "rests_" not in n]
            table = tables.table(name).select(kept)
            if form == "parquet":
                import pyarrow.parquet

                pyarrow.parquet.write_table(table, draft / f"{name}.parquet")
            else:
                (draft / f"{name}.jsonl").write_text("".join(to_lines(table)), encoding="utf-8")
        folder.commit(draft, number, {})
    manifest: dict[str, Any] = {
        "format": 1, "framescope": "0.4.0", "schema": schema,
        "model": {"name": "by-hand", "digest": "0" * 64, "runtime": "openvino 2026.4, AVX512_ICL"},
        "signals": list(signals), "thresholds": dict.fromkeys(signals, THRESHOLD),
        "options": {"format": form},
        "rounds": [{"inputs": ["news/"], "files": 1, "bytes": 90_000, "shards": [0, shards - 1]}],
        "finished": finished,
    }  # fmt: skip
    folder.write("manifest.json", manifest)
    if finished:
        folder.write(SUMMARY, {"articles": len(of_run), "shards": shards})
    return folder


def only(one: ArticleReport, signals: Sequence[str]) -> ArticleReport:
    """Leave out what a model that gives fewer signals would."""
    kept = set(signals)

    def chosen(flags: Iterable[str]) -> tuple[str, ...]:
        return tuple(flag for flag in flags if flag in kept)

    sentences = []
    for s in one.sentences:
        scores = {name: value for name, value in s.scores.items() if name in kept}
        evidence = tuple(span for span in s.evidence if span.signal in kept)
        flags = {"flags": chosen(s.flags), "undecided": chosen(s.undecided)}
        sentences.append(replace(s, scores=scores, evidence=evidence, **flags))
    scores = {name: value for name, value in one.scores.items() if name in kept}
    return replace(one, sentences=tuple(sentences), scores=scores, flags=chosen(one.flags))
