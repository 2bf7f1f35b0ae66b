"""Reports made by hand, of invented events, for the tests of every output."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from framescope.classifier import records
from framescope.classifier.outlets.publisher.publisher import UNNAMED
from framescope.classifier.outlets.record import article_evidence
from framescope.classifier.records import About, ArticleReport, Link, Relation, Statement, Voice
from framescope.classifier.taxonomy import in_order

SIGNALS = in_order(
    [
        "claim", "attributed", "biased_language", "subjective", "any_technique", "loaded_language",
        "name_calling", "exaggeration_minimisation", "appeal_to_fear", "slogans", "hyperpartisan",
        *records.SOURCE_SIGNALS.values(),
    ]
)  # fmt: skip
THRESHOLDS = dict.fromkeys(SIGNALS, 0.5) | {"loaded_language": 0.42, "hyperpartisan": 0.6}
MODEL = "hand-made 0"
NAMED, UNNAMED_SOURCE, VAGUE = records.SourceKind


@dataclass
class Cite:
    """A citation to put into a sentence, by its words; ``back`` are words of the text before it."""

    name: str
    source: str | None = None
    cue: str | None = None
    content: str | None = None
    kind: records.SourceKind = NAMED
    government: bool = False
    state_media: bool = False
    back: str | None = None
    outlets: tuple[str, ...] = ()

    def placed(self, text: str, start: int) -> records.Citation:
        """Find its words in the sentence that begins at ``start``, the last of the text so far."""

        def place(words: str | None, start: int = start) -> records.Place | None:
            found = text.index(words or "", start)
            return records.Place(found, found + len(words)) if words else None

        content = place(self.content)
        return records.Citation(
            place(self.source), place(self.cue), (content,) if content else (), self.kind,
            self.government, self.state_media, self.name, place(self.back, 0), self.outlets,
        )  # fmt: skip


@dataclass
class Line:
    """A sentence to put into an article: its words, what it scores, and the words that say why."""

    text: str
    scores: Mapping[str, float] = field(default_factory=dict)
    words: tuple[tuple[str, str, float], ...] = ()  # (words, signal, score)
    voice: Voice = Voice.OWN
    before: str = " "
    cites: tuple[Cite, ...] = ()


def scored(
    lines: list[Line],
    *,
    note: str | None = None,
    article_scores: Mapping[str, float] | None = None,
    **known: object,
) -> ArticleReport:
    """Put lines together into a scored article; signals not given score 0.02."""
    text, name, sentences = "", str(known["id"]), []
    for index, line in enumerate(lines):
        text += line.before if index else ""
        start = len(text)
        text += line.text
        sentence = records.Sentence(line.text, start, len(text), name, index, line.voice)
        scores = {} if note else _all_scores(line.scores)
        evidence = tuple(
            records.Span(start + at, start + at + len(words), signal, score)
            for words, signal, score in line.words
            for at in [line.text.index(words)]
        )  # fmt: skip
        flags = tuple(name for name in scores if scores[name] >= THRESHOLDS[name])
        cited = tuple(cite.placed(text, start) for cite in line.cites)
        sentences.append(records.SentenceReport(sentence, scores, flags, evidence, cited))
    article_scores = article_scores or {}
    return ArticleReport(
        records.Article(text=text, **known),  # type: ignore[arg-type]
        tuple(sentences),
        article_scores,
        tuple(name for name, value in article_scores.items() if value >= THRESHOLDS[name]),
        note,
    )


def sourced(
    report: ArticleReport,
    chain: tuple[Link, ...],
    record: records.Record,
    relation: Relation | None = None,
) -> ArticleReport:
    """Give a report its source card: control is of the last of the chain."""
    outlet = chain[-1].outlet if chain else None
    relation = relation or (chain[0].relation if chain else Relation.UNKNOWN)
    publication = records.Publication(relation, chain)
    evidence = None if report.note else article_evidence(report)
    return replace(report, source=records.SourceCard(publication, outlet, record, evidence))


def _all_scores(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: scores.get(name, 0.02) for name in SIGNALS if name != "hyperpartisan"}


BREAK = "\n\n"


MONITOR = records.Evidence("State Media Monitor", "https://statemedia.example/vellen", "2025")
REGISTER = records.Evidence(
    "Register of Publishers", "https://register.example/courier", "2024-11-02"
)
FAMILY = records.Holding(
    records.Owner("ellery", "the Ellery family", records.OwnerKind.FAMILY), 82.5, REGISTER
)
PRESS = records.Owner(
    "ellery-press", "Ellery Press Ltd", records.OwnerKind.PRIVATE, "GB", (FAMILY,)
)
COURIER = records.Outlet(
    "larnwick-courier", "The Larnwick Courier", medium=records.Medium.NEWSPAPER, country="GB",
    wikidata="Q999000001",
    statements=(
        Statement(About.FUNDING, records.Holder.NOT_STATE, REGISTER),
        Statement(About.GOVERNANCE, records.Holder.NOT_STATE, REGISTER),
        Statement(About.OWNER_KIND, records.OwnerKind.FAMILY, REGISTER),
    ),
    holdings=(records.Holding(PRESS, 100.0, REGISTER),),
)  # fmt: skip
COURIER_LINK = Link(
    Relation.ORIGIN, COURIER.name, COURIER, "larnwickcourier.example", records.Basis.URL
)
WATCH = records.Evidence("Press Watch", "https://presswatch.example/c", "2024-03-01")
LIST = records.Evidence("County Library list", None, "2021")
COURIER_RECORD = records.Record(
    0.581, 0.7432, 0.871,
    "Press Watch (2024-03-01): generally reliable; County Library list (2021): no consensus",
    (
        records.Assessment("reliability", "generally_reliable", WATCH, 0.8),
        records.Assessment("reliability", "no_consensus", LIST, 0.5),
    ),
    shift=0.0121,
    cap=0.05,
)  # fmt: skip


def harbour() -> ArticleReport:
    """An article with every kind of thing in it."""
    report = scored(
        [
            Line("Harbour board gambles away the town's future",
                {"claim": 0.71, "biased_language": 0.83, "any_technique": 0.9,
                 "loaded_language": 0.8712, "attributed": 0.08},
                (("gambles away", "loaded_language", 0.8712),
                 ("gambles away", "biased_language", 1.2))),
            Line("The Larnwick harbour board voted on Tuesday to lease the eastern quay for "
                "forty years.",
                {"claim": 0.97, "attributed": 0.11},
                before=BREAK),
            Line("Chairwoman Ida Fenn said the lease would bring 200 jobs.",
                {"claim": 0.95, "attributed": 0.98},
                voice=Voice.REPORTED,
                cites=(Cite("Ida Fenn", "Chairwoman Ida Fenn", "said",
                            "the lease would bring 200 jobs", government=True),)),
            Line("Many in the town believe that the figures were invented.",
                {"claim": 0.9, "attributed": 0.77, "vague_source": 0.93},
                (("Many in the town believe", "vague_source", 2.31),),
                voice=Voice.REPORTED,
                cites=(Cite("many in the town", "Many in the town", "believe",
                            "that the figures were invented", VAGUE),)),
            Line("“These vultures will pick our quay to the bone, and then they will come for "
                "your homes,” the former pilot Osric Hale told the meeting.",
                {"claim": 0.66, "attributed": 0.991, "any_technique": 0.97,
                 "loaded_language": 0.81, "name_calling": 0.92, "appeal_to_fear": 0.74},
                (("These vultures", "name_calling", 0.92),
                 ("vultures will pick our quay to the bone", "loaded_language", 0.81),
                 ("they will come for your homes", "appeal_to_fear", 0.74)),
                voice=Voice.QUOTED,
                before=BREAK,
                cites=(Cite("Osric Hale", "the former pilot Osric Hale", "told",
                            "“These vultures will pick our quay to the bone"),)),
            Line("“Nobody asked us,” he added.",
                {"claim": 0.55, "attributed": 0.96},
                voice=Voice.QUOTED,
                cites=(Cite("Osric Hale", "he", "added", "“Nobody asked us,”",
                            back="the former pilot Osric Hale"),)),
            Line("The real reason for the haste is the chairwoman's shameful debt to the Oskan "
                "company.",
                {"claim": 0.94, "attributed": 0.06, "biased_language": 0.9, "subjective": 0.58,
                 "any_technique": 0.88, "loaded_language": 0.79},
                (("shameful", "loaded_language", 0.79), ("shameful debt", "biased_language", 2.4),
                 ("real reason", "biased_language", 0.7)),
                before=BREAK),
            Line("The company employs 1,140 people in three ports.",
                {"claim": 0.98, "attributed": 0.07}),
            Line("What a day for Larnwick!",
                {"claim": 0.07, "subjective": 0.95, "any_technique": 0.3},
                (("What a day", "subjective", 1.7),),
                before=BREAK),
            Line("The board meets again on 4 June.",
                {"claim": 0.8, "attributed": 0.61}),
        ],
        id="harbour",
        title="Harbour board gambles away the town's future",
        outlet="The Larnwick Courier",
        site_name="larnwickcourier.example",
        url="https://larnwickcourier.example/2025/05/harbour-board-gambles",
        date="2025-05-20",
        author="Tam Ellery",
        lang="en",
        article_scores={"hyperpartisan": 0.731},
    )  # fmt: skip
    return sourced(report, (COURIER_LINK,), COURIER_RECORD)


def carried() -> ArticleReport:
    """An article that carries another outlet's, without a publisher of its own; one label given."""
    report = scored(
        [
            Line("Below is the Coast Observer's article:", {"claim": 0.2}),
            Line("The bridge at Vell will open in spring, the ministry says.",
                {"claim": 0.96, "attributed": 0.97},
                voice=Voice.QUOTED,
                before="\n",
                cites=(Cite("the ministry", "the ministry", "says",
                            "The bridge at Vell will open in spring", government=True),)),
            Line("It is said to be the safest ever built.",
                {"claim": 0.8, "attributed": 0.6, "vague_source": 0.88},
                (("It is said", "vague_source", 1.9),),
                voice=Voice.QUOTED,
                cites=(Cite("", None, "It is said", "to be the safest ever built", VAGUE),)),
        ],
        id="carried",
        lang="en",
        article_scores={"hyperpartisan": 0.08},
    )  # fmt: skip
    first = report.sentences[1].sentence
    evidence = "Below is the Coast Observer's article:"
    place = records.Place(0, len(evidence))
    part = records.Republication(first.start, len(report.article.text), "Coast Observer", evidence)
    article = replace(
        report.article,
        units=(records.Unit(first.start, first.end, {"claim": 1.0}),),
        spans=(records.Span(first.start, first.start + 10, "slogans"),),
        republications=(part,),
    )
    return sourced(
        replace(report, article=article),
        (
            Link(Relation.REPUBLISHED, UNNAMED, None, evidence, records.Basis.TEXT, place),
            Link(Relation.ORIGIN, "Coast Observer", None, evidence, records.Basis.TEXT, place),
        ),
        records.Record(None, None, None, "Coast Observer is not in the registry"),
    )


HOSTILE_TEXT = (
    'Say [bold red]nothing[/bold red] <script>window.pwned = 1</script> & "quote" '
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J \u202eesrever\u202c "
    ":smile: \ud800 nul\x00 {{ 7*7 }}"
)


def hostile() -> ArticleReport:
    """An article that tries to be markup, script and terminal commands."""
    attack = '"><img src=https://evil.example/x.png onerror=alert(1)>'
    report = scored(
        [
            Line(HOSTILE_TEXT,
                {"claim": 0.9, "attributed": 0.02, "loaded_language": 0.9},
                (("<script>window.pwned = 1</script>", "loaded_language", 0.9),),
                cites=(Cite(attack, "[bold red]nothing[/bold red]", "\x1b[31mred\x1b[0m",
                            "\u202eesrever\u202c", UNNAMED_SOURCE, True, True),)),
            Line("A line\u2028separator and a\x85next line.", {"claim": 0.3}, before="\n"),
        ],
        id=attack,
        title="[bold]Bold[/bold] <script>window.pwned = 1</script>",
        outlet=attack,
        url="javascript:alert(1)",
        author="[link=https://evil.example]x[/link]",
        date="\x1b[2J2025",
        lang='en" onload="alert(1)',
    )  # fmt: skip
    proof = records.Evidence("<b>list</b> \x1b[2J", "javascript:alert(1)", "[bold]2025")
    outlet = records.Outlet(
        "hostile",
        f"{attack} \u202e",
        statements=(
            Statement(About.CODE, records.Code.CAPU, proof),
            Statement(About.FUNDING, "<script>2</script>", proof),
        ),
        holdings=(records.Holding(records.Owner("x", "<script>1</script>"), None, proof),),
    )
    link = Link(
        Relation.ORIGIN, attack, outlet, "<script>window.pwned = 1</script>", records.Basis.TEXT
    )
    found = records.Assessment("influence_network", "<img src=x> [red]x[/red]", proof, 1.0)
    record = records.Record(0.0, 0.02, 0.1, "\x1b[2J<b>reason</b>", (found,), -0.05, 0.05)
    return sourced(report, (link,), record)


def unscored() -> ArticleReport:
    """An article in a language the model doesn't read."""
    return scored(
        [
            Line("Der Hafen von Larnwick bleibt geschlossen."),
            Line("Das teilte die Verwaltung mit."),
        ],
        id="german",
        title="Hafen geschlossen",
        outlet="Larnwicker Bote",
        lang="de",
        note="the article is in German (de); the model reads English",
    )


def dispatch() -> ArticleReport:
    """A state agency's dispatch on an aggregator's page; raters of the agency contradict."""
    council = records.Owner("council", "Council of Ministers of Vellen")
    agency = records.Outlet(
        "vellen-news-agency", "Vellen News Agency", medium=records.Medium.AGENCY, country="VL",
        statements=(
            Statement(About.CODE, records.Code.SC, MONITOR),
            Statement(About.CODE, records.Code.ISFM, replace(MONITOR, date="2023")),
        ),
        holdings=(records.Holding(council, None, MONITOR),),
    )  # fmt: skip
    gatherer = records.Outlet(
        "daily-gather", "Daily Gather", records.Role.AGGREGATOR, records.Medium.WEBSITE
    )
    report = scored(
        [
            Line("VELL, 3 May (VNA) – The new ferry has sailed, the Ministry of Ports said.",
                 {"claim": 0.9, "attributed": 0.97}, voice=Voice.REPORTED,
                 cites=(Cite("Ministry of Ports", "the Ministry of Ports", "said",
                             "The new ferry has sailed", government=True),
                        Cite("Vellen News Agency", "VNA", state_media=True,
                             outlets=("vellen-news-agency",)))),
            Line("It carries 900 passengers, the agency reported.",
                 {"claim": 0.96, "attributed": 0.98}, voice=Voice.REPORTED,
                 cites=(Cite("Vellen News Agency", "the agency", "reported",
                             "It carries 900 passengers", state_media=True, back="VNA",
                             outlets=("vellen-news-agency",)),)),
            Line("Two port workers called the voyage a shameless stunt.",
                 {"claim": 0.6, "attributed": 0.9, "loaded_language": 0.7},
                 (("shameless stunt", "loaded_language", 0.7),), voice=Voice.REPORTED,
                 cites=(Cite("two port workers", "Two port workers", "called",
                             "the voyage a shameless stunt", UNNAMED_SOURCE),)),
            Line("The ferry will sail daily.", {"claim": 0.95, "attributed": 0.1}),
        ],
        id="dispatch",
        title="New ferry sails",
        url="https://dailygather.example/9",
        lang="en",
    )  # fmt: skip
    conflict = tuple(
        records.Assessment("reliability", value, records.Evidence(source, None, "2025"), 0.8)
        for value, source in (("generally_reliable", "Press Watch"),
                              ("generally_unreliable", "County Library list"))
    )  # fmt: skip
    reason = (
        "the lists contradict one another: Press Watch (2025): generally reliable against County "
        "Library list (2025): generally unreliable"
    )
    url, words, place = records.Basis.URL, records.Basis.DATELINE, records.Place(0, 17)
    chain = (
        Link(Relation.AGGREGATOR, gatherer.name, gatherer, "dailygather.example", url),
        Link(Relation.ORIGIN, "VNA", agency, "VELL, 3 May (VNA)", words, place),
    )
    return sourced(report, chain, records.Record(None, None, None, reason, conflict))


def plain() -> ArticleReport:
    """An article in which nothing is marked."""
    return scored(
        [
            Line("The library opens at nine, the town clerk said.",
                 {"claim": 0.9, "attributed": 0.97}, voice=Voice.REPORTED),
            Line("Good morning.", {"claim": 0.03}),
        ],
        id="plain",
        title="Library hours",
        url="https://larnwick.example/library",
        lang="en",
    )  # fmt: skip


def hebrew() -> ArticleReport:
    """An article written from right to left, given a score."""
    return scored(
        [
            Line("הנמל נסגר אתמול.", {"claim": 0.9, "attributed": 0.05}, voice=Voice.QUOTED),
            Line("זו בושה גדולה.", {"loaded_language": 0.8}, (("בושה", "loaded_language", 0.8),)),
        ],
        id="hebrew",
        title="הנמל נסגר",
        lang="he",
    )


def report(
    *articles: ArticleReport, skipped: tuple[records.Skipped, ...] = ()
) -> records.BatchReport:
    return records.BatchReport(articles, MODEL, SIGNALS, THRESHOLDS, skipped)


SKIPPED = (records.Skipped("notes/empty.txt", "the file is empty; give one with text in it"),)


def everything() -> records.BatchReport:
    return report(
        harbour(), carried(), hostile(), unscored(), plain(), hebrew(), dispatch(), skipped=SKIPPED
    )
