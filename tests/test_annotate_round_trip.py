"""Out to a tool and back: the same sentences, labels, spans and citations, on any text."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import from_record
from framescope.classifier.records import Article
from framescope.training.annotation import FORMATS, exchange
from framescope.training.annotation.exchange import File, Task
from framescope.training.annotation.marks import bare, in_text_order, is_labelled, questions_for
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

AWKWARD = [
    *("😀", "\U0001f468\u200d\U0001f469", "e\u0301", "a\u0308\u0323", "𝒳", "\u00a0"),
    *("\r\n", "\r", "\n", "\t", "  ", " ", "\u2028", "\u2029", "\x85", "\x0b", "\x1f"),
    *("\u200d", "\u200f", "\ufeff", "\ufffd", '"', "'", "<b>", "&amp;", "]]>", "\\n", "\\"),
    *("=1+1", "@x", "#", ";", ",", "/", "|", "a", "He said"),
]  # fmt: skip
"""What tools get wrong: characters of two UTF-16 units, combining marks, kinds of line end."""
SIGNALS = ("claim", "content", "attributed", "loaded_language", "biased_language")
SOME = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=6)


@st.composite
def places(draw: st.DrawFn, start: int, end: int) -> dict[str, int]:
    first = draw(st.integers(start, end - 1))
    return {"start": first, "end": draw(st.integers(first + 1, end))}


@st.composite
def citations(draw: st.DrawFn, start: int, end: int, length: int) -> dict[str, Any]:
    cuts = sorted(draw(st.sets(st.integers(start, end), min_size=2, max_size=6)))
    optional = st.one_of(st.none(), places(0, length))
    return {
        "source": draw(optional),
        "cue": draw(st.one_of(st.none(), places(start, end))),
        "content": [{"start": one, "end": other} for one, other in pairwise(cuts)][::2],
        "kind": draw(st.sampled_from([None, "named", "unnamed", "vague"])),
        "government": draw(st.booleans()),
        "state_media": draw(st.booleans()),
        "antecedent": draw(optional),
    }


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """An article of the exchange format, with labels of every kind, somewhere."""
    pieces = draw(st.lists(st.one_of(st.sampled_from(AWKWARD), SOME), min_size=1, max_size=25))
    text = "".join(pieces)
    text = text if text.strip() else f"{text}a{text}"
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), min_size=2, max_size=8)))
    values = st.sampled_from([0, 1, 0.25, 0.6667])
    labels = st.dictionaries(st.sampled_from(SIGNALS), values, max_size=4)
    sentences = []
    for start, end in pairwise(cuts):
        sentence: dict[str, Any] = {"start": start, "end": end, "labels": draw(labels)}
        sentence["voice"] = draw(st.sampled_from([None, "own", "reported", "quoted"]))
        if draw(st.booleans()):
            sentence["citations"] = []
            for one in draw(st.lists(citations(start, end, len(text)), max_size=3)):
                further = {**sentence, "citations": [*sentence["citations"], one]}
                try:
                    said({"id": "x", "text": text, "sentences": [further]})
                except InputError:
                    continue
                sentence = further
        sentences.append(sentence)
    signals = st.sampled_from(["loaded_language", "doubt", "content", "claim"])
    partisan = [{}, {"hyperpartisan": 1}, {"hyperpartisan": 0, "claim": 1}]
    record = {
        "id": draw(st.sampled_from(["a1", "7", "folder/a#1", "ß & co", "=A1", "..", "sentence:x"])),
        "outlet": draw(st.sampled_from([None, "post.example"])),
        "title": draw(st.sampled_from([None, "A title", "=SUM(A1)"])),
        "text": text,
        "sentences": sentences,
        "spans": [
            {**place, "signal": draw(signals)}
            for place in draw(st.lists(places(0, len(text)), max_size=5))
        ],
        "labels": draw(st.sampled_from(partisan)),
    }
    name = draw(st.sampled_from((None, "anna", "Zoë O'Neil", "a@example.org")))
    return record if name is None else {**record, "annotator": name}


def said(record: dict[str, Any]) -> Article:
    """A record's article with its labels, in the order of its text: to be compared."""
    return in_text_order(from_record(record, "here", 1))


def task_of(record: dict[str, Any]) -> Task:
    article = from_record(record, "here", 1)
    return Task(bare(article), article, record.get("annotator"))


def there_and_back(name: str, task: Task) -> dict[str, Any]:
    """What comes back of a task, by way of the bytes of the tool's files alone."""
    assert task.labelled is not None
    files = FORMATS[name].write([task], questions_for([task.labelled]))
    files[exchange.ARTICLES] = exchange.as_lines([exchange.without_labels(task.article)])
    given = [File(f"out/{base}", data) for base, data in files.items()]
    (record,) = exchange.records_of(FORMATS[name], given)
    return record


def without_soft(article: Article) -> Article:
    def hard(labels: Any) -> dict[str, float]:
        return {name: value for name, value in labels.items() if value in (0, 1)}

    units = tuple(replace(unit, labels=hard(unit.labels)) for unit in article.units or ())
    return replace(article, units=units, labels=hard(article.labels))


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(data=records())
def test_any_text_comes_back_as_it_went(name: str, data: dict[str, Any]) -> None:
    task = task_of(data)
    assert task.labelled is not None
    wanted = task.labelled if FORMATS[name].soft else without_soft(task.labelled)
    assume(is_labelled(wanted))
    record = there_and_back(name, replace(task, labelled=wanted))
    assert said(json.loads(json.dumps(record))) == in_text_order(wanted)
    assert record["text"] == data["text"]
    assert record.get("annotator") == data.get("annotator")


LETTER = "😀 Anna Berg said: “e\u0301t\u00a0al.”\r\nHe added\u2028that it’s a\ndisgrace. \r\n"


def article_of(name: str, text: str) -> dict[str, Any]:
    """An article with labels of all kinds, each with its words where the text has them."""
    begun, middle = text.index("Anna"), text.index("He added")

    def at(words: str) -> dict[str, int]:
        return {"start": text.index(words), "end": text.index(words) + len(words)}

    by_name = {"source": at("Anna Berg"), "cue": at("said"), "content": [at("e\u0301t\u00a0al")],
               "kind": "named"}  # fmt: skip
    by_pronoun = {"source": at("He"), "cue": at("added"), "content": [at("that it’s a\ndisgrace")],
                  "kind": "named", "government": True, "antecedent": at("Anna Berg")}  # fmt: skip
    return {
        "id": name,
        "outlet": "harbour.example",
        "text": text,
        "sentences": [
            {"start": begun - 2, "end": middle - 2, "voice": "quoted", "citations": [by_name],
             "labels": {"claim": 0, "attributed": 1}},
            {"start": middle, "end": len(text) - 3, "labels": {"claim": 1},
             "citations": [by_pronoun]},
        ],
        "spans": [{**at("a\ndisgrace"), "signal": "loaded_language"}],
        "labels": {"hyperpartisan": 1},
    }  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_a_letter_comes_back_as_it_went(name: str) -> None:
    letter = article_of("letter", f"  {LETTER}")
    assert said(there_and_back(name, task_of(letter))) == said(letter)


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_not_annotated_stays_so(name: str) -> None:
    """An unset label isn't a no, and citations that nobody looked for aren't none."""
    sentences = [
        {"start": 0, "end": 4, "labels": {"claim": 0}},
        {"start": 5, "end": 9, "labels": {}, "citations": []},
        {"start": 10, "end": 16, "labels": {}},
    ]
    record = {"id": "x", "text": "One. Two. Three.", "sentences": sentences}
    back = there_and_back(name, task_of(record))
    assert [one["labels"] for one in back["sentences"]] == [{"claim": 0}, {}, {}]
    assert [one.get("citations") for one in back["sentences"]] == [None, [], None]
    assert [one.get("voice") for one in back["sentences"]] == [None, None, None]
