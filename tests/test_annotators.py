"""Several annotators' labels: their agreement, by worked values and a package; merged into one."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import pytest
from framescope.classifier.errors import CorpusError
from framescope.classifier.inputs import read_record
from framescope.classifier.records.article import MarkedCitation, Place, SourceKind
from framescope.training.commands.labelled import labels_app as app
from framescope.training.labels import citation_agreement, read_annotators
from framescope.training.labels import merge_annotators as merge
from framescope.training.labels.annotators import Agreement, Merged, agreement, align
from labelled import written
from typer.testing import CliRunner

Records = list[dict[str, Any]]


def records(articles: Sequence[Sequence[Mapping[str, float]]]) -> Records:
    """Give articles, each a list of the labels of its sentences."""
    return [
        {
            "id": f"orvel/{number}",
            "sentences": [
                {"start": 10 * place, "end": 10 * place + 9, "labels": dict(labels)}
                for place, labels in enumerate(sentences)
            ],
        }
        for number, sentences in enumerate(articles)
    ]


def claims(*articles: str) -> Records:
    """Give articles as a digit a sentence: whether it has a claim; a space is not annotated."""
    return records([[{} if d == " " else {"claim": int(d)} for d in one] for one in articles])


def only(*annotators: Records, **options: int) -> Agreement:
    (one,) = agreement(*annotators, **options)
    return one


@pytest.mark.parametrize(
    ("first", "second", "alpha"),
    [
        # Krippendorff (2011), "Computing Krippendorff's alpha-reliability", part A.
        ("0100000000", "1110010010", 1 - 4 / 10 * (20 * 19) / (2 * 14 * 6)),
        ("0101", "0101", 1.0),
        ("11111", "11111", float("nan")),
        ("01", "10", -0.5),  # 1 - 1 / (2 * 2 * 2 / (4 * 3))
        ("0011", "0101", 0.125),  # 1 - 0.5 / (2 * 4 * 4 / (8 * 7))
        ("0001", "0000", 0.0),  # one disagreement, and one is what chance gives
    ],
)
def test_alpha_of_few_sentences_can_be_worked_out(first, second, alpha) -> None:
    one = only(claims(first), claims(second))
    assert one.alpha == pytest.approx(alpha, nan_ok=True)
    assert (one.sentences, one.articles) == (len(first), 1)
    assert one.positive == (first.count("1"), second.count("1"))


def test_the_interval_is_that_of_the_krippendorff_package() -> None:
    """Of resampled articles of four annotators with gaps: each by the package, one by one."""
    draw = np.random.default_rng(1)
    truth = draw.random(120) < 0.3
    given = np.array([np.where(draw.random(120) < 0.2, ~truth, truth) for _ in range(4)], float)
    given[draw.random(given.shape) < 0.4] = np.nan
    articles = np.split(given, 12, axis=1)

    def digits(values: np.ndarray) -> str:
        return "".join(" " if np.isnan(value) else str(int(value)) for value in values)

    one = only(*(claims(*(digits(part[who]) for part in articles)) for who in range(4)), draws=300)
    drawn = np.random.default_rng(0).multinomial(12, np.full(12, 1 / 12), size=300)
    spread = [
        krippendorff.alpha(
            np.concatenate([articles[at] for at in np.repeat(np.arange(12), times)], axis=1),
            level_of_measurement="nominal",
        )
        for times in drawn
    ]
    assert one.alpha == pytest.approx(krippendorff.alpha(given, level_of_measurement="nominal"))
    assert (one.low, one.high) == pytest.approx(tuple(np.quantile(spread, [0.025, 0.975])))
    assert one.sentences == (np.isfinite(given).sum(axis=0) > 1).sum()


@pytest.mark.parametrize(
    ("annotators", "expected"),
    [
        ((claims("01", "11"), claims("01", "10"), claims("01")), (4, 2, (3, 2, 1))),
        ((claims("01 1"), claims("0110")), (3, 1, (2, 1))),
        ((records([[{"claim": 0.5}, {"claim": 0.49}]]), claims("10")), (2, 1, (1, 1))),
    ],
)
def test_sentences_are_compared_where_two_labelled_them(annotators, expected) -> None:
    one = only(*annotators)
    assert (one.sentences, one.articles, one.positive) == expected


def test_a_line_that_is_not_content_counts_as_none_of_the_others() -> None:
    first = records([[{"content": 0}, {"content": 1, "claim": 1}]])
    second = records([[{"content": 1, "claim": 1}, {"content": 1, "claim": 1}]])
    by_signal = {one.signal: one for one in agreement(first, second)}
    assert by_signal["claim"].positive == by_signal["content"].positive == (1, 2)


def test_the_command_shows_every_signal_with_its_interval(tmp_path) -> None:
    paths = map(str, write_all(tmp_path, claims("0011", "0101"), claims("0101", "0101")))
    result = CliRunner().invoke(app, ["agreement", *paths], env={"COLUMNS": "120"})
    assert result.exit_code == 0, result.output
    (line,) = (line.split() for line in result.output.splitlines() if "claim" in line)
    assert line[:6] == ["claim", "8", "2", "4", "4", "0.531"]
    assert " to " in result.output


def test_annotators_of_one_file_and_labels_of_articles_are_compared_too(tmp_path) -> None:
    labels = {"Ada": "0110", "Bo": "0100"}
    given = [
        {"id": str(n), "text": "It rains.", "annotator": who, "labels": {"hyperpartisan": int(one)}}
        for who, values in labels.items()
        for n, one in enumerate(values)
    ]
    (path,) = write_all(tmp_path, given)
    found = json.loads(CliRunner().invoke(app, ["agreement", str(path), "--format", "json"]).stdout)
    assert found["annotators"] == ["Ada", "Bo"]
    (one,) = found["signals"]
    assert (one["signal"], one["sentences"], one["positive"]) == ("hyperpartisan", 4, [2, 1])


def span(start: int, end: int) -> dict[str, int]:
    return {"start": start, "end": end}


def cited(*content: tuple[int, int], **rest: Any) -> dict[str, Any]:
    return {"source": None, "cue": None, "content": [span(*c) for c in content], **rest}


def article(id: str, *citations: dict[str, Any], end: int = 100) -> dict[str, Any]:
    return {"id": id, "sentences": [{**span(0, end), "citations": list(citations)}]}


def by_name(*annotators, **options):
    return {one.what: one for one in citation_agreement(*annotators, draws=200, **options)}


def test_speakers_agree_by_name_type_and_gender_of_the_sources_that_both_tell() -> None:
    def told(*speakers: tuple[int | None, str, str | None]) -> dict[str, Any]:
        given = [
            {"source": span(at, at + 2), "name": name and span(name, 9), "type": kind,
             "gender": gender}
            for at, (name, kind, gender) in enumerate(speakers)
        ]  # fmt: skip
        return {"id": "a", "speakers": given}

    he, she, board = (5, "person", "m"), (6, "person", "f"), (None, "body", None)
    found = by_name([told(he, he, she, board)], [told(he, she, she, (None, "outlet", None), he)])
    assert found.keys() == {"speaker, the same name", "speaker's type", "gender of a person"}
    assert [(one.n, one.articles) for one in found.values()] == [(4, 1), (4, 1), (3, 1)]
    name, kind, gender = (one.value for one in found.values())
    assert name == 3 / 4
    # Eight answers: six persons, a body, an outlet; six: three m, three f.
    assert kind == pytest.approx(1 - 2 * 7 / (8**2 - 6**2 - 1 - 1))
    assert gender == pytest.approx(1 - 2 * 5 / (6**2 - 3**2 - 3**2))
    given = []
    for text, at in (("Ada Quill is a", (0, 9)), ("Ada Quill, ADA QUILL", (11, 20))):
        speaker = {"name": span(*at), "type": "body"}
        one = article("b", cited((30, 40), source=span(21, 24), speaker=speaker))
        given.append(one | {"text": f"{text:<50}"})
    assert by_name(given[:1], given[1:])["speaker, the same name"].value == 1.0


def test_what_one_of_them_missed_counts_against_finding_and_every_pair_is_compared() -> None:
    whole, half = article("a", cited((0, 10)), cited((20, 30))), article("a", cited((0, 10)))
    found = by_name([whole], [whole], [half])["citation"]
    assert found.value == pytest.approx(2 * (2 + 1 + 1) / (4 + 3 + 3))
    assert (found.n, found.articles) == (4, 1)


def test_alpha_of_a_role_is_of_its_characters() -> None:
    # 100 characters, of which one marks 20 and the other half of these.
    found = by_name([article("a", cited((0, 20)))], [article("a", cited((0, 10)))])["content"]
    assert found.value == pytest.approx(1 - 0.1 / (2 * 30 * 170 / (200 * 199)))
    assert found.n == 100


def test_a_link_to_another_source_is_told_from_other_words_of_the_same() -> None:
    first = [article("a", cited((50, 60), source=span(0, 9)), cited((70, 80), source=span(0, 9)))]
    other = [article("a", cited((50, 60), source=span(5, 9)), cited((70, 80), source=span(20, 29)))]
    found = by_name(first, other)
    assert found["link to one source"].value == 0.5
    assert found["source, the very same"].value == 0.0


def test_citations_of_one_content_are_told_apart_by_cue_and_source() -> None:
    def of(source: int, cue: int) -> MarkedCitation:
        places = Place(source, source + 3), Place(cue, cue + 3)
        return MarkedCitation(*places, (Place(50, 90),), SourceKind.NAMED)

    agency, ministry = of(0, 5), of(10, 15)
    assert align((agency, ministry), (ministry, agency)) == [(agency, agency), (ministry, ministry)]


def test_sentences_that_one_of_them_did_not_annotate_are_left_out() -> None:
    first = {"id": "a", "sentences": [{**span(0, 9)}, {**span(10, 30), "citations": []}]}
    both = [{**span(0, 9), "citations": [cited((0, 5))]}, {**span(10, 30), "citations": []}]
    assert by_name([first], [{"id": "a", "sentences": both}])["content"].n == 20
    with pytest.raises(CorpusError, match="no citations in common"):
        citation_agreement([first], [article("b")])


def test_the_command_shows_every_measure_of_citations(tmp_path) -> None:
    one = article("a", cited((0, 10), source=span(12, 15)))
    paths = map(str, write_all(tmp_path, [one], [one]))
    shown = CliRunner().invoke(app, ["agreement", "--citations", *paths])
    assert shown.exit_code == 0, shown.output
    assert all(name in shown.output for name in ("citation", "source", "cue", "link to one source"))


TEXT = "The dam of Orvel leaks. Its keeper, Ada Quill, denies that."
PLACES = (0, 23), (24, 59)


def record(*labels: Mapping[str, float], **more: Any) -> dict[str, Any]:
    items = [
        {"start": start, "end": end, "labels": dict(held)}
        for (start, end), held in zip(PLACES, labels, strict=False)
    ]
    return {"id": "orvel/1", "text": TEXT, "sentences": items, **more}


def handed_over(content: tuple[int, int], kind: str = "named") -> dict[str, Any]:
    source, place = {"start": 36, "end": 45}, dict(zip(("start", "end"), content, strict=True))
    return {"source": source, "cue": None, "content": [place], "kind": kind}


def write_all(folder: Path, *annotators: Sequence[Mapping[str, Any]]) -> list[Path]:
    pairs = zip(("ada", "bo", "cy", "di", "ed"), annotators, strict=False)
    return [written(folder / f"{name}.jsonl", *records) for name, records in pairs]


def merged(folder: Path, *records: Mapping[str, Any], **options: bool) -> Merged:
    return merge(read_annotators(write_all(folder, *([one] for one in records))), **options)


def first(found: Merged) -> dict[str, Any]:
    (one,) = found.records
    return dict(one)


def labels_in(found: Merged) -> list[dict[str, float]]:
    return [item["labels"] for item in first(found)["sentences"]]


def test_a_label_is_the_share_of_those_who_gave_it(tmp_path) -> None:
    found = merged(
        tmp_path,
        record({"claim": 1, "quoted": 0}, {"claim": 1}),
        record({"claim": 1, "quoted": 0}, {"claim": 0}),
        record({"claim": 0, "quoted": 0}, {}),
        record({"claim": 0.5}, {}),
    )
    assert labels_in(found) == [{"claim": 0.625, "quoted": 0}, {"claim": 0.5}]
    assert first(found)["annotators"] == ["ada", "bo", "cy", "di"]
    assert (found.labels, found.soft, found.ties, found.alone) == (3, 2, 0, 0)


def test_hard_labels_are_those_of_the_majority_and_a_half_is_left_out(tmp_path) -> None:
    annotators = [record({"claim": n < 2}, {"claim": n == 0, "quoted": n % 2}) for n in range(3)]
    found = merged(tmp_path, *annotators[:3], hard=True)
    assert labels_in(found) == [{"claim": 1}, {"claim": 0, "quoted": 0}]
    found = merged(tmp_path, *annotators[:2], hard=True)
    assert labels_in(found) == [{"claim": 1}, {}]
    assert found.ties == 2


def test_a_line_that_most_call_no_content_gets_no_other_label(tmp_path) -> None:
    line, text = {"content": 0}, {"content": 1, "claim": 1}
    found = merged(tmp_path, record(line, line), record(line, text), record(text, text))
    assert labels_in(found) == [{"content": 0.3333}, {"content": 0.6667, "claim": 0.6667}]


def test_the_voice_is_what_most_say(tmp_path) -> None:
    voices = ("own", "quoted"), ("own", None), ("quoted", "own")
    given = [record({}, {}) for _ in voices]
    for one, said in zip(given, voices, strict=True):
        for item, voice in zip(one["sentences"], said, strict=True):
            item["voice"] = voice
    sentences = first(merged(tmp_path, *given))["sentences"]
    assert [item.get("voice") for item in sentences] == ["own", None]


def mark(start: int, end: int, signal: str = "doubt") -> dict[str, Any]:
    return {"start": start, "end": end, "signal": signal}


@pytest.mark.parametrize(
    ("marks", "kept"),
    [
        ([(0, 7), (4, 12), (5, 20)], [(4, 12)]),  # where two of three meet, less the space
        ([(0, 7), (8, 12), (13, 20)], []),
        ([(0, 7), (0, 7), None], [(0, 7)]),
        ([(0, 7), None, None], []),
    ],
)
def test_a_span_is_where_a_majority_marks_its_characters(tmp_path, marks, kept) -> None:
    given = [
        record({"doubt": at is not None}, spans=[] if at is None else [mark(*at)]) for at in marks
    ]
    assert [(s["start"], s["end"]) for s in first(merged(tmp_path, *given))["spans"]] == kept


def test_who_looks_for_a_signal_nowhere_has_no_say_in_its_spans(tmp_path) -> None:
    given = [record({"doubt": 1}, spans=[mark(0, 7)]), record({"claim": 1}), record({"claim": 1})]
    assert len(first(merged(tmp_path, *given))["spans"]) == 1


def test_a_citation_is_kept_when_a_majority_marks_the_very_same(tmp_path) -> None:
    def kept(*annotators: list[Mapping[str, Any]]) -> dict[str, Any]:
        given = [record({}, {}) for _ in annotators]
        for one, citations in zip(given, annotators, strict=True):
            one["sentences"][1]["citations"] = citations
        return first(merged(tmp_path, *given))["sentences"][1]

    same, other = handed_over((47, 58)), handed_over((47, 53))
    (citation,) = kept([same], [same], [other])["citations"]
    assert citation["content"] == [{"start": 47, "end": 58}]
    assert kept([], [], [other])["citations"] == []
    assert "citations" not in kept([same], [other], []), "somebody is cited, and it isn't said who"
    assert "citations" not in kept([same], [handed_over((47, 58), "vague")])


def crowd(folder: Path) -> tuple[list[Path], np.ndarray]:
    """Two who are nearly always right, and three who all err in the same direction, often."""
    draw = np.random.default_rng(5)
    truth = draw.random(60) < 0.4
    lenient = [truth | (draw.random(60) < 0.45) for _ in range(3)]
    careful = [np.where(draw.random(60) < 0.03, ~truth, truth) for _ in range(2)]
    given = []
    for labels in (*lenient, *careful):
        items = [
            {"start": 7 * n, "end": 7 * n + 6, "labels": {"claim": int(label)}}
            for n, label in enumerate(labels)
        ]
        given.append([{"id": "a", "text": "It is. " * 60, "sentences": items}])
    return write_all(folder, *given), truth


def values(found: Merged) -> np.ndarray:
    return np.array([labels["claim"] for labels in labels_in(found)])


def test_dawid_and_skene_find_who_errs_and_majority_does_not(tmp_path) -> None:
    paths, truth = crowd(tmp_path)
    annotators = read_annotators(paths)
    estimated, shares = values(merge(annotators, dawid_skene=True)), values(merge(annotators))
    assert ((estimated >= 0.5) == truth).mean() >= 0.95
    assert ((estimated >= 0.5) == truth).mean() > ((shares >= 0.5) == truth).mean()
    assert ((estimated >= 0) & (estimated <= 1)).all()


OTHER = record({}) | {"text": TEXT.replace("Orvel", "Vesk!")}
BARE = {key: value for key, value in record({}).items() if key != "text"}


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        (record({}), OTHER, "the text of 'orvel/1' differs from "),
        (record({}, {}), record({}), "the sentences of 'orvel/1' differ from "),
        (record({}), BARE, "no 'text'"),
    ],
)
def test_other_texts_and_other_sentences_are_one_line(tmp_path, one, other, reason) -> None:
    with pytest.raises(CorpusError, match=rf"bo\.jsonl, line 1: {reason}"):
        merged(tmp_path, one, other)


def test_the_command_writes_what_the_format_reads(tmp_path) -> None:
    paths = write_all(tmp_path, [record({"claim": 1})], [record({"claim": 0})])
    output = tmp_path / "merged.jsonl"
    done = CliRunner().invoke(app, ["merge", *map(str, paths), "--output", str(output)])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("1 article of 2 annotators, 1 label")
    (line,) = output.read_text(encoding="utf-8").splitlines()
    article = read_record(json.loads(line), "merged, line 1")
    assert article.units is not None
    assert article.units[0].labels == {"claim": 0.5}
