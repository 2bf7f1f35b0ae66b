"""Sentences with all that the rules say of them, as models are given them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from classifier.attribution.citations.finder import find
from classifier.attribution.reading import begin, cited
from classifier.attribution.voice import voice
from classifier.pages.sentences import split
from classifier.sources.registry.registry import Registry
from classifier.values.article import Article, Republication, Sentence, SourceKind, Voice
from classifier.values.outlet import Code, Control, Evidence, Holder, Name, Outlet

STATE = Control(*(Holder.STATE,) * 3, Code.SC, None, Evidence("made up"))
VESK_TV = Outlet("vesk-tv", "Vesk TV", names=(Name("Vesk TV"),), control=STATE)
REGISTRY = Registry(own={VESK_TV.id: VESK_TV})
TEXT = (
    "The ferry of Orrin will stop in May. Mayor Ada Quill said the town could not pay for it. "
    "“We read of it in the paper,” she added. Analysts expect worse. "
    "Vesk TV reported that the mill will close."
)


def read(text: str = TEXT, registry: Registry = REGISTRY, **known: object) -> list[Sentence]:
    article = replace(Article("a", text, lang="en"), **known)  # type: ignore[arg-type]
    return list(cited(article, split(article), registry))


def test_a_sentence_has_its_voice_and_whom_it_cites() -> None:
    found = [
        (s.voice, [(c.kind, c.name, c.government, c.state_media) for c in s.citations])
        for s in read()
    ]
    mayor = (SourceKind.NAMED, "Ada Quill", True, False)
    assert found == [
        (Voice.OWN, []),
        (Voice.REPORTED, [mayor]),
        (Voice.QUOTED, [mayor]),
        (Voice.REPORTED, [(SourceKind.VAGUE, "Analysts", False, False)]),
        (Voice.REPORTED, [(SourceKind.NAMED, "Vesk TV", False, True)]),
    ]


def test_nothing_else_of_a_sentence_changes() -> None:
    plain = split(Article("a", TEXT, lang="en"))
    again = [replace(s, voice=Voice.OWN, citations=()) for s in read()]
    assert again == list(plain)


def test_it_is_what_the_rules_say_each_alone() -> None:
    article = Article("a", TEXT, lang="en")
    sentences = split(article)
    found = cited(article, sentences, REGISTRY)
    assert [s.voice for s in found] == [s.voice for s in voice.assign(begin(article))]
    assert [s.citations for s in found] == list(find(begin(article), REGISTRY))


def test_whether_a_source_is_state_media_is_the_registrys_to_say() -> None:
    assert [c.outlets for c in read()[-1].citations] == [("vesk-tv",)]
    (unknown,) = read(registry=Registry(own={}))[-1].citations
    assert (unknown.name, unknown.state_media, unknown.outlets) == ("Vesk TV", False, ())


def test_a_republished_article_is_carried_and_cites_whom_it_cites() -> None:
    lead = "Below is Vesk TV's article: "
    part = Republication(len(lead), len(lead + TEXT), "Vesk TV", lead.strip())
    *_, vague, _ = read(lead + TEXT, republications=(part,))
    assert vague.text == "Analysts expect worse."
    assert any(c.kind is SourceKind.VAGUE for c in vague.citations)


@pytest.mark.parametrize("text", ["", " ", "\n\n"])
def test_no_sentences_are_no_sentences(text) -> None:
    assert read(text) == []
