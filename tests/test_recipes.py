"""Recipes: what a file says, what it extends, and one clear line where it is wrong."""

import json
import tomllib
from pathlib import Path

import pytest
from framescope.classifier import bundles
from framescope.classifier.errors import TrainingError
from framescope.training import recipes
from framescope.training.corpora import ENGLISH
from framescope.training.recipes import Recipe, TransformerSettings, read_recipe
from framescope.training.transformer import is_base_size
from pages_of_docs import ROOT, fenced
from typer.testing import CliRunner

LATER = {"patience"}  # a setting that the shipped bundles' manifests don't have


def written(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def read(folder: Path, text: str) -> Recipe:
    return read_recipe(str(written(folder, text)))


def test_the_shipped_bundle_was_made_by_a_recipe_that_ships() -> None:
    recipe = read_recipe("renewed")
    assert set(recipe.corpora) == set(ENGLISH)
    assert recipe.needs_folder
    manifest = json.loads((bundles.resolve("transformer") / "manifest.json").read_text())
    card = manifest["settings"]
    ours = recipe.settings.model_dump(exclude={"seed", *LATER})
    assert ours == {name: card[name] for name in ours}
    taught = recipe.teaching.model_dump(exclude={"start_share", *LATER})
    assert taught == {name: card["teacher"]["settings"][name] for name in taught}


def test_a_file_says_what_it_says_and_the_rest_are_defaults(tmp_path) -> None:
    text = 'corpora = ["house"]\nseed = 4\n[transformer]\ndropout = 0.1\n'
    found = read_recipe(str(written(tmp_path, text, "my recipe (2).toml")))
    assert (found.name, found.corpora, found.needs_folder) == ("my-recipe-2", ["house"], False)
    assert found.settings == TransformerSettings(dropout=0.1, seed=4)


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
    assert (found.settings.epochs, found.settings.learning_rate) == (1, 5e-5)
    assert found.baseline == recipes.BaselineSettings(folds=4)
    assert found.meaning == ""  # which is the other recipe's


def test_paths_are_from_the_folder_of_the_file(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, 'extends = "../base.toml"\nseed = 2\n', "deep/middle.toml")
    written(tmp_path, 'extends = "house"\nencoder = "small"\nseed = 1\n', "base.toml")
    written(
        tmp_path,
        'extends = "../deep/middle.toml"\n[teacher]\nencoder = "large"\nfolder = "kept"\n'
        'texts = ["a.jsonl", "/b.jsonl"]\nsentences = 7\n[teacher.settings]\nepochs = 2\n',
        "recipes/mine.toml",
    )
    found = read_recipe("recipes/mine.toml")
    assert (found.seed, found.encoder.resolve()) == (2, tmp_path.resolve() / "small")
    teacher = {"encoder": "recipes/large", "folder": "recipes/kept", "sentences": 7}
    texts = ["recipes/a.jsonl", "/b.jsonl"]
    assert found.teacher == recipes.TeacherRecipe(
        **teacher, texts=texts, settings=TransformerSettings(epochs=2)
    )
    mixed = {"shares": found.shares, "weights": found.weights}
    assert found.teaching == TransformerSettings(**{**recipes.TEACHING, "epochs": 2, **mixed})
    again = read_recipe(str(written(tmp_path, found.to_toml(), "again.toml")))
    assert again.to_record() == found.to_record()


def test_an_encoder_of_base_size_has_rates_of_its_own_unless_the_recipe_does(tmp_path) -> None:
    path = tmp_path / "config.json"
    for width, base in ((384, False), (768, True)):
        path.write_text(json.dumps({"hidden_size": width}))
        assert is_base_size(tmp_path) is base
    usual = read_recipe("default").for_base_size().settings
    assert (usual.learning_rate, usual.head_learning_rate) == (3e-5, 1e-3)
    written(tmp_path, 'extends = "default"\n[transformer]\nlearning_rate = 1e-5\n', "mine.toml")
    mine = read_recipe(str(tmp_path / "mine.toml")).for_base_size().settings
    assert (mine.learning_rate, mine.head_learning_rate) == (1e-5, 1e-3)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("epoch = 3", ", line 1: unknown field 'epoch'; did you mean 'epochs'?"),
        ("[transformer]\n\nlearning_rte = 1", ", line 3: unknown field 'transformer.learning_rte'"),
        ("epochs = '3'", ", line 1: epochs: must be a whole number, not \"3\""),
        ("epochs = 0", "epochs: must be at least 1, not 0"),
        ("corpora = []", "corpora: must have at least 1 entries, not []"),
        ("corpora = ['huose']", ": unknown corpus 'huose'; known: ptc, "),
        ("[shares]\npct = 2", ", line 2: unknown corpus 'pct'"),
        ("[shares]\nptc = nan", "shares.ptc: must be a finite number, not NaN"),
        ("[weights]\nclame = 2", ", line 2: unknown signal 'clame'; did you mean claim"),
        ("[transformer]\ndropout = 1.5", "transformer.dropout: must be at most 1.0, not 1.5"),
        ("[baseline]\nmixes = ['word']", "baseline.mixes.0: must be one of words, "),
        ("epochs = 1\nepochs = 2", ": not TOML ("),
        ("epochs = 3", ": names no corpora; add: corpora = "),
        ("extends = 'house'\n[teacher]\nsentences = 3", ": [teacher] names no encoder; add: "),
        ("extends = 'hous'", "extends = \"hous\": no recipe 'hous'; did you mean house?"),
        ("extends = 'none.toml'", "none.toml: no such file; give a TOML file"),
        ("extends = 'mine.toml'", ": extends itself"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_one_line(tmp_path, text, reason) -> None:
    path = written(tmp_path, text)
    with pytest.raises(TrainingError) as raised:
        read_recipe(str(path))
    message = str(raised.value)
    assert message.startswith(str(path) if "extends = '" not in text else "")
    assert reason in message
    assert "\n" not in message


def test_what_is_no_file_is_one_line(tmp_path) -> None:
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"meaning = '\xe9'\n")
    for name, reason in (
        ("hosue", "no recipe 'hosue'; did you mean house? give default, finetune, house, "),
        ("desk", "the recipe 'desk' is named 'finetune' now; give that name"),
        (str(tmp_path / "none.toml"), "none.toml: no such file; give a TOML file"),
        (str(tmp_path), "can't be read (Is a directory)"),
        (str(latin), "latin.toml: not UTF-8"),
        ("a\0b", "no recipe"),
    ):
        with pytest.raises(TrainingError) as raised:
            read_recipe(name)
        assert reason in str(raised.value)
        assert "\n" not in str(raised.value)


def test_the_example_of_the_docs_is_one(tmp_path) -> None:
    (example,) = fenced(ROOT / "docs" / "training.md", "toml")
    assert read(tmp_path, example).settings.learning_rate == 5e-5


def test_a_recipe_is_shown_with_all_it_says(tmp_path) -> None:
    pytest.importorskip("torch")
    from framescope.training.commands.train import app

    mine = written(tmp_path, 'extends = "house"\nepochs = 2\n')
    shown = CliRunner().invoke(app, ["recipe", str(mine)])
    assert shown.exit_code == 0
    assert tomllib.loads(shown.output) == read_recipe(str(mine)).to_record()
    assert tomllib.loads(shown.output)["epochs"] == 2
