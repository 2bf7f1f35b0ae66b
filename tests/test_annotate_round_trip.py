"""Out to a tool and back: the same sentences, labels, spans and citations, on any text."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from framescope.classifier.inputs import read_record
from framescope.classifier.records import Article
from framescope.training.annotation import FORMATS, exchange, import_labels
from framescope.training.annotation.marks import bare, in_text_order, questions_for

AWKWARD = [
    *("😀", "\U0001f468\u200d\U0001f469", "e\u0301", "a\u0308\u0323", "𝒳", "\u00a0"),
    *("\r\n", "\r", "\n", "\t", "  ", " ", "\u2028", "\u2029", "\x85", "\x0b", "\x1f"),
    *("\u200d", "\u200f", "\ufeff", "\ufffd", '"', "'", "<b>", "&amp;", "]]>", "\\n", "\\"),
    *("=1+1", "@x", "#", ";", ",", "/", "|", "a", "He said"),
]  # fmt: skip
"""What tools get wrong: characters of two UTF-16 units, combining marks, kinds of line end."""
SIGNALS = ("claim", "content", "attributed", "loaded_language", "biased_language")


def place(start: int, end: int) -> dict[str, int]:
    return {"start": start, "end": end}


def awkward(seed: int) -> dict[str, Any]:
    """An article of the exchange format, with labels of every kind on awkward text."""
    draw = Random(seed)
    text = "".join(draw.choices(AWKWARD, k=60))
    cuts = sorted(draw.sample(range(len(text)), 5))
    sentences = []
    for start, end in pairwise(cuts):
        labels = {signal: draw.choice([0, 1, 0.25]) for signal in draw.sample(SIGNALS, 2)}
        voice = draw.choice([None, "own", "reported", "quoted"])
        citations = None if draw.random() < 0.3 else []
        if citations is not None and end - start > 6:
            outer = {"source": place(start, start + 1), "cue": place(start + 1, start + 2),
                     "content": [place(start + 2, start + 4), place(start + 5, end)],
                     "antecedent": place(*sorted(draw.sample(range(len(text)), 2))),
                     "government": True}  # fmt: skip
            inner = {"content": [place(start + 2, start + 3)]}
            for one in (outer, inner):
                one["kind"] = draw.choice([None, "named", "unnamed", "vague"])
            citations = [outer, inner]
        sentences.append({**place(start, end), "labels": labels, "voice": voice,
                          "citations": citations})  # fmt: skip
    spans = [sorted(draw.sample(range(len(text)), 2)) for _ in range(4)]
    return {
        "id": draw.choice(["7", "folder/a#1", "ß & co", "=A1", "..", "sentence:x"]),
        "outlet": draw.choice([None, "post.example"]),
        "title": draw.choice([None, "A title", "=SUM(A1)"]),
        "text": text,
        "sentences": sentences,
        "spans": [{**place(*one), "signal": draw.choice(["doubt", "content"])} for one in spans],
        "labels": draw.choice([{}, {"hyperpartisan": 1}, {"hyperpartisan": 0, "claim": 1}]),
        **draw.choice([{}, {"annotator": "Zoë O'Neil"}]),
    }


LETTER = "😀 Anna Berg said: “e\u0301t\u00a0al.”\r\nHe added\u2028that it’s a\ndisgrace. \r\n"


def article_of(name: str, text: str) -> dict[str, Any]:
    """An article with labels of all kinds, each with its words where the text has them."""
    begun, middle = text.index("Anna"), text.index("He added")

    def at(words: str) -> dict[str, int]:
        return place(text.index(words), text.index(words) + len(words))

    by_name = {"source": at("Anna Berg"), "cue": at("said"), "content": [at("e\u0301t\u00a0al")],
               "kind": "named"}  # fmt: skip
    by_pronoun = {"source": at("He"), "cue": at("added"), "content": [at("that it’s a\ndisgrace")],
                  "kind": "named", "government": True, "antecedent": at("Anna Berg")}  # fmt: skip
    return {
        "id": name,
        "text": text,
        "sentences": [
            {**place(begun - 2, middle - 2), "voice": "quoted", "citations": [by_name],
             "labels": {"claim": 0, "attributed": 1}},
            {**place(middle, len(text) - 3), "labels": {"claim": 1}, "citations": [by_pronoun]},
        ],
        "spans": [{**at("a\ndisgrace"), "signal": "loaded_language"}],
        "labels": {"hyperpartisan": 1},
    }  # fmt: skip


def said(record: dict[str, Any]) -> Article:
    """A record's article with its labels, in the order of its text: to be compared."""
    return in_text_order(read_record(record, "here, line 1"))


def without_soft(article: Article) -> Article:
    def hard(labels: Any) -> dict[str, float]:
        return {name: value for name, value in labels.items() if value in (0, 1)}

    units = tuple(replace(unit, labels=hard(unit.labels)) for unit in article.units or ())
    return replace(article, units=units, labels=hard(article.labels))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("given", [article_of("letter", f"  {LETTER}"), *map(awkward, range(8))])
def test_any_text_comes_back_as_it_went(name: str, given: dict[str, Any], tmp_path: Path) -> None:
    article = read_record(given, "here, line 1")
    wanted = article if FORMATS[name].soft else without_soft(article)
    task = exchange.Task(bare(article), wanted, given.get("annotator"))
    files = FORMATS[name].write([task], questions_for([wanted]))
    files[exchange.ARTICLES] = exchange.as_lines([exchange.without_labels(task.article)])
    for base, data in files.items():
        (tmp_path / base).write_bytes(data)
    (record,) = import_labels(FORMATS[name], [tmp_path], None)
    assert said(record) == in_text_order(wanted)
    assert record["text"] == given["text"]
    assert record.get("annotator") == given.get("annotator")
    # An unset label isn't a no, and citations that nobody looked for aren't none.
    citations = [one.get("citations") is None for one in record["sentences"]]
    assert citations == [one.get("citations") is None for one in given["sentences"]]
