"""The house corpus as it is trained on: its groups, its recipe, and what models may read of it."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("datasets")


from framescope.classifier.errors import CorpusError
from framescope.classifier.outlets import Registry
from framescope.classifier.records import Article, Republication, Sentence, Unit, Voice
from framescope.eval.commands.judge import app as eval_app
from framescope.training.commands.labelled import corpora_app, labels_app
from framescope.training.corpora import SHIPPED, house_folder
from framescope.training.corpora.articles import HOUSE_CARD as CARD
from framescope.training.data import Data, assign_parts, examples_of_articles, load_data
from framescope.training.data.splits import UNSEEN_OUTLETS

HOUSE = house_folder()


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


def test_one_event_is_never_split(data) -> None:
    assert len(set(data.examples.group)) >= 20
    for seed in (1, 2, 13):
        split = assign_parts(data.examples, seed)
        for event in set(split.examples.group):
            assert len(set(split.examples.part[split.examples.group == event]) - {"removed"}) <= 1


def test_a_region_is_kept_back_whole(data, records) -> None:
    outlets = UNSEEN_OUTLETS["house"]
    worlds = {r["world"] for r in records.values() if r["outlet"] in outlets}
    assert len(worlds) == 1
    inside = {f"house/{name}" for name, r in records.items() if r["world"] in worlds}
    assert set(data.part("unseen_outlet").article) == inside
    assert {r["outlet"] for r in records.values() if r["world"] in worlds} == outlets


def test_the_default_recipe_needs_one_and_a_corpus_that_another_does_not_take_is_refused() -> None:
    with pytest.raises(CorpusError, match="corpus 'ptc' is missing; pass --corpora DIR"):
        load_data(None, None, 13)
    with pytest.raises(CorpusError, match="'babe' is not of the recipe; it has: house"):
        load_data(None, ["house", "babe"], 13, corpora=SHIPPED)


def test_articles_in_other_languages_have_their_parts_without_the_originals(
    data, monkeypatch, tmp_path
) -> None:
    parts = dict(zip(data.examples.article.tolist(), data.examples.part.tolist(), strict=True))
    names = [name.removeprefix("house/") for name in list(parts)[::4]]
    shutil.copytree(HOUSE / CARD.folder, tmp_path / CARD.folder)
    (tmp_path / "languages").mkdir()
    versions = ({"id": f"uk/{name}", "text": "Дощ.", "lang": "uk", "labels": {}} for name in names)
    lines = "\n".join(map(json.dumps, versions))
    (tmp_path / "languages/uk.jsonl").write_text(lines, encoding="utf-8")
    monkeypatch.setenv("FRAMESCOPE_HOUSE", str(tmp_path))
    found = load_data(None, None, 13, corpora=["house_languages"]).examples
    own = dict(zip(found.article.tolist(), found.part.tolist(), strict=True))
    assert own == {f"house_languages/uk/{name}": parts[f"house/{name}"] for name in names}
    assert set(found.lang) == {"uk"}


def sentences(article: Article) -> tuple[Sentence, ...]:
    return examples_of_articles("house", [article], Registry()).sentences


@pytest.mark.slow
def test_voices_and_republications_that_annotators_marked_are_not_read() -> None:
    text = "The dam leaks. Ada Quill said that it holds."
    plain = Article("a/1", text, units=(Unit(0, 14, {"claim": 1}), Unit(15, 44, {"claim": 1})))
    expected = sentences(plain)
    assert [one.voice for one in expected] == [None, None]
    marked = Republication(0, len(text), "Vesk TV", "Vesk TV wrote:")
    assert sentences(replace(plain, republications=(marked,))) == expected
    for voice in Voice:
        units = tuple(replace(unit, voice=voice) for unit in plain.units or ())
        assert sentences(replace(plain, units=units)) == expected


@pytest.fixture
def installed(monkeypatch, tmp_path) -> Path:
    """As without a clone; what the option sets in this process is undone."""
    monkeypatch.setenv("FRAMESCOPE_HOUSE", str(tmp_path / "none"))
    monkeypatch.delenv("FRAMESCOPE_CORPORA", raising=False)
    return tmp_path


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
