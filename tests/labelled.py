"""Labelled articles on any text at all, as strategies of hypothesis."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import from_record
from framescope.classifier.records import Article
from framescope.training.annotation.marks import in_text_order
from hypothesis import strategies as st

AWKWARD = [
    *("😀", "\U0001f468\u200d\U0001f469", "e\u0301", "a\u0308\u0323", "𝒳", "\u00a0"),
    *("\r\n", "\r", "\n", "\t", "  ", " ", "\u2028", "\u2029", "\x85", "\x0b", "\x1f"),
    *("\u200d", "\u200f", "\ufeff", "\ufffd", '"', "'", "<b>", "&amp;", "]]>", "\\n", "\\"),
    *("=1+1", "@x", "#", ";", ",", "/", "|", "a", "He said"),
]  # fmt: skip
"""What tools get wrong: characters of two UTF-16 units, combining marks, kinds of line end."""
SIGNALS = ("claim", "content", "attributed", "loaded_language", "biased_language")
NAMES = (None, "anna", "Zoë O'Neil", "a@example.org")


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A text that isn't blank, mostly of awkward pieces."""
    some = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=6)
    pieces = draw(st.lists(st.one_of(st.sampled_from(AWKWARD), some), min_size=1, max_size=25))
    text = "".join(pieces)
    return text if text.strip() else f"{text}a{text}"


@st.composite
def places(draw: st.DrawFn, start: int, end: int) -> dict[str, int]:
    first = draw(st.integers(start, end - 1))
    return {"start": first, "end": draw(st.integers(first + 1, end))}


@st.composite
def labels(draw: st.DrawFn, *, soft: bool) -> dict[str, float]:
    values = st.sampled_from([0, 1, 0.25, 0.6667] if soft else [0, 1])
    return draw(st.dictionaries(st.sampled_from(SIGNALS), values, max_size=4))


@st.composite
def citations(draw: st.DrawFn, start: int, end: int, length: int) -> dict[str, Any]:
    cuts = sorted(draw(st.sets(st.integers(start, end), min_size=2, max_size=6)))
    pieces = [{"start": one, "end": other} for one, other in pairwise(cuts)][::2]
    optional = st.one_of(st.none(), places(0, length))
    return {
        "source": draw(optional),
        "cue": draw(st.one_of(st.none(), places(start, end))),
        "content": pieces,
        "kind": draw(st.sampled_from([None, "named", "unnamed", "vague"])),
        "government": draw(st.booleans()),
        "state_media": draw(st.booleans()),
        "antecedent": draw(optional),
    }


@st.composite
def records(draw: st.DrawFn, *, soft: bool = False) -> dict[str, Any]:
    """An article of the exchange format, with labels of every kind, somewhere."""
    text = draw(texts())
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), min_size=2, max_size=8)))
    sentences = []
    for start, end in pairwise(cuts):
        sentence: dict[str, Any] = {"start": start, "end": end, "labels": draw(labels(soft=soft))}
        if draw(st.booleans()):
            sentence["voice"] = draw(st.sampled_from(["own", "reported", "quoted"]))
        if draw(st.booleans()):
            sentence["citations"] = []
            for one in draw(st.lists(citations(start, end, len(text)), max_size=3)):
                further = {**sentence, "citations": [*sentence["citations"], one]}
                if _good(text, further):
                    sentence = further
        sentences.append(sentence)
    spans = draw(st.lists(places(0, len(text)), max_size=5))
    signals = st.sampled_from(["loaded_language", "doubt", "content", "claim"])
    record = {
        "id": draw(st.sampled_from(["a1", "7", "folder/a#1", "ß & co", "=A1", "..", "sentence:x"])),
        "outlet": draw(st.sampled_from([None, "post.example"])),
        "title": draw(st.sampled_from([None, "A title", "=SUM(A1)"])),
        "text": text,
        "sentences": sentences,
        "spans": [{**place, "signal": draw(signals)} for place in spans],
        "labels": draw(
            st.sampled_from([{}, {"hyperpartisan": 1}, {"hyperpartisan": 0, "claim": 1}])
        ),
    }
    name = draw(st.sampled_from(NAMES))
    if name is not None:
        record["annotator"] = name
    if not any(one["labels"] for one in sentences):
        sentences[0]["labels"] = {"claim": 1}
    return record


def _good(text: str, sentence: dict[str, Any]) -> bool:
    try:
        from_record({"id": "x", "text": text, "sentences": [sentence]}, "", 0)
    except InputError:
        return False
    return True


def said(record: dict[str, Any]) -> Article:
    """A record's article with its labels, in the order of its text: to be compared."""
    return in_text_order(from_record(record, "here", 1))
