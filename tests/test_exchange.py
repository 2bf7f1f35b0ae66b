import json
import math

import pytest
from framescope.classifier import taxonomy
from framescope.classifier.errors import InputError
from framescope.classifier.inputs.exchange import from_record, to_record
from framescope.classifier.inputs.records import looks_like_records, read_lines
from framescope.classifier.records.article import Article, Imprint, Republication, Span, Unit, Voice
from framescope.classifier.records.scored import Skipped
from hypothesis import given, settings
from hypothesis import strategies as st

LABELLED = Article(
    id="a1",
    text="The dam is safe. Nobody else says so.",
    title="Dam",
    outlet="karstpost.example",
    url="https://karstpost.example/dam",
    date="2025-03-12",
    author="Ann Ray",
    site_name="Karst Post",
    lang="en",
    units=(Unit(0, 16, {"claim": 1.0, "doubt": 0.0}, Voice.REPORTED), Unit(17, 37)),
    spans=(Span(4, 7, "loaded_language"),),
    labels={"hyperpartisan": 0.25},
    republications=(Republication(17, 37, "Tarn Review", "Below is"),),
    imprint=Imprint(("© 2025 KARSTA",), "- Karst Post", "Quay9", "Ask Quay9 AI"),
)


def record(**more: object) -> dict[str, object]:
    return {"id": "a1", "text": "The dam is safe. 😀 Yes.", **more}


def test_a_record_says_all_of_an_article() -> None:
    line = json.dumps(to_record(LABELLED))
    assert from_record(json.loads(line), "f", 1) == LABELLED


def test_a_record_has_the_formats_keys_in_their_order() -> None:
    keys = list(to_record(Article("a", "b", units=(Unit(0, 1),))))
    assert keys == ["id", "outlet", "url", "title", "date", "lang", "text", "sentences", "spans",
                    "labels"]  # fmt: skip


def test_only_id_and_text_are_required() -> None:
    assert from_record({"id": 7, "text": "Yes."}, "f", 1) == Article("7", "Yes.")


@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip),
    labels=st.dictionaries(st.sampled_from(taxonomy.NAMES), st.floats(0, 1)),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_any_article_comes_back_from_its_line(
    text: str, labels: dict[str, float], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, len(text)))
    article = Article("x", text, labels=labels, units=(Unit(0, cut, labels),))
    for ascii_only in (True, False):
        line = json.dumps(to_record(article), ensure_ascii=ascii_only)
        assert list(read_lines([line], "f")) == [article]


def test_a_scored_line_can_be_read_again() -> None:
    scored = record(
        sentences=[{"start": 0, "end": 16, "scores": {"claim": 0.9}, "flags": ["claim"]}],
        spans=[{"start": 4, "end": 7, "signal": "doubt", "score": 0.7}],
        report={"model": "m"},
    )
    article = from_record(scored, "f", 1)
    assert article.units == (Unit(0, 16),)
    assert article.spans == ()


def test_what_is_not_annotated_is_left_out() -> None:
    labels = {"claim": None, "doubt": math.nan, "attributed": True, "subjective": False}
    [unit] = from_record(record(sentences=[{"start": 0, "end": 3, "labels": labels}]), "f", 1).units
    assert unit.labels == {"attributed": 1.0, "subjective": 0.0}
    assert "NaN" not in json.dumps(to_record(Article("a", "b", labels={"claim": math.nan})))


@pytest.mark.parametrize("empty", [None, []])
def test_no_sentences_means_to_be_split(empty: object) -> None:
    assert from_record(record(sentences=empty), "f", 1).units is None


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"id": "a"}, "no 'text'"),
        ({"text": "a"}, "no 'id'"),
        ({"id": True, "text": "a"}, "'id' must be text"),
        ({"id": "a", "text": 3}, "'text' must be text, not a number"),
        ({"id": "a", "text": " \n"}, "'text' is empty"),
        ({"id": "a", "text": "\ud800"}, "lone surrogate"),
        (record(title=["x"]), "'title' must be text, not a list"),
        (record(sentences={}), "'sentences' must be a list"),
        (record(sentences=["x"]), "item 0 must be an object, not text"),
        (record(sentences=[{"start": 0}]), "whole numbers"),
        (record(sentences=[{"start": 0.0, "end": 2}]), "whole numbers"),
        (record(sentences=[{"start": True, "end": 2}]), "whole numbers"),
        (record(sentences=[{"start": 3, "end": 3}]), "3-3 is not inside the text"),
        (record(sentences=[{"start": -1, "end": 3}]), "not inside the text"),
        (record(sentences=[{"start": 0, "end": 24}]), "0-24 is not inside the text (0-23"),
        (record(sentences=[{"start": 4, "end": 9}, {"start": 8, "end": 9}]), "begins before"),
        (record(sentences=[{"start": 4, "end": 9}, {"start": 0, "end": 2}]), "begins before"),
        (record(sentences=[{"start": 0, "end": 3, "labels": {"clam": 1}}]), "did you mean claim?"),
        (record(sentences=[{"start": 0, "end": 3, "labels": {"claim": 2}}]), "0 to 1"),
        (record(sentences=[{"start": 0, "end": 3, "labels": {"claim": "yes"}}]), "0 to 1"),
        (record(sentences=[{"start": 0, "end": 3, "voice": "loud"}]), "own, reported, quoted"),
        (record(sentences=[{"start": 0, "end": 3, "voice": []}]), "own, reported, quoted"),
        (record(labels=[1]), "labels must be an object"),
        (record(labels={"claim": math.inf}), "0 to 1"),
        (record(spans=[{"start": 0, "end": 3}]), "needs a 'signal'"),
        (record(spans=[{"start": 0, "end": 99, "signal": "doubt"}]), "not inside the text"),
        (record(republications=[{"start": 0, "end": 3}]), "'outlet'"),
    ],
)
def test_a_bad_record_names_the_line_and_the_reason(bad: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError) as caught:
        from_record(bad, "dump.jsonl", 12)
    assert str(caught.value).startswith("dump.jsonl, line 12: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_broken_line_is_skipped_and_reading_goes_on() -> None:
    good = json.dumps(record())
    lines = [good + "\n", "\n", '{"id": "b", "text": \n', "[1]\n", "null\n", "x" * 20, good]
    found = list(read_lines(lines, "f"))
    assert [type(item) for item in found] == [Article, *[Skipped] * 4, Article]
    assert [item.source for item in found if isinstance(item, Skipped)] == [
        f"f, line {number}" for number in (3, 4, 5, 6)
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[" * 100_000, "not JSON"),
        ('{"a":' * 100_000, "not JSON"),
        ('{"id": 1' + "0" * 5000 + ', "text": "a"}', "not JSON"),
        ('{"id": "a", "text": "caf\udce9"}', "UTF-8"),
        ('{"id": "a", "text": "' + "a" * 10_000_000 + '"}', "longer than"),
    ],
    ids=["arrays", "objects", "number", "latin-1", "long"],
)
def test_a_hostile_line_is_skipped(line: str, reason: str) -> None:
    _, skipped = read_lines([json.dumps(record()), line], "f")
    assert isinstance(skipped, Skipped)
    assert reason in skipped.reason


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["[", '{"id": "a"}', "]"], "jq -c '.[]'"),
        (['[{"id": "a", "text": "b"}]'], "jq -c '.[]'"),
        (["{", ' "id": "a",', ' "text": "b"', "}"], "jq -c ."),
        (['{"id": "a",', ' "text": "b"}'], "no line is an article (line 1"),
        (["{bad", "{worse"], "no line is an article (line 1"),
        ([], "empty"),
        (["\n", " \n"], "empty"),
    ],
)
def test_a_file_without_an_article_is_an_error(lines: list[str], reason: str) -> None:
    with pytest.raises(InputError) as caught:
        list(read_lines(lines, "f.json"))
    assert reason in str(caught.value)


def test_lines_are_read_one_at_a_time() -> None:
    def endless() -> object:
        while True:
            yield json.dumps(record())

    reader = read_lines(endless(), "f")  # type: ignore[arg-type]
    assert [next(reader) for _ in range(3)]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ('{"id": 1', True),
        ('\n {\n  "id": 1', True),
        ('[{"id": 1', True),
        ("{", True),
        ("{Editor's note} The dam", False),
        ("[Editor's note] The dam", False),
        ('"Quoted": the dam', False),
        ("", False),
    ],
)
def test_tells_records_from_prose(head: str, expected: bool) -> None:
    assert looks_like_records(head) is expected
