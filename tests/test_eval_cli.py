"""The command `framescope eval`, on invented articles and models that read scores off the text."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from framescope.classifier import bundles, errors
from framescope.classifier.bundles import Bundle, text_digest
from framescope.classifier.errors import BundleError, FramescopeError, InputError, SignalError
from framescope.eval.commands import judge as cli
from framescope.training.data import assign_parts, examples_of_articles
from grids import article, labelled
from typer.testing import CliRunner


@pytest.fixture
def mine(tmp_path):
    return labelled(tmp_path / "mine.jsonl", range(20))


@pytest.fixture
def manifest_split(monkeypatch):
    """Stub bundles: `baseline` guesses, anything else reads; gives their record of the split."""
    split = {"seed": 13, "signature": "0" * 64, "held_out": {"exchange": "0" * 64}}

    def load(name):
        def predict(sentences):
            scores = [0.8 if s.text.startswith("The mill") else 0.3 for s in sentences]
            proba = np.array(scores, np.float32)[:, None]
            return SimpleNamespace(proba=np.full_like(proba, 0.3) if name == "baseline" else proba)

        manifest = {"name": str(name), "thresholds": {"claim": 0.5}, "languages": ["en"]}
        manifest |= {"split": split, "corpora": [{"name": "exchange"}]}
        model = SimpleNamespace(signals=("claim",), predict=predict)
        return Bundle(Path(name), manifest, model)

    monkeypatch.setattr(bundles, "load", load)
    monkeypatch.delenv("FRAMESCOPE_CORPORA", raising=False)
    return split


def run(*arguments: object) -> str:
    options = [str(argument) for argument in arguments]
    result = CliRunner().invoke(cli.app, ["--draws", "100", *options])
    if isinstance(result.exception, FramescopeError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


pytestmark = pytest.mark.usefixtures("manifest_split")


def record_of(*arguments: object) -> dict:
    return json.loads(run(*arguments, "--format", "json"))


def test_a_users_file_is_compared_as_json_with_every_row_tested(mine):
    words = ("--a", "x", "--b", "baseline", "--signal", "claim", "--seed", 7)
    record = record_of("--data", mine, *words)
    assert (record["a"]["name"], record["b"]["name"]) == ("x", "baseline")
    assert record["resampling"] == {"draws": 100, "seed": 7, "level": 0.95}
    (claim,) = record["rows"]
    sizes = [claim[name] for name in ("corpus", "part", "n", "n_groups")]
    assert sizes == ["mine.jsonl", "test", 59, 20]
    assert (claim["a"]["f1"], claim["b"]["f1"]) == (1, 0)
    between = claim["differences"]["f1"]
    assert (between["value"], between["low"], between["high"]) == (-1, -1, -1)
    assert between["p"] == pytest.approx(1 / 101)
    assert record["data"].startswith("files ")
    mine.write_text(mine.read_text().replace("ferry", "Ferry"))
    other = record_of("--data", mine)
    assert (other["a"]["name"], other["b"]["name"]) == ("baseline", "transformer")
    assert record["data"] != other["data"]


def test_articles_that_a_bundle_has_seen_are_refused_unless_allowed(mine, monkeypatch):
    monkeypatch.setattr(Bundle, "seen", frozenset([text_digest(article(3)["text"])]))
    with pytest.raises(InputError, match=r"mine\.jsonl: baseline .* 1 of the 20 .* --allow-seen"):
        run("--data", mine)
    run("--data", mine, "--allow-seen")


@pytest.fixture
def corpora(tmp_path, mine, monkeypatch, manifest_split):
    """A folder of corpora that reads as the invented articles, split for real."""
    from framescope.classifier.inputs import read_lines

    def build(root, names=None, *, registry=None):
        assert root == tmp_path
        with mine.open() as lines:
            found = iter(list(read_lines(lines, "mine")))
        return examples_of_articles("exchange", found, registry)

    monkeypatch.setattr("framescope.training.data.build_examples", build)
    monkeypatch.setattr("framescope.training.data.with_citations", lambda examples, *_: examples)
    split = assign_parts(build(tmp_path), seed=13)
    manifest_split["signature"] = split.signature
    manifest_split["held_out"] = split.held_out
    return tmp_path


def test_the_held_out_parts_of_the_corpora_are_compared_unless_others_are_named(
    corpora, monkeypatch
):
    record = record_of("--corpora", corpora)
    assert {row["part"] for row in record["rows"]} == {"test"}
    assert record["rows"][0]["n"] < 59
    assert record["data"].startswith("split ")
    monkeypatch.setenv("FRAMESCOPE_CORPORA", str(corpora))
    rows = record_of("--part", "validation")["rows"]
    assert {(row["corpus"], row["part"]) for row in rows} == {("exchange", "validation")}


OTHER = {"signature": "f" * 64, "held_out": {"exchange": "f" * 64}}


@pytest.mark.parametrize("record", [{}, {"seed": 14}, OTHER, {"held_out": {}}, {"seed": "13"}])
def test_a_bundle_of_another_split_or_none_is_refused_unless_allowed(
    corpora, manifest_split, record
):
    record = record and {**manifest_split, **record}
    manifest_split.clear()
    manifest_split.update(record)
    with pytest.raises(BundleError, match=r"baseline: trained on .*--allow-seen") as error:
        run("--corpora", corpora)
    assert "\n" not in str(error.value)
    allowed = record_of("--corpora", corpora, "--allow-seen")
    assert "not the split of transformer" in allowed["signature"]


LINES = "".join(json.dumps(article(n)) + "\n" for n in range(20))


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (None, InputError, r"mine\.jsonl: no such file"),
        (LINES + "{broken\n", errors.CorpusError, r"mine\.jsonl, line 21: not JSON"),
        (LINES + json.dumps(article(3)) + "\n", InputError, "two articles have the id '3'"),
        ('{"id": "a", "text": "The ferry left. It was late."}', SignalError, "nothing to compare"),
    ],
)
def test_a_bad_file_is_named_and_not_skipped(mine, content, error, words):
    mine.unlink() if content is None else mine.write_text(content)
    with pytest.raises(error, match=words):
        run("--data", mine)


@pytest.mark.parametrize("extra", [["--corpora", "."], ["--part", "test"]])
def test_options_of_corpora_do_not_go_with_a_file(mine, extra):
    with pytest.raises(InputError, match="leave out --corpora and --part"):
        run("--data", mine, *extra)
