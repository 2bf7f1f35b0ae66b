"""Who the sources of citations are: kinds, antecedents, outlets, and state media."""

import re

import pytest
from framescope.classifier.attribution import begin, cited, own_outlets, resolve_citations, run_on
from framescope.classifier.attribution.sources import classify, state_media_words
from framescope.classifier.inputs.sentences import split
from framescope.classifier.models import CLASSES, FEATURES, NOBODY, Referents, SpeakerScorer
from framescope.classifier.outlets.registry.user import load
from framescope.classifier.records import Article, Citation, MarkedCitation, Place, SourceKind
from framescope.classifier.records.outlet import Code, Domain, Medium, Name, Outlet
from framescope.classifier.records.text import fold
from outlets import REGISTRY as INVENTED
from outlets import _outlet, cases


def typed(marked: str, choice: SpeakerScorer | None = None) -> list[tuple[str, str]]:
    """Type the sources in square brackets: kind with flags, and name."""
    text, places, start = "", [], 0
    for part in re.split(r"([\[\]])", marked):
        if part == "[":
            start = len(text)
        elif part == "]":
            places.append(Place(start, len(text)))
        else:
            text += part
    sentences = begin(Article("a", text)).sentences
    refer = Referents(fold(text), sentences, None, choice)
    types = classify(fold(text), sentences, dict.fromkeys(places, ""), INVENTED, refer)
    found = [types[place] for place in places]
    assert all(t.antecedent is None or t.antecedent.end <= p.start
               for t, p in zip(found, places, strict=True))  # fmt: skip
    flags = [t.kind.value + " G" * t.government + " S" * t.state_media for t in found]
    return list(zip(flags, [t.name for t in found], strict=True))


PHRASES = {
    "named G": (
        "the Ministry of Works", "a spokesman for the Ministry of Works",
        "Moscow", "the United States", "President Vale", "Vesk Sen. Tom Orr",
        "Rep. Tom Orr (R-Vesk)", "Ana Poor, the foreign minister",
        "the finance minister, Rika Vale,", "the Pentagon",
        "Vesk Minister of Works Tom Orr",
    ),
    "named": (
        "former foreign minister Ana Poor", "Ana Poor, a former minister", "Tasnim Orr", "Hollis",
        "mayoral candidate Ana Poor", "Ana Poor, the president of Harrow College,",
        "Trent campaign manager Tom Orr", "the United Nations", "the European Commission",
        "the World Health Organization", "a poll by the Harbour Institute", "Orrin Broadcasting",
        "the Council on Harbours",
    ),
    "named S": ("the state ASA news agency", "Vesk TV"),
    "unnamed G": (
        "two officials", "European officials", "police", "prosecutors",
        "the Supreme Leader", "some parliamentarians",
    ),
    "unnamed": (
        "campaign officials", "a source close to the talks", "a human rights group",
        "several human rights groups", "local residents",
        "two analysts", "the president of Harrow College",
        "a poll of 900 residents", "a statement on Monday", "an unnamed newspaper",
        "a representative of the dockers in Yemen",
    ),
    "unnamed S": ("the state news agency", "state television"),
    "vague": ("analysts", "critics", "many", "some", "polls", "media reports"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("phrase", "kind"), [(phrase, kind) for kind, row in PHRASES.items() for phrase in row]
)
def test_types_a_phrase_by_itself(phrase, kind) -> None:
    assert typed(f"It was so, as [{phrase}] put it.")[0][0] == kind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Gov. Rika Vale went home. [Vale] said no.", [("named G", "Rika Vale")]),
        ("Tom Orr, a former minister, came. [Orr] said no.", [("named", "Tom Orr")]),
        ("Vesk Sen. Ana Poor went. [Poor] said no.", [("named G", "Ana Poor")]),
        ("Vesk Secretary of State Tom Orr came. [Mr Orr] said no.", [("named G", "Tom Orr")]),
        ("Ana Poor and Tom Poor came. [Tom Poor] said no. [Ms. Poor] left.",
         [("named", "Tom Poor"), ("named", "Ana Poor")]),
        ("The World Harbour Union met. [The WHU] said no. [The union] left.",
         [("named", "World Harbour Union"), ("unnamed", "union")]),
        ("[Tom Orr, a lawyer for Ana Poor,] and [a lawyer for Ana Poor] said no.",
         [("named", "Tom Orr"), ("unnamed", "a lawyer for Ana Poor")]),
        ("[Vesk harbour correspondent Ana Poor] said no.", [("named", "Ana Poor")]),
        ("[Ana Poor and Tom Orr] said no. [Poor herself] left.",
         [("named", "Ana Poor and Tom Orr"), ("named", "Ana Poor")]),
        ("Moon Dae-sung came. [Moon] said no.", [("named", "Moon Dae-sung")]),
        ("Ana Poor said no. [She] left.", [("unnamed", "She")]),
    ],
)  # fmt: skip
def test_the_name_is_the_fullest_form_of_whoever_is_named(text, expected) -> None:
    assert typed(text) == expected


AGREES = {"last speaker": 1, "named": 0.5, "gender agrees": 3, "gender differs": -6,
          "kind agrees": 3, "same noun": 5, "only described": 1, "nobody": 1}  # fmt: skip
LINE = tuple(float(AGREES.get(name, 0)) for name in (*FEATURES, *NOBODY))
CHOICE = SpeakerScorer(dict.fromkeys(CLASSES, LINE), dict.fromkeys(CLASSES, 0.6))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[Foreign Minister Ana Poor] said no. [She] said it twice. [Poor] left.",
         [("named G", "Ana Poor")] * 3),
        ("[Two officials] said no. [They] gave no reason.", [("unnamed G", "Two officials")] * 2),
        ("[Mr. Orr] said no. [Ms. Poor] said yes. [He] left, and [she] stayed.",
         [("named", "Orr"), ("named", "Poor"), ("named", "Orr"), ("named", "Poor")]),
        ("[The Ministry of Works] said no. [Tom Orr], a docker, said yes. [The ministry] left.",
         [("named G", "Ministry of Works"), ("named", "Tom Orr"),
          ("named G", "Ministry of Works")]),
        ("But Mr. Orr left. [He] said no.", [("named", "Orr")]),
        # A person is never "it", a body never "he"; of two women it could be either.
        ("[Tom Orr] said no. [It] was wrong.", [("named", "Tom Orr"), ("unnamed", "It")]),
        ("[The Ministry of Works] said no. [He] left.",
         [("named G", "Ministry of Works"), ("unnamed", "He")]),
        ("Ana Poor met Rika Vale. [She] said no.", [("unnamed", "She")]),
    ],
)  # fmt: skip
def test_a_source_refers_to_whoever_agrees_or_to_nobody(text, expected) -> None:
    assert typed(text, CHOICE) == expected


HARROW = Outlet(
    "harrow-agency",
    "Harrow News Agency",
    medium=Medium.AGENCY,
    names=(Name("Harrow News Agency"), Name("Harrow", ambiguous=True)),
    domains=(Domain("harrow.example"),),
)
POST = Outlet("brask-post", "Brask Post", medium=Medium.NEWSPAPER, names=(Name("Brask Post"),))
GULLS = tuple(
    Outlet(f"gull-{n}", "Gull", medium=medium, names=(Name("Gull", ambiguous=True),))
    for n, medium in enumerate((Medium.NEWSPAPER, Medium.AGENCY))
)
MORE = load().with_outlets([HARROW, POST, *GULLS, _outlet("oba", "OBA", Code.IP)])


def outlets(marked: str) -> set[str]:
    """Find the outlets of the sources in square brackets, whose cues stand in braces."""
    text = re.sub(r"[\[\]{}]", "", marked)

    def places(opening: str, closing: str) -> list[Place]:
        found = []
        for match in re.finditer(rf"\{opening}([^\[\]{{}}]*)\{closing}", marked):
            start = len(re.sub(r"[\[\]{}]", "", marked[: match.start()]))
            found.append(Place(start, start + len(match[1])))
        return found

    begun = begin(Article("a", text, lang="en"))
    rows: list[list[MarkedCitation]] = [[] for _ in begun.sentences]
    for source, cue in zip(places("[", "]"), places("{", "}"), strict=True):
        row = next(i for i, s in enumerate(begun.sentences) if s.start <= source.start < s.end)
        rows[row].append(MarkedCitation(source, cue, ()))
    found = resolve_citations(begun.plain, begun.sentences, rows, MORE)
    return {outlet for row in found for citation in row for outlet in citation.outlets}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        *(
            (text, {"harrow-agency"})
            for text in (
                "[Harrow] {reported} on Monday that the ferry had sunk.",
                "The ferry has sunk, [Harrow] {reported}.",
                "{According to} [Harrow], the ferry has sunk.",
                "{According to} [the Harrow news agency], the ferry has sunk.",
                "[The Vesk news agency Harrow] {said} the ferry had sunk.",
                "The ferry has sunk, [the mayor] {told} Harrow news agency.",
                "The ferry has sunk, [harrow.example] {reported}.",
                "The ferry has sunk, {said} [the official media Harrow].",
                "[Harrow news agency, which is close to the port], {reported} that it had sunk.",
                "[Vesk's Harrow] {reported} that the ferry had sunk.",
                "[The Orrin-based agency Harrow] {said} that the ferry had sunk.",
            )
        ),
        *(
            (text, set())
            for text in (
                "[Harrow] {said} the ferry had sunk.",
                "Osric Harrow left early. [Harrow] {reported} that the ferry had sunk.",
                "[Osric Harrow] {said} it was calm. [Harrow] {reported} that it had sunk.",
                "[Mayor Harrow] {reported} that the ferry had sunk.",
                "[Residents of Harrow] {reported} that the ferry had sunk.",
                "The ferry has sunk, [the mayor] {told} Mr Harrow.",
                "[Gull] {reported} that the ferry had sunk.",
                "[The Post] {reported} that the ferry had sunk.",
                "[An Iraqi news agency] {reported} that the ferry had sunk.",
                "[Former Brask Post editor Ana Poor] {said} that the ferry had sunk.",
            )
        ),
        (
            "[The Brask Post] {reported} that it had sunk. [The Post] {said} nobody was hurt.",
            {"brask-post"},
        ),
        ("Osric Vale of OBA News waited. [OBA News] {reported} that it had sunk.", {"oba"}),
    ],
)
def test_an_ambiguous_name_is_an_outlets_where_its_words_say_so(text, found) -> None:
    assert outlets(text) == found


Row = list[tuple[str | None, str | None, list[str]]]


def place(text: str, words: str, start: int = 0) -> Place:
    at = text.index(words, start)
    return Place(at, at + len(words))


def resolved(text: str, *rows: Row, outlet: str = "") -> list[tuple[Citation, ...]]:
    """Resolve citations given as words, of each sentence; a source may stand in another."""
    article = Article(id="a", text=text, outlet=outlet, lang="en")
    sentences = cited(article, split(article), load())
    given = [
        [
            MarkedCitation(
                source and place(text, source, s.start if source in s.text else 0),
                cue and place(text, cue, s.start),
                tuple(place(text, words, s.start) for words in content),
            )
            for source, cue, content in row
        ]
        or s.citations
        for s, row in zip(sentences, rows, strict=True)
    ]
    own, plain = own_outlets(article.outlet, load()), begin(article).plain
    return resolve_citations(plain, sentences, run_on(sentences, given), load(), own=own)


def marks(rows: list[tuple[Citation, ...]]) -> str:
    """A mark for each sentence: "S" where it is attributed to state media."""
    return "".join("S" if any(c.state_media for c in row) else "-" for row in rows)


@pytest.mark.parametrize("case", cases("state_media.jsonl"), ids=lambda case: case["text"][:60])
def test_one_sentence(case) -> None:
    given = [(one["source"], one["cue"], one["content"]) for one in case["citations"]]
    assert marks(resolved(case["text"], given)) == "-S"[case["state_media"]]


@pytest.mark.parametrize(
    ("text", "content", "outlets"),
    [
        ("Vale told Reuters that it sank.", "that it sank", ("reuters",)),
        ("In an interview with RT, Vale said it sank.", "it sank", ("rt",)),
        ("Vale said on CNN that it sank.", "that it sank", ("cnn",)),
        ("Vale said in a statement carried by Xinhua that it sank.", "that it sank", ("xinhua",)),
        ("Vale told Reuters and TASS that it sank.", "that it sank", ("reuters", "tass")),
        # Within what is said, who says it, or as what is spoken about, it is none.
        ("Vale said that she had told Reuters so.", "that she had told Reuters so", ()),
        ("RT moved after Vale said it sank.", "it sank", ()),
        ("Vale said of RT that it sank.", "that it sank", ()),
        ("Vale told RT to leave.", "to leave", ()),
    ],
)
def test_an_outlet_that_is_told_something_is_the_citations(text, content, outlets) -> None:
    ((citation,),) = resolved(text, [("Vale", "", [content])])
    assert (citation.outlets, citation.name) == (outlets, "Vale")


def test_other_sources_and_inner_contents_name_no_channel() -> None:
    text = "It sank, Vale said, according to TASS."
    given = [("Vale", "said", ["It sank"]), ("TASS", "according to", ["It sank"])]
    ((vale, tass),) = resolved(text, given)
    assert (vale.outlets, vale.state_media) == ((), False)
    assert (tass.outlets, tass.state_media) == (("tass",), True)
    text = "CNN wrote that Vale had told RT that the pier was safe."
    ((one,),) = resolved(text, [("CNN", "wrote", [text.partition("wrote ")[2].rstrip(".")])])
    assert (one.outlets, one.state_media) == (("cnn",), False)


def test_a_citation_without_a_source_is_its_channels() -> None:
    ((citation,),) = resolved("It reportedly sank, on TASS.", [(None, "reportedly", ["It"])])
    assert (citation.kind, citation.outlets) == (SourceKind.NAMED, ("tass",))
    ((citation,),) = resolved("It reportedly sank, on state TV.", [(None, "reportedly", ["It"])])
    assert (citation.kind, citation.state_media) == (SourceKind.UNNAMED, True)


@pytest.mark.parametrize(
    ("text", "rows", "expected"),
    [
        # Within one quotation, wherever its tag stands, and no further.
        ('"The pier is quite safe. It will open," the mayor told TASS.',
         [[], [("the mayor", "told", ["It will open"])]], "SS"),
        ('"The pier is safe," the mayor told TASS. "It will open on Monday."',
         [[("the mayor", "told", ["The pier is safe"])], []], "SS"),
        ('"The pier is safe," the mayor told TASS.\n\nHe added, "It will open."',
         [[("the mayor", "told", ["The pier is safe"])], [("He", "added", ["It will open"])]],
         "S-"),
        ("From Xinhua: The harbour was calm.", [[("Xinhua", None, ["The harbour was calm"])]], "S"),
        # An outlet that the text presents, by its name and its short form.
        ("Vesk One, the state broadcaster, showed the pier. Vesk One said it was safe.",
         [[], [("Vesk One", "said", ["it was safe"])]], "-S"),
        ("The Amaro Beacon, the state newspaper, opened. The pier is safe, the Beacon said.",
         [[], [("the Beacon", "said", ["The pier is safe"])]], "-S"),
    ],
)  # fmt: skip
def test_over_sentences(text, rows, expected) -> None:
    assert marks(resolved(text, *rows)) == expected


@pytest.mark.parametrize("outlet", ["", "Tehran Times"])
def test_what_the_publisher_is_told_or_says_is_a_byline(outlet) -> None:
    text = "The pier is safe, the mayor told the Tehran Times."
    for source in ("the mayor", "the Tehran Times"):
        rows = resolved(text, [(source, "told", ["The pier is safe"])], outlet=outlet)
        assert marks(rows) == ("-" if outlet else "S")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Penn State newspaper", False),
        ("the state agency that licenses ferries", False),
        ("the state agency Velpress", True),
    ],
)
def test_words_say_that_an_outlet_is_a_states(text, found) -> None:
    assert bool(state_media_words(text)) is found
