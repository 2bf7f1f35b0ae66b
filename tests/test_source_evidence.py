"""What an article shows of its own sourcing: claims by their best source, sources, notices."""

from dataclasses import replace

import pytest
from framescope.classifier import records
from framescope.classifier.attribution import cited
from framescope.classifier.inputs import sentences
from framescope.classifier.outlets import cites_wrapper, record
from framescope.classifier.outlets.record import article_evidence
from framescope.classifier.records import Article, Citation, SourceKind, Voice
from outlets import SMALL, cases

NOTICES = cases("corrections.jsonl")


def named(name: str, *outlets: str) -> Citation:
    return Citation(None, None, (), SourceKind.NAMED, name=name, outlets=outlets)


def unnamed(name: str = "officials") -> Citation:
    return Citation(None, None, (), SourceKind.UNNAMED, name=name)


VAGUE = Citation(None, None, (), SourceKind.VAGUE)


ALL = ("attributed", *records.SOURCE_SIGNALS.values())


def report(*rows: tuple, scores: tuple[str, ...] = ALL, **fields: object) -> records.ArticleReport:
    """A report of the given sentences, with the citations and flags of each."""
    text = "\n".join(row[0] for row in rows)
    article = replace(Article("a", text), **fields)  # type: ignore[arg-type]
    # A model says whose words they are; here they are somebody's where any of them are quoted.
    found = [
        replace(s, voice=Voice.QUOTED if s.quoted else Voice.OWN)
        for s in cited(article, sentences.split(article), SMALL)
    ]
    assert [s.text for s in found] == [row[0] for row in rows]
    scored = (
        records.SentenceReport(s, dict.fromkeys(scores, 0.5), *flags or [()], (), citations)
        for s, (_, citations, *flags) in zip(found, rows, strict=True)
    )
    return records.ArticleReport(article, tuple(scored))


RIKA = (("Rika Vale", 1),)


def shares(evidence: records.ArticleEvidence) -> tuple[int | None, ...]:
    return evidence.named, evidence.unnamed, evidence.vague, evidence.none


def test_a_sentence_on_two_kinds_of_source_counts_for_both() -> None:
    rows = (
        ("The port closed, officials and Rika Vale said.", (unnamed(), named("Rika Vale"))),
        ("Officials and many others expect strikes.", (VAGUE, unnamed())),
        ("Many expect worse.", (VAGUE,), ("named_source",)),  # citations come before the flags
        ("The mill burned down.", ()),
    )
    assert shares(article_evidence(report(*rows))) == (1, 2, 2, 1)


def test_only_flagged_content_is_a_claim_where_the_model_tells() -> None:
    rows = (
        ("It burned, Rika Vale said.", (named("Rika Vale"),), ("content", "claim")),
        ("What a shame!", (), ("content",)),
        ("Correction: It is in Vesk.", (), ()),
    )
    evidence = article_evidence(report(*rows, scores=("content", "claim")))
    assert (evidence.claims, shares(evidence), evidence.corrections) == (1, (None,) * 4, 1)
    evidence = article_evidence(report(*rows))
    assert (evidence.claims, shares(evidence), evidence.sources) == (None, (1, 0, 0, 2), RIKA)
    assert record.article_shift(evidence) == 0
    # A citation of a kind that the model doesn't tell is somebody's.
    evidence = article_evidence(report(*rows, scores=("attributed",)))
    assert (shares(evidence), evidence.sources) == ((None, None, None, 2), None)


def test_where_nobody_is_cited_the_models_flags_decide() -> None:
    for flags, expected in (
        (("attributed", "named_source"), (1, 0, 0, 0)),
        (("unnamed_source",), (0, 1, 0, 0)),
        (("attributed",), (0, 0, 0, 0)),  # somebody, and nothing tells who
        (("attributed", "government_attribution"), (0, 0, 0, 0)),
        (("attributed", "vague_source"), (0, 0, 1, 0)),
        (("loaded_language", "unsourced_assertion"), (0, 0, 0, 1)),
    ):
        evidence = article_evidence(report(("The mill burned down.", (), flags)))
        assert (shares(evidence), evidence.sources) == (expected, ())


def sources(*names: Citation) -> tuple[tuple[str, int], ...]:
    rows = ((f"Claim number {i} stands.", (c,)) for i, c in enumerate(names))
    return article_evidence(report(*rows)).sources


@pytest.mark.parametrize(
    ("names", "count"),
    [
        (("Hengaw", "the Hengaw organisation", "Hengaw’s"), 1),
        (("Rika Vale", "President Rika Vale", "RIKA VALE"), 1),
        (("Ormo News Agency", "Ormo"), 1),
        (("Ministry of Mills", "Ministry of Ports"), 2),
        (("the agency", "the organisation"), 2),
        (("Ormo Bank", "Ormo"), 2),
        (("Bank of Amaro", "Bank of Vesk"), 2),
        (("Rika Vale", "Tom Vale", "Vale"), 3),
    ],
)
def test_names_of_one_source(names: tuple[str, ...], count: int) -> None:
    assert len(sources(*map(named, names))) == len(sources(*map(named, names[::-1]))) == count


def test_the_registry_tells_that_two_names_are_one_outlet() -> None:
    assert len(sources(named("AMN", "amaro-news"), named("Amaro Mirror News", "amaro-news"))) == 1
    # A name that once stood with the id is that outlet where it stands without.
    found = sources(named("AMN", "amaro-news"), named("The Mirror", "amaro-news"), named("AMN"))
    assert found == (("AMN", 3),)


WRAPPER = "Below is the Amaro Mirror's article:"


def test_the_outlet_republished_is_no_source_of_its_own_article() -> None:
    wrapper = replace(named("the Amaro Mirror"), antecedent=records.Place(13, 25))
    cites = (wrapper, named("Ormo Bank"))
    rows = [(WRAPPER, ()), ("“Nobody was hurt,” Rika Vale said.", cites)]
    part = records.Republication(len(WRAPPER) + 1, len(WRAPPER) + 60, "Amaro Mirror", WRAPPER)
    item = report(*rows, republications=(part,))
    inside = item.sentences[1]
    found = [cites_wrapper(one, inside.sentence, item.article) for one in inside.citations]
    assert (found, article_evidence(item).quotes) == ([True, False], 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See https://amaro.example/mill?id=3.", ["amaro.example/mill?id=3"]),
        ("See www.amaro.example/ and more", ["amaro.example"]),
        ("(http://amaro.example/a), “http://x.example/b”", ["amaro.example/a", "x.example/b"]),
        ("Read amaro.example/mill today.", ["amaro.example/mill"]),
        ("Write to vale@amaro.example/x", []),
        ("and/or, 24.5/100, U.S./Vesk relations, 3 p.m.", []),
        ("amaro.example is a name", []),
    ],
)
def test_addresses_in_a_text(text: str, expected: list[str]) -> None:
    assert list(record.addresses(text)) == expected


@pytest.mark.parametrize("case", NOTICES, ids=lambda c: str(c["name"]))
def test_notices_of_corrections(case) -> None:
    assert (record.corrections(case["text"]) == case["notices"]) is ("known_failure" not in case)
