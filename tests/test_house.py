"""The house corpus as it is trained on: its groups, its recipe, and what models may read of it."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("datasets")


from framescope.classifier.errors import CorpusError
from framescope.classifier.outlets import Registry
from framescope.classifier.records import Article, Republication, Sentence, Unit, Voice
from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.eval.commands.judge import app as eval_app
from framescope.training.commands.corpora import app as corpora_app
from framescope.training.commands.labels import app as labels_app
from framescope.training.corpora import HOUSE_CARD as CARD
from framescope.training.corpora import SHIPPED, State, find_corpus, house_folder
from framescope.training.corpora import read_exchange as read
from framescope.training.data import (
    Data,
    assign_parts,
    build_examples,
    examples_of_articles,
    load_data,
)
from framescope.training.data.splits import UNSEEN_OUTLETS

HOUSE = house_folder()


@pytest.fixture(scope="module")
def written() -> list[Article]:
    return list(read(HOUSE / CARD.folder))


@pytest.fixture(scope="module")
def records() -> dict[str, dict]:
    lines = (
        line
        for path in sorted((HOUSE / CARD.folder).glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").split("\n")
        if line
    )
    return {record["id"]: record for record in map(json.loads, lines)}


@pytest.fixture(scope="module")
def data() -> Data:
    """What the recipe of what ships trains on, with no folder of corpora anywhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("FRAMESCOPE_CORPORA", raising=False)
        return load_data(None, None, 13, corpora=SHIPPED)


# --- groups ---------------------------------------------------------------------------------------


def test_one_event_is_never_split(data) -> None:
    parts: Mapping[str, set[str]] = defaultdict(set)
    for group, part in zip(data.examples.group, data.examples.part, strict=True):
        if part != "removed":
            parts[group].add(part)
    assert len(parts) >= 20
    assert all(len(found) == 1 for found in parts.values())

    for seed in (1, 2, 3):
        split = assign_parts(data.examples, seed)
        for event in set(split.examples.group):
            assert len(set(split.examples.part[split.examples.group == event]) - {"removed"}) <= 1


def test_both_sides_of_a_pair_are_in_one_part(data, records) -> None:
    part_of = dict(zip(data.examples.article, data.examples.part, strict=True))
    pairs: Mapping[str, set[str]] = defaultdict(set)
    for identifier, record in records.items():
        for sentence in record["sentences"]:
            if "pair" in sentence:
                pairs[sentence["pair"]].add(part_of[f"house/{identifier}"])
    assert pairs
    assert all(len(found - {"removed"}) <= 1 for found in pairs.values())


def test_a_region_is_kept_back_whole(data, records) -> None:
    outlets = UNSEEN_OUTLETS["house"]
    worlds = {r["world"] for r in records.values() if r["outlet"] in outlets}
    assert len(worlds) == 1
    inside = {f"house/{name}" for name, r in records.items() if r["world"] in worlds}
    unseen = data.part("unseen_outlet")
    assert set(unseen.article) == inside
    assert {r["outlet"] for r in records.values() if r["world"] in worlds} == outlets


def test_every_part_holds_every_sourcing_signal(data) -> None:
    for part in ("train", "validation", "test", "unseen_outlet"):
        rows = data.part(part)
        for signal in ("content", "claim", "named_source", "unsourced_assertion", "quoted"):
            known = rows.column(signal)[~np.isnan(rows.column(signal))]
            assert {0.0, 1.0} == set(known), (part, signal)


# --- the recipe -----------------------------------------------------------------------------------


def test_the_recipe_needs_no_folder(data) -> None:
    assert data.corpora == ("house",)
    assert set(data.examples.corpus) == {"house"}
    assert data.digests == {"house": find_corpus("house").digest(HOUSE / CARD.folder)}
    assert data.held_out.keys() == {"house"}


def test_the_default_recipe_needs_one() -> None:
    with pytest.raises(CorpusError, match="corpus 'ptc' is missing; pass --corpora DIR"):
        load_data(None, None, 13)


def test_the_house_corpus_is_present_wherever_the_others_lie(tmp_path) -> None:
    for root in (None, tmp_path, tmp_path / "none"):
        assert find_corpus("house").state(root) is State.PRESENT
        assert find_corpus("house").place(root) == HOUSE / "articles"


@pytest.mark.slow
def test_what_the_whole_recipe_splits_is_what_one_corpus_of_it_is_trained_on(data) -> None:
    only = load_data(None, ["house"], 13, corpora=SHIPPED)
    assert (only.signature, only.held_out) == (data.signature, data.held_out)
    assert len(only.examples) == len(data.examples)


@pytest.mark.slow
def test_a_share_leaves_held_out_rows_and_takes_whole_articles(data) -> None:
    def learned(one: Data) -> set[str]:
        return set(one.part("train").article)

    half, fifth = (
        load_data(None, None, 13, corpora=SHIPPED, shares={"house": share}) for share in (0.5, 0.2)
    )
    assert learned(fifth) < learned(half) < learned(data)
    assert len(learned(half)) == pytest.approx(len(learned(data)) / 2, abs=1)
    for one in (half, fifth):
        assert one.held_out == data.held_out
        for part in ("validation", "test", "unseen_outlet"):
            assert len(one.part(part)) == len(data.part(part))
        rows = Counter(one.part("train").article)
        assert rows == {a: Counter(data.part("train").article)[a] for a in rows}


def test_a_corpus_that_the_recipe_does_not_take_is_refused() -> None:
    with pytest.raises(CorpusError, match="'babe' is not of the recipe; it has: house"):
        load_data(None, ["house", "babe"], 13, corpora=SHIPPED)


# --- what models read of it -----------------------------------------------------------------------


def sentences(article: Article) -> tuple[Sentence, ...]:
    return examples_of_articles("house", [article], Registry()).sentences


def test_voices_of_annotators_are_not_read() -> None:
    text = "The dam leaks. Ada Quill said that it holds."
    for voice in Voice:
        units = tuple(Unit(*where, {"claim": 1}, voice) for where in ((0, 14), (15, 44)))
        read = sentences(Article("a/1", text, units=units))
        assert [one.voice for one in read] == [Voice.OWN, Voice.OWN]


def test_a_republication_that_an_annotator_marked_is_not_read_as_one() -> None:
    text = "The dam leaks. It has leaked for years."
    units = (Unit(0, 14, {"claim": 1}), Unit(15, 39, {"claim": 1}))
    marked = Republication(0, len(text), "Vesk TV", "Vesk TV wrote:")
    plain = Article("a/1", text, units=units)
    assert sentences(replace(plain, republications=(marked,))) == sentences(plain)


def test_what_is_loaded_has_its_quotations_and_nobodys_voices(data) -> None:
    """Quotations are mostly what annotators call quoted, and not always: no label was read."""
    assert {s.voice for s in data.examples.sentences} == {Voice.OWN}
    quoted = data.examples.column("quoted")
    found = np.array([bool(s.quoted) for s in data.examples.sentences])
    known = ~np.isnan(quoted)
    agreed = np.mean(found[known] == (quoted[known] == 1))
    assert 0.8 < agreed < 1


def test_labels_of_sentences_and_of_articles_are_in_one_matrix(written) -> None:
    examples = build_examples(None, ["house"])
    assert set(examples.signals) == set(CARD.signals)
    article = next(a for a in written if a.labels)
    mine = examples.where(examples.article == f"house/{article.id}")
    for signal, label in article.labels.items():
        assert BY_NAME[signal].level is Level.ARTICLE
        assert set(mine.column(signal)) == {label}


def test_what_is_no_content_has_no_other_label_of_a_sentence(written) -> None:
    found = 0
    for article in written:
        for unit in article.units or ():
            if unit.labels["content"] == 0:
                found += 1
                assert (dict(unit.labels), unit.voice) == ({"content": 0.0}, None)
    assert found >= 100


@pytest.mark.xfail(strict=True, reason="north-election/08 has both")
def test_a_republished_article_leaves_quoted_and_reported_open(written) -> None:
    parts = 0
    for article in written:
        for part in article.republications:
            parts += 1
            for unit in article.units or ():
                if part.start <= unit.start and unit.end <= part.end:
                    assert not {"quoted", "reported"} & set(unit.labels)
    assert parts


# --- where it isn't beside the code: an installed package -----------------------------------------


@pytest.fixture
def installed(monkeypatch, tmp_path) -> Path:
    """As without a clone; what the option sets in this process is undone."""
    monkeypatch.setenv("FRAMESCOPE_HOUSE", str(tmp_path / "none"))
    monkeypatch.delenv("FRAMESCOPE_CORPORA", raising=False)
    return tmp_path


def test_without_the_corpus_the_gate_says_in_one_line_how_to_name_it(installed) -> None:
    result = CliRunner().invoke(eval_app, ["gate", "baseline"])
    assert isinstance(result.exception, CorpusError)
    said = str(result.exception)
    assert "corpus 'house' is missing" in said
    assert "--house DIR or FRAMESCOPE_HOUSE" in said
    assert "\n" not in said


def test_the_list_says_so_too_and_finds_the_corpus_that_is_named(installed) -> None:
    listed = CliRunner().invoke(corpora_app, []).stdout
    assert re.search(r"house: to be put in .*--house DIR or FRAMESCOPE_HOUSE", listed)
    other = installed / "corpus"
    (other / "articles").mkdir(parents=True)
    shutil.copy(HOUSE / CARD.folder / "analysis.jsonl", other / "articles")
    result = CliRunner().invoke(corpora_app, ["--house", str(other), "--format", "json"])
    assert result.exit_code == 0, result.output
    (house,) = [one for one in json.loads(result.stdout)["corpora"] if one["name"] == "house"]
    assert house["state"] == "present"
    assert 0 < house["articles"] < 30


def test_a_folder_that_is_none_is_refused(installed) -> None:
    for app, options in ((eval_app, ["gate"]), (corpora_app, []), (labels_app, ["check"])):
        result = CliRunner().invoke(app, [*options, "--house", str(installed / "nowhere")])
        assert isinstance(result.exception, CorpusError)
        assert "nowhere: no such folder; give --house" in str(result.exception)
