"""What to label next: methods, shares of outlets, runs and files, and what is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import small_runs
import toys
from batches import COMMAND
from framescope.classifier import bundles
from framescope.classifier.errors import FramescopeError
from framescope.training.commands.annotate import app
from framescope.training.corpora import read_exchange
from framescope.training.picking.candidates import of_run
from framescope.training.picking.methods import (
    METHODS,
    Known,
    Ranking,
    centred,
    rankings,
)
from framescope.training.picking.picking import choose, shares
from hypothesis import given, settings
from hypothesis import strategies as st
from small_runs import Said
from typer.testing import CliRunner

SIGNALS = ("claim", "vague_source")


def known(proba, second=None, thresholds=(0.5, 0.2)) -> Known:
    limits = np.array(thresholds)
    other = None if second is None else np.array(second, float)
    return Known(np.array(proba, float), limits, SIGNALS, 0, other, limits)


# Methods


def test_a_threshold_becomes_one_half_and_the_ends_stay() -> None:
    found = centred(np.array([[0.0, 0.0], [0.5, 0.2], [1.0, 1.0], [0.25, 0.1]]),
                    np.array([0.5, 0.2]))  # fmt: skip
    assert np.allclose(found, [[0, 0], [0.5, 0.5], [1, 1], [0.25, 0.25]], atol=1e-5)


def test_uncertain_is_what_lies_at_its_threshold() -> None:
    ranking = rankings("uncertainty", known([[0.5, 0.9], [0.9, 0.2], [0.99, 0.5]]))["uncertainty"]
    assert ranking.order.tolist()[:2] == [0, 1]
    assert ranking.signals[:2] == ("claim", "vague_source")
    assert np.allclose(ranking.scores[:2], 1, atol=1e-4)


def test_models_disagree_where_they_decide_otherwise() -> None:
    found = METHODS["disagreement"](known([[0.9, 0.1], [0.9, 0.1]], [[0.9, 0.1], [0.1, 0.1]]))
    assert np.allclose(found[0], 0, atol=1e-9)
    assert found[1, 0] > 0.3 > found[1, 1]


@pytest.mark.parametrize(
    ("proba", "order", "signals"),
    [
        ([[0.9, 0.01], [0.8, 0.3], [0.7, 0.02]], [1, 2, 0], {"vague_source"}),
        ([[0.9, 0.5], [0.4, 0.8]], [0, 1], set(SIGNALS)),  # none is rare: all count
    ],
)
def test_rare_looks_at_rare_signals_alone(proba, order, signals) -> None:
    ranking = rankings("rare", known(proba))["rare"]
    assert ranking.order.tolist() == order
    assert set(ranking.signals) == signals


def test_signals_take_turns() -> None:
    scores = np.array([[0.9, 0.0], [0.8, 0.1], [0.7, 0.2], [0.6, 0.3]])
    ranking = Ranking.of(scores, SIGNALS)
    assert ranking.order.tolist() == [0, 3, 1, 2]
    assert ranking.signals == ("claim", "claim", "vague_source", "vague_source")


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40),
       st.sampled_from(["mix", *METHODS]))  # fmt: skip
def test_every_candidate_is_ranked_once(proba, by) -> None:
    for ranking in rankings(by, known(proba, proba[::-1])).values():
        assert sorted(ranking.order.tolist()) == list(range(len(proba)))
        assert len(ranking.signals) == len(ranking.scores) == len(proba)


# Shares

_SIZES = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 400), min_size=1)


@settings(deadline=None)
@given(st.integers(1, 500), _SIZES, st.integers(1, 200))
def test_shares_are_in_proportion_and_reach_n(n, sizes, cap) -> None:
    most = {name: min(size, cap) for name, size in sizes.items()}
    found = shares(n, sizes, most)
    assert all(0 <= found[name] <= most[name] for name in sizes)
    total = sum(found.values())
    assert total >= min(n, sum(most.values()))
    if total < sum(most.values()):  # rounded up, and no more than that
        assert total < n + len(sizes)
    for one in sizes:
        for two in sizes:
            if sizes[one] >= sizes[two] and found[one] < most[one]:
                assert found[one] >= found[two]


def _texts(n: int) -> list[str]:
    return [f"Sentence number {at} tells of ferry {at} and of harbour {at}" for at in range(n)]


def _random(n: int, seed: int = 0) -> dict[str, Ranking]:
    return {"random": Ranking.of(np.random.default_rng(seed).random((n, 1)), ())}


def _chosen(outlets: str, n: int, seed: int = 0, share: float | None = None) -> list[int]:
    size = len(outlets)
    picks = choose(_random(size, seed), n, outlets, range(size), _texts(size), (), share)
    return [one.row for one in picks]


@settings(deadline=None)
@given(st.text("abc", min_size=1, max_size=60), st.integers(1, 40), st.integers(0, 3))
def test_shares_are_kept(outlets, n, seed) -> None:
    rows = _chosen(outlets, n, seed)
    counts = Counter(outlets[row] for row in rows)
    assert len(set(rows)) == len(rows) <= n
    cap = int(np.ceil(n / len(set(outlets)) - 1e-9))  # equal shares of up to five outlets
    assert all(count <= cap for count in counts.values())
    # Fewer than n only where every outlet has all that it may.
    if len(rows) < n:
        assert counts == {name: min(size, cap) for name, size in Counter(outlets).items()}


def test_no_outlet_crowds_the_others_out() -> None:
    outlets = "a" * 300 + "b" * 40 + "c" * 40 + "d" * 40 + "e" * 40 + "f" * 40
    counts = Counter(outlets[row] for row in _chosen(outlets, 50))
    assert counts["a"] == 10
    assert min(counts.values()) >= 7
    assert counts.total() == 50
    assert set(Counter(outlets[row] for row in _chosen(outlets, 50, share=0.04)).values()) == {2}


def test_methods_take_turns_and_say_so() -> None:
    up, down = np.arange(6.0)[:, None], -np.arange(6.0)[:, None]
    ranked = {"up": Ranking.of(up, ()), "down": Ranking.of(down, ())}
    found = choose(ranked, 4, "aaaaaa", range(6), _texts(6))
    assert [(one.row, one.by) for one in found] == [(5, "up"), (0, "down"), (4, "up"), (1, "down")]
    assert found[0].score == 5
    assert found[0].signal is None


def test_an_article_gives_five_sentences() -> None:
    articles = ["one"] * 15 + list("abcde")
    found = choose(_random(20), 9, "a" * 20, articles, _texts(20))
    assert Counter(articles[one.row] for one in found)["one"] == 5


LONG = "The council of Karst voted nine to four on Friday to keep the old ferry for another year"


def test_what_is_nearly_the_same_is_taken_once() -> None:
    other = "Nobody in Vesk asked for a reservoir of that size, and nobody has said who did then"
    texts = [LONG, LONG + " ago", other, LONG.upper() + "!", "Short one here.", "short one, here"]
    found = {one.row for one in choose(_random(6), 6, "a" * 6, range(6), texts)}
    assert len(found) == 3
    assert 2 in found
    labelled = [LONG, "Short one here!"]
    found = {one.row for one in choose(_random(6), 6, "a" * 6, range(6), texts, labelled)}
    assert found == {2}


# Runs


def typed(*words: object):
    return CliRunner().invoke(app, ["pick", *map(str, words)])


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("picking") / "RUN"
    small_runs.write(path)
    return path


def picked(path: Path) -> list[tuple[dict, dict]]:
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(one, s) for one in records for s in one["sentences"] if "picked" in s]


def words(pair: tuple[dict, dict]) -> str:
    return pair[0]["text"][pair[1]["start"] : pair[1]["end"]]


def test_a_run_is_picked_of(run, tmp_path) -> None:
    result = typed(run, "--n", 10, "--by", "uncertainty", "--output", tmp_path / "a.jsonl")
    assert result.exit_code == 0, result.stderr
    found = picked(tmp_path / "a.jsonl")
    assert len(found) in (9, 10)  # what two outlets print counts for one of them
    assert len({words(pair) for pair in found}) == len(found)
    assert small_runs.FURNITURE not in {words(pair) for pair in found}
    assert all(pair[1]["labels"] == {} for pair in found)
    assert {pair[1]["picked"]["by"] for pair in found} == {"uncertainty"}
    assert all(pair[1]["picked"]["signal"] in pair[1]["scores"] for pair in found)
    outlets = Counter(pair[0]["outlet"] for pair in found)
    assert max(outlets.values()) <= 2  # of five outlets, a fifth each
    assert "uncertainty" in result.stderr
    for record, sentence in found:
        limits = record["report"]["thresholds"]
        over = [name for name, score in sentence["scores"].items() if score >= limits[name]]
        assert sentence["flags"] == over
    others = [s for record, _ in found for s in record["sentences"] if "picked" not in s]
    assert others
    assert not any("scores" in one or "flags" in one for one in others)
    # What is written is read as labels are, and holds none.
    articles = list(read_exchange(tmp_path / "a.jsonl"))
    assert all(not unit.labels and unit.voice is None for one in articles for unit in one.units)


def test_the_same_seed_picks_the_same(run, tmp_path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        typed(run, "-n", 8, "--by", "random", "--seed", seed, "-o", tmp_path / f"{name}.jsonl")
    one, two, three = ((tmp_path / f"{name}.jsonl").read_bytes() for name in "abc")
    assert one == two != three


def test_for_one_signal(run, tmp_path) -> None:
    typed(run, "-n", 6, "--by", "rare", "--signal", "vague_source", "-o", tmp_path / "a.jsonl")
    found = picked(tmp_path / "a.jsonl")
    assert {pair[1]["picked"]["signal"] for pair in found} == {"vague_source"}
    assert set(found[0][1]["scores"]) == {"vague_source"}
    assert "Observers expect worse." in {words(pair) for pair in found}


def test_what_was_picked_before_is_not_picked_again(run, tmp_path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    typed(run, "-n", 8, "--by", "uncertainty", "-o", first)
    typed(run, "-n", 8, "--by", "uncertainty", "--not-in", first, "-o", second)
    assert not {words(p) for p in picked(first)} & {words(p) for p in picked(second)}
    labelled = tmp_path / "labels.jsonl"
    text = "Everybody in Karst knows that the money was stolen. It rained in Orrin on day 3."
    units = [{"start": 0, "end": 51, "labels": {"claim": 1}}, {"start": 52, "end": 80}]
    line = json.dumps({"id": "x", "text": text, "sentences": units})
    labelled.write_text(line + "\n", encoding="utf-8")
    typed(run, "-n", 99, "--per-outlet", 1, "--by", "random", "--not-in", labelled, "-o", second)
    left = {words(pair) for pair in picked(second)}
    assert text[:51] not in left
    assert text[52:] in left


def test_more_than_there_are_are_not_picked_and_that_is_said(run, tmp_path) -> None:
    result = typed(run, "-n", 5000, "--by", "random", "--per-outlet", 1, "-o", tmp_path / "a.jsonl")
    found = picked(tmp_path / "a.jsonl")
    assert result.exit_code == 0
    assert f"only {len(found)} of 5,000 sentences are picked" in result.stderr
    assert len(found) == len({words(pair) for pair in found}) > 20


def test_sentences_of_a_run_stand_where_they_stood(run) -> None:
    known = {one.article.id: one for one in small_runs.reports()}
    candidates = of_run(run, None, print)
    assert len(candidates.articles) == len(known) - 1  # one was not scored
    for article in candidates.articles:
        report = known[article.id]
        assert article.text == report.article.text
        assert [(unit.start, unit.end) for unit in article.units] == [
            (sentence.start, sentence.end) for sentence in report.sentences
        ]


def test_of_very_many_articles_some_are_drawn(run, monkeypatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("framescope.training.picking.candidates.MOST", 40)
    one, again = (of_run(run, None, said.append, 3) for _ in range(2))
    other = of_run(run, None, said.append, 4)
    ids = [[article.id for article in found.articles] for found in (one, again, other)]
    assert ids[0] == ids[1] != ids[2]
    assert sum(len(article.units) for article in one.articles) <= 40
    assert len(set(one.outlets)) == 5  # the outlets by turns
    assert "sampled" in said[0]


def test_articles_of_one_name_are_told_apart(tmp_path) -> None:
    path = tmp_path / "RUN"
    two = [small_runs.report("same", [Said(text, ("claim",))])
           for text in ("A quiet morning in Orrin.", "A loud evening in Vesk.")]  # fmt: skip
    small_runs.write(path, articles=two)
    typed(path, "-n", 2, "--by", "random", "-o", tmp_path / "a.jsonl")
    assert sorted(pair[0]["id"] for pair in picked(tmp_path / "a.jsonl")) == ["same", "same-2"]


# Files

TEXT = (
    "Observers say the ferry of Orrin may close. The council met on Tuesday to talk about it. "
    "What a vile scheme, this harbour! Repairs will cost 900 crowns and nobody has them. "
    "The wicked men behind the mill of Karst took the money. No."
)


@pytest.fixture
def files(tmp_path) -> list[Path]:
    found = []
    for name in "ab":
        path = tmp_path / f"{name}.txt"
        path.write_text(TEXT.replace("Orrin", f"Orrin {name}"), encoding="utf-8")
        found.append(path)
    return found


def test_files_are_scored_and_picked_of(files, small_bundle, tmp_path) -> None:
    out = tmp_path / "p.jsonl"
    result = typed(*files, "-n", 3, "--by", "rare", "-m", small_bundle, "-o", out)
    assert result.exit_code == 0, result.stderr
    found = picked(out)
    assert len(found) == 3
    assert "No." not in {words(pair) for pair in found}
    assert found[0][0]["report"]["model"] == "by-hand"


def test_what_has_labels_in_a_file_is_left_out(small_bundle, tmp_path) -> None:
    path, out = tmp_path / "mine.jsonl", tmp_path / "p.jsonl"
    units = [{"start": 0, "end": 43, "labels": {"vague_source": 1}}, {"start": 44, "end": 88}]
    line = json.dumps({"id": "x", "text": TEXT, "sentences": units, "labels": {"hyperpartisan": 1}})
    path.write_text(line + "\n", encoding="utf-8")
    assert typed(path, "-n", 9, "--by", "random", "-m", small_bundle, "-o", out).exit_code == 0
    assert [words(pair) for pair in picked(out)] == [TEXT[44:88]]
    record = json.loads(out.read_text(encoding="utf-8"))
    assert record["labels"] == {}
    assert record["sentences"][0]["labels"] == {}


def test_two_models_that_disagree(files, small_bundle, tmp_path) -> None:
    other = tmp_path / "other"
    named = {**toys.MANIFEST_BY_HAND, "name": "other"}
    bundles.write(other, named, "# Other\n", toys.save_by_hand)
    words_ = (*files, "-n", 4, "--by", "disagreement", "-m", small_bundle, "-o", tmp_path / "p")
    assert typed(*words_, "--second", other).exit_code == 0
    assert {pair[1]["picked"]["by"] for pair in picked(tmp_path / "p")} == {"disagreement"}
    same = typed(*words_, "--second", small_bundle, "--overwrite")
    assert same.exit_code != 0
    assert "is the first model too" in str(same.exception)


# What is refused


def refused(out: Path, *words: object) -> str:
    result = typed(*words, "--output", out)
    assert isinstance(result.exception, FramescopeError), result.output
    assert not out.exists()
    said = str(result.exception)
    assert "\n" not in said
    return said


def test_a_run_that_can_t_be_read(run, tmp_path) -> None:
    out = tmp_path / "p.jsonl"
    small_runs.write(tmp_path / "OPEN", finished=False)
    assert "not finished; resume it: framescope batch" in refused(out, tmp_path / "OPEN")
    shutil.copytree(run, tmp_path / "HOLED")
    (tmp_path / "HOLED" / "parts" / "000001" / "sentences.parquet").unlink()
    assert "HOLED: its tables can't be read" in refused(out, tmp_path / "HOLED")
    shutil.copytree(run, tmp_path / "BARE")
    (tmp_path / "BARE" / "manifest.json").unlink()
    assert "BARE: holds no run" in refused(out, tmp_path / "BARE")
    small_runs.write(tmp_path / "NOTHING", articles=())
    assert "holds no sentence that can be picked" in refused(out, tmp_path / "NOTHING")


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (("--signal", "vague_sorce"), "did you mean vague_source?"),
        (("--signal", "hyperpartisan"), "is one of whole articles"),
        (("--signal", "repetition"), "the run of by-hand doesn't give it"),
        (("--by", "uncertanty"), "did you mean uncertainty?"),
        (("--not-in", "nowhere.jsonl"), "nowhere.jsonl: can't be read"),
        (("--not-in", __file__), "test_annotate_pick.py, line 1: not JSON"),
        (("--second", "nowhere"), "nowhere"),
        (("another.txt",), "is a run; pick from it alone"),
    ],
)
def test_what_doesn_t_go(run, tmp_path, options, what) -> None:
    assert what in refused(tmp_path / "p.jsonl", run, *options)


@pytest.mark.slow
def test_a_run_that_batch_made(tmp_path) -> None:
    pages = tmp_path / "pages.jsonl"
    texts = {name: TEXT.replace("Orrin", f"Orrin {name}") for name in "abcd"}
    texts["d"] = "\U0001f30a\u200b  " + texts["d"].replace(". ", ".\n\n")
    lines = (json.dumps({"id": name, "text": text, "outlet": f"The {name} Post"})
             for name, text in texts.items())  # fmt: skip
    pages.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    made = [*COMMAND, str(pages), "--model", "baseline", "--output", str(tmp_path / "RUN")]
    subprocess.run([*made, "--workers", "1"], check=True, capture_output=True)
    out = tmp_path / "p.jsonl"
    result = typed(tmp_path / "RUN", "-n", 8, "--second", "transformer", "-o", out)
    assert result.exit_code == 0, result.stderr
    found = picked(out)
    assert len(found) == 8
    assert {pair[1]["picked"]["by"] for pair in found} == {"uncertainty", "disagreement"}
    for record, sentence in found:
        here = slice(sentence["start"], sentence["end"])
        assert record["text"][here] == texts[record["id"]][here]
        assert len(record["text"]) == len(texts[record["id"]])


def test_where_all_was_picked_before_nothing_is_left(run, tmp_path) -> None:
    first, out = tmp_path / "a.jsonl", tmp_path / "p.jsonl"
    typed(run, "-n", 5000, "--by", "random", "--per-outlet", 1, "-o", first)
    said = refused(out, run, "--by", "random", "--not-in", first)
    assert "every sentence is labelled or picked already" in said
