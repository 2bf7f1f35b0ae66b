"""Heads beside a bundle: what they learn, what they leave alone, and how they are read."""

import random
from pathlib import Path

import numpy as np
import pytest
from framescope.classifier import bundles, taxonomy
from framescope.classifier.errors import TrainingError
from framescope.classifier.records import Sentence
from framescope.training import DEFAULT_SEED
from framescope.training.corpora.articles import HOUSE_ENVIRONMENT, house_folder
from framescope.training.data import load_data
from framescope.training.heads import FEWEST, add_heads
from labelled import record, written

OWN, KNOWN = "names_a_ferry", "biased_language"
WORDS = [f"{a}{b}{c}" for a in "bdfgklmn" for b in "aeiou" for c in ("rt", "lm", "sk", "nd", "p")]
TEXTS = (
    "The ferry of Orrin is late.",
    "The baker of Orrin is late.",
    "",
    "So TASS.",
    "So Reuters.",
)
NEW = [Sentence(text, 0, len(text), f"new-{n}", 0) for n, text in enumerate(TEXTS)]


def drawn(path: Path, articles: int = 14, word: str = "ferry") -> Path:
    """Articles of six sentences; two signals are 1 in the three where a word stands."""
    draw, lines = random.Random(3), []
    for number in range(articles):
        words = [draw.sample(WORDS, 8) for _ in range(6)]
        for at in draw.sample(range(6), 3):
            words[at][draw.randrange(8)] = word
        texts = [f"The {' '.join(one)}." for one in words]
        given = [(text, dict.fromkeys((OWN, KNOWN), float(word in text))) for text in texts]
        lines.append(record(str(number), *given))
    return written(path, *lines)


@pytest.fixture(scope="module", autouse=True)
def defined(tmp_path_factory):
    path = tmp_path_factory.mktemp("settings") / "signals.toml"
    path.write_text(f"[{OWN}]\nfamily='content'\nlevel='sentence'\nmeaning='names a ferry'\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(taxonomy.ENVIRONMENT, str(path))
        taxonomy.forget_own()
        yield
    taxonomy.forget_own()


@pytest.fixture(scope="module", params=["baseline", "transformer"])
def headed(request, tmp_path_factory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("heads")
    add_heads(request.param, [drawn(folder / "mine.jsonl")], folder / "mine", (), print)
    return request.param, folder / "mine"


def test_labelled_signals_are_learned_and_no_other_moves(headed) -> None:
    start, bundle = bundles.load(headed[0]), bundles.load(headed[1])
    before, after = start.model.predict(NEW), bundle.model.predict(NEW)
    assert set(bundle.signals) == {*start.signals, OWN}
    for column, signal in enumerate(start.signals):
        if signal != KNOWN:
            now = after.proba[:, bundle.signals.index(signal)]
            assert np.array_equal(now, before.proba[:, column])
    for signal in (OWN, KNOWN):
        ferry, baker, _, *named = after.proba[:, bundle.signals.index(signal)]
        assert ferry > baker
        assert named[0] == pytest.approx(named[1]), "whoever is named"
    assert len(bundle.domain.yes) == len(bundle.signals)


def test_evidence_of_a_head_is_the_words_that_it_learned(headed) -> None:
    model = bundles.load(headed[1]).model
    pairs = [(0, OWN), (1, "claim"), (0, KNOWN), (2, OWN)]
    of_own, _, of_known, nothing = model.predict(NEW).evidence(pairs)
    for spans in (of_own, of_known):
        assert any("ferry" in NEW[0].text[span.start : span.end] for span in spans)
    assert nothing == ()


def test_a_bundle_says_what_its_heads_were_fitted_on_and_what_it_was(headed) -> None:
    start, bundle = bundles.load(headed[0]), bundles.load(headed[1])
    (round_,) = bundle.manifest["heads"]
    assert len(bundle.seen - start.seen) == 14
    assert (round_["on"], set(round_["signals"])) == (start.digest, {OWN, KNOWN})
    record = round_["signals"][KNOWN]
    assert (record["sentences"], record["positives"], record["articles"]) == (84, 42, 14)
    was, now = (record["left_out"][key]["average precision"] for key in ("before", "now"))
    assert now > 0.9 > was
    assert bundle.manifest["before"]["thresholds"] == start.thresholds
    assert bundle.manifest["corpora"][-1]["name"] == "added"
    assert bundle.manifest["signal_definitions"].keys() == {OWN}


def test_a_head_continues_from_one_that_there_is(headed, tmp_path) -> None:
    again = tmp_path / "again"
    with (headed[1] / bundles.CARD).open("a") as card:
        card.write("\n## Calibrated again\n\nOn labels.\n")
    add_heads(headed[1], [drawn(tmp_path / "again.jsonl", word="lighthouse")], again, [OWN], print)
    assert (again / bundles.CARD).read_text().endswith("\n## Calibrated again\n\nOn labels.\n")
    first, second = bundles.load(headed[1]), bundles.load(again)
    assert [set(one["signals"]) for one in second.manifest["heads"]] == [{OWN, KNOWN}, {OWN}]
    assert second.manifest["before"] == first.manifest["before"]
    one, two = (bundle.model.predict(NEW) for bundle in (first, second))
    same = [signal != OWN for signal in first.signals]
    assert np.array_equal(one.proba[:, same], two.proba[:, same])
    assert not np.array_equal(one.proba, two.proba)
    assert two.evidence([(0, OWN)])[0]


def test_too_few_labels_are_left_out_or_refused(tmp_path, type_command) -> None:
    few = drawn(tmp_path / "few.jsonl", FEWEST // 3 - 1)
    told: list[str] = []
    with pytest.raises(TrainingError, match=r"few\.jsonl: too few labels of every signal"):
        add_heads("baseline", [few], tmp_path / "mine", (), told.append)
    assert len(told) == 2
    typed = type_command("train", "--from", "baseline", "--add", few, "--output", tmp_path / "mine")
    assert (typed.status, typed.out) == (2, "")
    assert not (tmp_path / "mine").exists()
    assert "give --output FOLDER" in type_command("train", "--add", few).err


def test_scores_stay_on_the_house_corpus(tmp_path, monkeypatch, type_command) -> None:
    mine, moved = drawn(tmp_path / "mine.jsonl"), []
    rows = load_data(None, None, DEFAULT_SEED, corpora=["house"]).part("test").sentences
    was = bundles.load("baseline").model.predict(rows).proba
    for number, folder in enumerate((house_folder(), tmp_path)):  # present, and missing
        monkeypatch.setenv(HOUSE_ENVIRONMENT, str(folder))
        output = tmp_path / str(number)
        words = ("--from", "baseline", "--add", mine, "--signal", KNOWN, "--output", output)
        typed = type_command("train", *words)
        assert typed.out.startswith(f"wrote {output}; score with it: framescope score")
        assert f"{KNOWN}, 42 of 84: on articles left out average precision" in typed.err
        moved.append(np.abs(bundles.load(output).model.predict(rows).proba - was).mean())
    assert moved[0] < moved[1] / 2
