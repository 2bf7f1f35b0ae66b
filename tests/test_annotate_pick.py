"""What to label next: methods, shares of outlets, runs and files, and what is refused."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import small_runs
import toys
from framescope.classifier import bundles
from framescope.classifier.errors import FramescopeError
from framescope.training import picking
from framescope.training.commands.annotate import app
from framescope.training.corpora import read_exchange
from framescope.training.picking import Ranking, choose, of_run
from hypothesis import given
from hypothesis import strategies as st
from small_runs import Said
from typer.testing import CliRunner

SIGNALS = ("claim", "vague_source")
TURNS = ["claim", "vague", "claim", "vague"]


def ranked(by: str, proba, second=None) -> Ranking:
    limits = np.array((0.5, 0.2))
    models = [(np.array(one, float), limits) for one in (proba, second) if one is not None]
    return picking.rankings(by, models, SIGNALS)[by]


@pytest.mark.parametrize(
    ("by", "proba", "second", "order", "signals"),
    [
        ("uncertainty", [[0.5, 0.9], [0.9, 0.2], [0.9, 0.5]], None, [0, 1, 2], ["claim", "vague"]),
        ("disagreement", [[0.9, 0.1], [0.9, 0.1]], [[0.9, 0.1], [0.1, 0.1]], [1, 0], ["claim"]),
        ("rare", [[0.9, 0.01], [0.8, 0.3], [0.7, 0.02]], None, [1, 2, 0], ["vague", "vague"]),
        ("rare", [[0.9, 0.5], [0.4, 0.8]], None, [0, 1], ["claim", "vague"]),  # none is rare
        ("rare", [[0.3, 0], [0.2, 0.1], [0.1, 0.2], [0, 0.3]], None, [0, 3, 1, 2], TURNS),
    ],
)
def test_a_method_takes_what_is_worth_most(by, proba, second, order, signals) -> None:
    found = ranked(by, proba, second)
    assert found.order.tolist() == order
    taken = [str(found.signals[row]).removesuffix("_source") for row in order]
    assert taken[: len(signals)] == signals


def at_random(n: int, seed: int = 0) -> dict[str, Ranking]:
    return {"random": Ranking.of(np.random.default_rng(seed).random((n, 1)), ())}


def texts_of(n: int) -> list[str]:
    return [f"Sentence number {at} tells of ferry {at} and of harbour {at}" for at in range(n)]


def chosen(outlets: str, n: int, seed: int = 0, share: float | None = None) -> Counter[str]:
    size = len(outlets)
    picks = choose(at_random(size, seed), n, outlets, range(size), texts_of(size), (), share)
    assert len({one.row for one in picks}) == len(picks)
    return Counter(outlets[one.row] for one in picks)


@given(st.text("abc", min_size=1, max_size=60), st.integers(1, 40), st.integers(0, 3))
def test_shares_are_kept(outlets, n, seed) -> None:
    counts = chosen(outlets, n, seed)
    cap = int(np.ceil(n / len(set(outlets)) - 1e-9))  # equal shares of up to five outlets
    assert all(count <= cap for count in counts.values())
    # Fewer than n only where every outlet has all that it may.
    if counts.total() < n:
        assert counts == {name: min(size, cap) for name, size in Counter(outlets).items()}


def test_no_outlet_crowds_the_others_out() -> None:
    outlets = "a" * 300 + "b" * 40 + "c" * 40 + "d" * 40 + "e" * 40 + "f" * 40
    counts = chosen(outlets, 50)
    assert counts["a"] == 10
    assert min(counts.values()) >= 7
    assert counts.total() == 50
    assert set(chosen(outlets, 50, share=0.04).values()) == {2}


def test_methods_take_turns_and_an_article_gives_five_sentences() -> None:
    up, down = np.arange(6.0)[:, None], -np.arange(6.0)[:, None]
    both = {"up": Ranking.of(up, ()), "down": Ranking.of(down, ())}
    found = choose(both, 4, "aaaaaa", range(6), texts_of(6))
    assert [(one.row, one.by) for one in found] == [(5, "up"), (0, "down"), (4, "up"), (1, "down")]
    assert (found[0].score, found[0].signal) == (5, None)
    articles = ["one"] * 15 + list("abcde")
    found = choose(at_random(20), 9, "a" * 20, articles, texts_of(20))
    assert Counter(articles[one.row] for one in found)["one"] == 5


LONG = "The council of Karst voted nine to four on Friday to keep the old ferry for another year"


def test_what_is_nearly_the_same_is_taken_once() -> None:
    other = "Nobody in Vesk asked for a reservoir of that size, and nobody has said who did then"
    texts = [LONG, LONG + " ago", other, LONG.upper() + "!", "Short one here.", "short one, here"]
    found = {one.row for one in choose(at_random(6), 6, "a" * 6, range(6), texts)}
    assert len(found) == 3
    assert 2 in found
    labelled = [LONG, "Short one here!"]
    found = {one.row for one in choose(at_random(6), 6, "a" * 6, range(6), texts, labelled)}
    assert found == {2}


def typed(*words: object):
    return CliRunner().invoke(app, ["pick", *map(str, words)])


def refused(out: Path, *words: object) -> str:
    result = typed(*words, "--output", out)
    assert isinstance(result.exception, FramescopeError), result.output
    assert not out.exists()
    assert "\n" not in str(result.exception)
    return str(result.exception)


def picked(path: Path) -> list[tuple[dict, dict]]:
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(one, s) for one in records for s in one["sentences"] if "picked" in s]


def words(path: Path) -> set[str]:
    return {one["text"][s["start"] : s["end"]] for one, s in picked(path)}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("picking") / "RUN"
    small_runs.write(path)
    return path


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "picked.jsonl"


def test_a_run_is_picked_of(run, out) -> None:
    result = typed(run, "--n", 10, "--by", "uncertainty", "--output", out)
    assert result.exit_code == 0, result.stderr
    found = picked(out)
    assert len(found) in (9, 10)  # what two outlets print counts for one of them
    assert len(words(out)) == len(found)
    assert small_runs.FURNITURE not in words(out)
    assert {sentence["picked"]["by"] for _, sentence in found} == {"uncertainty"}
    outlets = Counter(record["outlet"] for record, _ in found)
    assert max(outlets.values()) <= 2  # of five outlets, a fifth each
    assert "uncertainty" in result.stderr
    for record, sentence in found:
        assert sentence["picked"]["signal"] in sentence["scores"]
        limits = record["report"]["thresholds"]
        over = [name for name, score in sentence["scores"].items() if score >= limits[name]]
        assert sentence["flags"] == over
    others = [s for record, _ in found for s in record["sentences"] if "picked" not in s]
    assert others
    assert not any("scores" in one or "flags" in one for one in others)
    # What is written is read as labels are, and holds none.
    articles = list(read_exchange(out))
    assert all(not unit.labels and unit.voice is None for one in articles for unit in one.units)


def test_the_same_seed_picks_the_same_for_one_signal_if_asked(run, out) -> None:
    found = []
    for seed in (1, 1, 2):
        typed(run, "-n", 8, "--by", "random", "--seed", seed, "-o", out, "--overwrite")
        found.append(out.read_bytes())
    assert found[0] == found[1] != found[2]
    signal = ("--by", "rare", "--signal", "vague_source")
    typed(run, "-n", 6, *signal, "-o", out, "--overwrite")
    assert {sentence["picked"]["signal"] for _, sentence in picked(out)} == {"vague_source"}
    assert set(picked(out)[0][1]["scores"]) == {"vague_source"}
    assert "Observers expect worse." in words(out)


def test_what_was_picked_or_labelled_before_is_not_picked_again(run, tmp_path, out) -> None:
    before = tmp_path / "before.jsonl"
    typed(run, "-n", 8, "--by", "uncertainty", "-o", before)
    typed(run, "-n", 8, "--by", "uncertainty", "--not-in", before, "-o", out)
    assert not words(before) & words(out)
    text = "Everybody in Karst knows that the money was stolen. It rained in Orrin on day 3."
    units = [{"start": 0, "end": 51, "labels": {"claim": 1}}, {"start": 52, "end": 80}]
    before.write_text(json.dumps({"id": "x", "text": text, "sentences": units}) + "\n")
    everything = (run, "-n", 5000, "--per-outlet", 1, "--by", "random")
    result = typed(*everything, "--not-in", before, "-o", out, "--overwrite")
    assert text[:51] not in words(out)
    assert text[52:] in words(out)
    assert f"only {len(words(out))} of 5,000 sentences are picked" in result.stderr
    typed(*everything, "-o", before, "--overwrite")
    reason = refused(tmp_path / "p.jsonl", run, "--by", "random", "--not-in", before)
    assert "every sentence is labelled or picked already" in reason


def test_sentences_of_a_run_stand_where_they_stood(run) -> None:
    known = {one.article.id: one for one in small_runs.reports()}
    candidates = of_run(run, None)
    assert len(candidates.articles) == len(known) - 1  # one was not scored
    for article in candidates.articles:
        report = known[article.id]
        assert article.text == report.article.text
        places = [(sentence.start, sentence.end) for sentence in report.sentences]
        assert [(unit.start, unit.end) for unit in article.units] == places


def test_of_very_many_articles_some_are_drawn(run, monkeypatch, capsys) -> None:
    monkeypatch.setattr("framescope.training.picking.MOST", 40)
    found = [of_run(run, None, seed) for seed in (3, 3, 4)]
    ids = [[article.id for article in one.articles] for one in found]
    assert ids[0] == ids[1] != ids[2]
    assert sum(len(article.units) for article in found[0].articles) <= 40
    assert len(set(found[0].outlets)) == 5  # the outlets by turns
    assert "sampled" in capsys.readouterr().err


def test_articles_of_one_name_are_told_apart(tmp_path, out) -> None:
    texts = ("A quiet morning in Orrin.", "A loud evening in Vesk.")
    two = [small_runs.report("same", [Said(text, ("claim",))]) for text in texts]
    small_runs.write(tmp_path / "RUN", articles=two)
    typed(tmp_path / "RUN", "-n", 2, "--by", "random", "-o", out)
    assert sorted(record["id"] for record, _ in picked(out)) == ["same", "same-2"]


TEXT = (
    "Observers say the ferry of Orrin may close. The council met on Tuesday to talk about it. "
    "What a vile scheme, this harbour! Repairs will cost 900 crowns and nobody has them. "
    "The wicked men behind the mill of Karst took the money. No."
)


def test_files_are_scored_and_picked_of(small_bundle, tmp_path, out) -> None:
    paths = [tmp_path / f"{name}.txt" for name in "ab"]
    for path in paths:
        path.write_text(TEXT.replace("Orrin", f"Orrin {path.stem}"), encoding="utf-8")
    result = typed(*paths, "-n", 3, "--by", "rare", "-m", small_bundle, "-o", out)
    assert result.exit_code == 0, result.stderr
    assert len(picked(out)) == 3
    assert "No." not in words(out)
    assert picked(out)[0][0]["report"]["model"] == "by-hand"
    named = {**toys.MANIFEST_BY_HAND, "name": "other"}
    bundles.write(tmp_path / "other", named, "# Other\n", toys.save_by_hand)
    given = (*paths, "-n", 4, "--by", "disagreement", "-m", small_bundle, "-o", out, "--overwrite")
    assert typed(*given, "--second", tmp_path / "other").exit_code == 0
    assert {sentence["picked"]["by"] for _, sentence in picked(out)} == {"disagreement"}
    assert "is the first model too" in str(typed(*given, "--second", small_bundle).exception)


def test_what_has_labels_in_a_file_is_left_out(small_bundle, tmp_path, out) -> None:
    units = [{"start": 0, "end": 43, "labels": {"vague_source": 1}}, {"start": 44, "end": 88}]
    line = json.dumps({"id": "x", "text": TEXT, "sentences": units, "labels": {"hyperpartisan": 1}})
    path = tmp_path / "mine.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    assert typed(path, "-n", 9, "--by", "random", "-m", small_bundle, "-o", out).exit_code == 0
    assert words(out) == {TEXT[44:88]}
    record = json.loads(out.read_text(encoding="utf-8"))
    assert record["labels"] == record["sentences"][0]["labels"] == {}


def test_a_run_that_can_t_be_read(run, tmp_path, out) -> None:
    small_runs.write(tmp_path / "OPEN", finished=False)
    assert "not finished; resume it: framescope batch" in refused(out, tmp_path / "OPEN")
    shutil.copytree(run, tmp_path / "HOLED")
    (tmp_path / "HOLED" / "parts" / "000001" / "sentences.parquet").unlink()
    assert "sentences.parquet is missing" in refused(out, tmp_path / "HOLED")
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
        (("--second", "nowhere"), "nowhere"),
        (("another.txt",), "is a run; pick from it alone"),
    ],
)
def test_options_that_don_t_go(run, out, options, what) -> None:
    assert what in refused(out, run, *options)
