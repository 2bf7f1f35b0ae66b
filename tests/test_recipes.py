from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages_of_docs import ROOT, fenced
from typer.testing import CliRunner

pytest.importorskip("torch")

from framescope.classifier import bundles
from framescope.classifier.errors import TrainingError
from framescope.training.commands.train import app
from framescope.training.corpora import KNOWN, SHIPPED
from framescope.training.recipes import Recipe, TeacherRecipe, read_recipe
from framescope.training.recipes.keys import dotted, known, nearest
from framescope.training.recipes.reading import shipped as shipped_recipes
from framescope.training.transformer.run import Settings
from framescope.training.transformer.teacher import TEACHING

# What a card held before a field was there.
LATER = {"patience"}


def written(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def read(folder: Path, text: str) -> Recipe:
    return read_recipe(str(written(folder, text)))


def refused(folder: Path, text: str) -> str:
    path = written(folder, text)
    with pytest.raises(TrainingError) as raised:
        read_recipe(str(path))
    message = str(raised.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


# --- those that ship ------------------------------------------------------------------------------


def test_those_that_ship_say_what_they_mean() -> None:
    assert list(shipped_recipes()) == ["default", "desk", "house"]
    assert all(shipped_recipes().values())


def test_the_default_is_what_the_shipped_bundle_was_made_by() -> None:
    recipe = read_recipe("default")
    assert set(recipe.corpora) == set(KNOWN)
    assert recipe.needs_folder
    manifest = json.loads((bundles.default_path("transformer") / "manifest.json").read_text())
    card = manifest["settings"]
    ours = asdict(recipe.settings)
    assert {n: v for n, v in ours.items() if n not in {"seed", *LATER}} == {
        n: v for n, v in card.items() if n in ours.keys() - {"seed"}
    }
    taught = {n: v for n, v in asdict(recipe.teaching).items() if n not in LATER}
    assert taught == {n: v for n, v in card["teacher"]["settings"].items() if n in taught}


def test_house_needs_no_folder_and_differs_in_nothing_but_rows_and_epochs() -> None:
    default, house = read_recipe("default"), read_recipe("house")
    assert house.corpora == list(SHIPPED)
    assert not house.needs_folder
    assert replace(house.settings, epochs=default.settings.epochs) == default.settings
    assert house.settings.epochs > default.settings.epochs
    assert house.meaning != default.meaning


# --- a file ---------------------------------------------------------------------------------------


def test_a_file_says_what_it_says_and_the_rest_are_defaults(tmp_path) -> None:
    found = read(tmp_path, 'corpora = ["house"]\nseed = 4\n[transformer]\ndropout = 0.1\n')
    assert found == Recipe("mine", ["house"], seed=4, transformer={"dropout": 0.1})
    assert found.settings == Settings(dropout=0.1, seed=4)


def test_a_recipe_is_named_after_its_file_or_by_itself(tmp_path) -> None:
    base = written(tmp_path, 'extends = "house"\nname = "ours"\n', "base.toml")
    odd = written(tmp_path, 'extends = "base.toml"\n', "my recipe (2).toml")
    assert read_recipe(str(base)).name == "ours"
    assert read_recipe(str(odd)).name == "my-recipe-2"
    again = written(tmp_path, read_recipe(str(odd)).to_toml(), "recipe.toml")
    assert read_recipe(str(again)).name == "my-recipe-2"
    assert 'name is "a b"; it must be a name of letters' in refused(tmp_path, 'name = "a b"')


def test_a_file_extends_key_by_key(tmp_path) -> None:
    found = read(
        tmp_path,
        'extends = "default"\nepochs = 1\n[shares]\nptc = 2\n[weights]\nclaim = 0.25\n'
        "[transformer]\nlearning_rate = 5e-5\n[baseline]\nfolds = 4\n",
    )
    default = read_recipe("default")
    assert found.corpora == default.corpora
    assert found.shares == {**default.shares, "ptc": 2}
    assert found.weights == {**default.weights, "claim": 0.25}
    assert found.settings.epochs == 1
    assert found.settings.learning_rate == 5e-5
    assert found.baseline == {"folds": 4}
    assert found.meaning == ""  # which is another's


def test_files_extend_files_from_where_they_lie(tmp_path) -> None:
    written(tmp_path, 'extends = "../base.toml"\nseed = 2\n', "deep/middle.toml")
    written(tmp_path, 'extends = "house"\nencoder = "weights"\nseed = 1\n', "base.toml")
    found = read(tmp_path, 'extends = "deep/middle.toml"\nepochs = 9\n')
    assert (found.seed, found.epochs, found.corpora) == (2, 9, ["house"])
    assert found.encoder is not None
    assert found.encoder.resolve() == tmp_path.resolve() / "weights"


def test_paths_are_from_the_folder_of_the_file(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    written(
        tmp_path,
        'extends = "house"\nencoder = "small"\n[teacher]\nencoder = "large"\n'
        'texts = ["a.jsonl", "/b.jsonl"]\nsentences = 7\n[teacher.settings]\nepochs = 2\n',
        "recipes/mine.toml",
    )
    found = read_recipe("recipes/mine.toml")
    assert found.encoder == Path("recipes/small")
    assert found.teacher == TeacherRecipe(
        Path("recipes/large"), (Path("recipes/a.jsonl"), Path("/b.jsonl")), 7, {"epochs": 2}
    )
    assert found.teaching == Settings(
        **{**TEACHING, "epochs": 2, "shares": found.shares, "weights": found.weights}
    )


def test_what_a_run_resolved_makes_the_same_again(tmp_path) -> None:
    for name in shipped_recipes():
        recipe = read_recipe(name).changed(seed=7, encoder=tmp_path / "encoder")
        again = read(tmp_path, recipe.to_toml())
        assert again.to_record() == recipe.to_record()
        assert again.settings == recipe.settings


NUMBERS = st.floats(0, 10, allow_nan=False)


@given(
    st.dictionaries(st.sampled_from(KNOWN), NUMBERS),
    st.dictionaries(st.sampled_from(("claim", "doubt", "quoted")), NUMBERS),
    st.integers(0, 2**32 - 1),
    st.integers(1, 90),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(str.strip),
)
def test_whatever_it_says_is_read_back(shares, weights, seed, epochs, meaning) -> None:
    recipe = Recipe("r", ["house"], meaning, None, epochs, seed, 3, shares, weights)
    found = tomllib.loads(recipe.to_toml())
    assert found["meaning"] == meaning
    assert (found["seed"], found["epochs"]) == (seed, epochs)
    assert found.get("shares", {}) == shares
    assert found.get("weights", {}) == weights


# --- what is wrong is one line --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("epoch = 3", ", line 1: unknown key 'epoch'; did you mean 'epochs'?"),
        ("corpora = ['house']\nlearning_rate = 1", ", line 2: unknown key 'learning_rate'; did you "
         "mean 'transformer.learning_rate'?"),
        ("[transformer]\n\nlearning_rte = 1", ", line 3: unknown key 'transformer.learning_rte'; "
         "did you mean 'transformer.learning_rate'?"),
        ("[transformer]\nepochs = 1", "'transformer.epochs'; did you mean 'epochs'?"),
        ("[baseline]\nfold = 2", "did you mean 'baseline.folds'?"),
        ("[teacher]\nfolder = 'x'", "unknown key 'teacher.folder'; did you mean "),
        ("[teacher.settings]\nepoch = 1", "did you mean 'teacher.settings.epochs'?"),
        ("[tranformer]\ndropout = 0", ", line 1: unknown key 'tranformer'; did you mean "
         "'transformer'?"),
        ("epochs = '3'", ", line 1: epochs is \"3\"; it must be a whole number, at least 1"),
        ("epochs = 0", "epochs is 0; it must be a whole number, at least 1"),
        ("epochs = 2.5", "epochs is 2.5; it must be a whole number"),
        ("epochs = true", "epochs is true; it must be a whole number"),
        ("seed = -1", "seed is -1; it must be a whole number from 0 to"),
        ("split_seed = 4294967296", "split_seed is 4294967296; it must be a whole number from 0"),
        ("corpora = []", "corpora is []; it must be a list of names"),
        ("corpora = 'house'", "corpora is \"house\"; it must be a list of names"),
        ("corpora = ['house', 'house']", "it must be a list of names, each once"),
        ("corpora = ['huose']", "unknown corpus 'huose'; did you mean 'house'? Known: ptc, "),
        ("corpora = ['added']", "unknown corpus 'added'"),
        ("[shares]\npct = 2", ", line 2: shares: unknown corpus 'pct'; did you mean 'ptc'?"),
        ("[shares]\nptc = -1", "shares is {\"ptc\": -1}; it must be a table of names and numbers"),
        ("[shares]\nptc = nan", "it must be a table of names and numbers, none negative"),
        ("shares = 2", "shares is 2; it must be a table"),
        ("[weights]\nclame = 2", ", line 2: weights: unknown signal 'clame'; did you mean claim"),
        ("transformer = 3", "transformer is 3; it must be a table"),
        ("[transformer]\nlearning_rate = inf", "it must be a number, not negative"),
        ("[transformer]\nlearning_rate = 2020-01-01", "is \"2020-01-01\"; it must be a number"),
        ("[transformer]\ncontext = 1", "transformer.context is 1; it must be true or false"),
        ("[transformer]\ndropout = 1.5", "it must be a number from 0 to 1"),
        ("[transformer]\nmax_tokens = 2", "it must be a whole number, at least 8"),
        ("[baseline]\nmixes = ['word']", "it must be a list of words, "),
        ("[baseline]\nstrengths = [0]", "it must be a list of numbers above 0"),
        ("[baseline]\nfolds = 1", "it must be a whole number, at least 2"),
        ("epochs = ", ": not TOML ("),
        ("epochs = 1\nepochs = 2", ": not TOML ("),
        ('{"epochs": 3}', ": not TOML ("),
        ("epochs = 3", ": names no corpora; add: corpora = "),
        ("extends = 'house'\n[teacher]\nsentences = 3", ": [teacher] names no encoder; add: "),
        ("extends = 'hous'", "extends = \"hous\": no recipe 'hous'; did you mean house?"),
        ("extends = 'none.toml'", "none.toml: no such file; give --recipe a TOML file"),
        ("extends = 'mine.toml'", ": extends itself"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_one_line(tmp_path, text, reason) -> None:
    assert reason in refused(tmp_path, text)


def test_what_is_no_file_is_one_line(tmp_path) -> None:
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"meaning = '\xe9'\n")
    for name, reason in (
        ("hosue", "no recipe 'hosue'; did you mean house? give default, desk, house, or the path"),
        (str(tmp_path / "none.toml"), "none.toml: no such file; give --recipe a TOML file"),
        (str(tmp_path), "can't be read (Is a directory)"),
        (str(latin), "latin.toml: not UTF-8"),
        ("a\0b", "no recipe"),
    ):
        with pytest.raises(TrainingError) as raised:
            read_recipe(name)
        assert reason in str(raised.value)
        assert "\n" not in str(raised.value)


@given(st.sampled_from(sorted(dotted(known()))), st.data())
def test_a_slip_of_one_letter_finds_its_key(name, data) -> None:
    table, _, key = name.rpartition(".")
    at = data.draw(st.integers(0, len(key) - 1))
    slipped = key[:at] + key[at + 1 :]
    if len(key) > 4 and slipped not in {n.rpartition(".")[2] for n in dotted(known())}:
        assert nearest(slipped, table) == name


def test_the_example_of_the_docs_is_one(tmp_path) -> None:
    (example,) = fenced(ROOT / "docs" / "framescope.training.md", "toml")
    assert read(tmp_path, example).settings.learning_rate == 5e-5


# --- the command ----------------------------------------------------------------------------------


def test_a_recipe_is_shown_with_all_it_says(tmp_path) -> None:
    mine = written(tmp_path, 'extends = "house"\nepochs = 2\n')
    shown = CliRunner().invoke(app, ["recipe", str(mine)])
    assert shown.exit_code == 0
    assert tomllib.loads(shown.output) == read_recipe(str(mine)).to_record()
    assert tomllib.loads(shown.output)["epochs"] == 2
