"""Labels that stand off from texts of others, joined to small made-up collections."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from framescope.classifier.errors import CorpusError
from framescope.classifier.records.article import Article, Voice
from framescope.classifier.taxonomy import in_order
from framescope.training.commands.corpora import app
from framescope.training.corpora import standoff
from framescope.training.corpora.catalogue import find
from framescope.training.corpora.corpus import State
from framescope.training.data.rows import articles, load
from framescope.training.labels.checking import check_standoff
from typer.testing import CliRunner

TEXTS = {
    "tarn": {"t1": "The dam of Tarn holds. It is new.", "t2": "Nobody in Tarn was asked."},
    "vesk": {"v1": "The mill of Vesk burned.\n\nIts owner, Ada Quill, fled."},
}


def record(collection: str, article: str, text: str, **more: Any) -> dict[str, Any]:
    """Label the first five characters of a text, and the five that follow."""
    return {
        "collection": collection,
        "article": article,
        "digest": standoff.digest(text),
        "outlet": "Orvel Post",
        "date": "2031-05-06",
        "sentences": [
            {
                "start": start,
                "end": start + 5,
                "digest": standoff.digest(text[start : start + 5])[: standoff.SHORT],
                "voice": "own",
                "labels": {"content": 1, "claim": int(start > 0)},
            }
            for start in (0, 5)
        ],
        **more,
    }


@pytest.fixture
def records() -> list[dict[str, Any]]:
    """Labels in an order that is no collection's own."""
    return [
        record("tarn", "t2", TEXTS["tarn"]["t2"]),
        record("vesk", "v1", TEXTS["vesk"]["v1"]),
        record("tarn", "t1", TEXTS["tarn"]["t1"]),
    ]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, records) -> Path:
    """A folder with both collections, one text a file, and labels beside it."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "corpora"
    for name, texts in TEXTS.items():
        (folder / name).mkdir(parents=True)
        for key, text in texts.items():
            (folder / name / f"{key}.txt").write_text(text, encoding="utf-8")

    def collection(name: str) -> standoff.TextCollection:
        def read(root: Path) -> Iterator[tuple[str, str]]:
            for path in sorted((root / name).iterdir()):
                yield path.stem, path.read_text(encoding="utf-8")

        return standoff.TextCollection(lambda root: root / name, read, f"https://{name}.example")

    monkeypatch.setattr(standoff, "TEXTS", {name: collection(name) for name in TEXTS})
    labels(tmp_path, monkeypatch, *records)
    return folder


def labels(folder: Path, monkeypatch: pytest.MonkeyPatch, *records: dict[str, Any] | str) -> Path:
    """Write a file of labels of its own name: how many there are is remembered by name."""
    path = folder / f"labels-{len(list(folder.iterdir()))}.jsonl"
    lines = (r if isinstance(r, str) else json.dumps(r) for r in records)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    monkeypatch.setattr(standoff, "labels_file", lambda: path)
    return path


# Joining


def test_labels_come_with_their_text_in_the_order_of_the_labels(root) -> None:
    found = list(standoff.read(root))
    assert [a.id for a in found] == ["tarn/t2", "vesk/v1", "tarn/t1"]
    article = found[1]
    assert article.text == TEXTS["vesk"]["v1"]
    assert (article.outlet, article.date, article.lang) == ("Orvel Post", "2031-05-06", "en")
    first, second = article.units or ()
    assert article.text[first.start : first.end] == "The m"
    assert (first.voice, dict(second.labels)) == (Voice.OWN, {"content": 1.0, "claim": 1.0})


def test_all_texts_here_is_present(root) -> None:
    assert find("standoff").state(root) is State.PRESENT
    assert find("standoff").lacks(root) == []


def test_missing_texts_are_named_and_left_out(root) -> None:
    (root / "vesk/v1.txt").unlink()
    (root / "vesk").rmdir()
    assert find("standoff").state(root) is State.PARTIAL
    assert find("standoff").lacks(root) == [f"{root / 'vesk'} (1 articles; https://vesk.example)"]
    assert [a.id for a in standoff.read(root)] == ["tarn/t2", "tarn/t1"]
    assert [a.id for a in articles(load("standoff", root))] == ["tarn/t2", "tarn/t1"]


def test_no_text_at_all_is_missing(tmp_path, root) -> None:
    assert find("standoff").state(tmp_path / "cache") is State.MISSING
    assert find("standoff").state(None) is State.MISSING
    with pytest.raises(CorpusError, match=r"'standoff' is missing: .*tarn.*2 articles.*vesk"):
        load("standoff", tmp_path / "cache")
    with pytest.raises(CorpusError, match="--corpora DIR"):
        load("standoff", None)


def test_no_labels_is_missing(root, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(standoff, "labels_file", lambda: tmp_path / "none.jsonl")
    assert find("standoff").state(root) is State.MISSING
    assert find("standoff").lacks(root) == [str(tmp_path / "none.jsonl")]
    with pytest.raises(CorpusError, match="no stand-off labels there; restore the file"):
        list(standoff.read(root))


@pytest.mark.parametrize("change", ["It is newer.", "The dam of Tarn holds. It is new. "])
def test_another_text_is_an_error_that_names_it(root, change) -> None:
    (root / "tarn/t1.txt").write_text(change)
    with pytest.raises(CorpusError, match=r"another text than article 't1'.*tarn\.example"):
        list(standoff.read(root))


def test_a_collection_that_lacks_a_labelled_article_is_an_error(root) -> None:
    (root / "tarn/t2.txt").unlink()
    with pytest.raises(CorpusError, match="lacks article 't2'"):
        list(standoff.read(root))


def test_texts_that_nobody_labelled_are_not_read_out(root) -> None:
    (root / "tarn/t9.txt").write_text("Another one.")
    assert len(list(standoff.read(root))) == 3


def test_the_error_is_one_line_through_the_dataset_too(root) -> None:
    (root / "vesk/v1.txt").write_text("Another one.")
    with pytest.raises(CorpusError, match="another text than article 'v1'") as error:
        load("standoff", root)
    assert "\n" not in str(error.value)


def test_articles_survive_the_dataset(root) -> None:
    assert list(articles(load("standoff", root))) == list(standoff.read(root))


def test_changed_labels_are_read_again(root, tmp_path, monkeypatch, records) -> None:
    assert len(load("standoff", root)) == 3
    labels(tmp_path, monkeypatch, *records[:2])
    assert len(load("standoff", root)) == 2


def test_a_file_of_texts_counts_for_the_digest_and_a_folder_does_not(root, monkeypatch) -> None:
    corpus = find("standoff")
    before = corpus.digest(root)
    (root / "tarn/t1.txt").write_text("Other.")
    assert corpus.digest(root) == before, "its sentences have digests of their own"
    whole = standoff.TextCollection(lambda root: root / "tarn/t1.txt", lambda root: iter(()), "")
    monkeypatch.setattr(standoff, "TEXTS", {**standoff.TEXTS, "tarn": whole})
    assert corpus.digest(root) != before


# The file of labels


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{broken", "Expecting"),
        ("[]", "list indices"),
        ('{"collection": "orrin", "article": "1", "digest": ""}', "unknown collection 'orrin'"),
        ('{"collection": "tarn", "digest": ""}', "'article'"),
        ('{"collection": "tarn", "article": "1"}', "'digest'"),
    ],
)
def test_a_broken_line_is_named(root, tmp_path, monkeypatch, records, line, reason) -> None:
    path = labels(tmp_path, monkeypatch, records[0], line)
    with pytest.raises(CorpusError, match=r"line 2: no stand-off labels") as error:
        list(standoff.labels(path))
    assert reason in str(error.value)


@pytest.mark.parametrize(
    "sentence", [{"start": 0, "end": 999, "labels": {}}, {"start": 0, "end": 3, "labels": {"x": 1}}]
)
def test_labels_that_do_not_fit_their_text_name_the_article(root, records, sentence) -> None:
    records[0]["sentences"] = [sentence]
    with pytest.raises(CorpusError, match=r"^tarn/t2: ") as error:
        standoff.join(records[0], TEXTS["tarn"]["t2"])
    assert "\n" not in str(error.value)


def test_offsets_are_of_code_points() -> None:
    text = "Ça va — 🐟. Fin."
    (unit,) = (
        standoff.join(
            {**record("tarn", "t3", text), "sentences": [{"start": 11, "end": 15, "labels": {}}]},
            text,
        ).units
        or ()
    )
    assert text[unit.start : unit.end] == "Fin."


# Where the news collections lie


def test_news_collections_lie_in_the_folder_beside_it_or_where_the_environment_says(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.delenv(standoff.ENVIRONMENT, raising=False)
    folder = tmp_path / "corpora"
    folder.mkdir()
    assert standoff.articles_folder(folder) == tmp_path / "articles"
    (folder / "articles").mkdir()
    assert standoff.articles_folder(folder) == folder / "articles"
    monkeypatch.setenv(standoff.ENVIRONMENT, str(tmp_path / "elsewhere"))
    assert standoff.articles_folder(folder) == tmp_path / "elsewhere"


def test_news_beside_a_relative_folder_are_found(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv(standoff.ENVIRONMENT, raising=False)
    (tmp_path / "corpora").mkdir()
    monkeypatch.chdir(tmp_path / "corpora")
    assert standoff.articles_folder(Path()) == tmp_path / "articles"


# The list


def test_the_list_says_which_texts_are_missing(root) -> None:
    (root / "vesk/v1.txt").unlink()
    (root / "vesk").rmdir()
    result = CliRunner().invoke(app, ["--corpora", str(root)], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert "standoff: loaded without " in result.output
    assert "(1 articles; https://vesk.example)" in result.output
    listed = json.loads(
        CliRunner().invoke(app, ["--corpora", str(root), "--format", "json"]).output
    )
    (one,) = (one for one in listed["corpora"] if one["name"] == "standoff")
    assert (one["state"], one["articles"], one["sentences"]) == ("partial", 2, 4)
    assert len(one["lacks"]) == 1


# What ships


def shipped() -> list[dict[str, Any]]:
    return list(standoff.labels(standoff.labels_file()))


def test_no_text_ships_with_the_labels() -> None:
    for one in shipped():
        assert one.keys() <= {
            "collection", "article", "digest", "outlet", "date", "genre", "sentences",
            "republications",
        }  # fmt: skip
        for sentence in one["sentences"]:
            assert sentence.keys() <= {
                "start", "end", "digest", "voice", "labels", "citations",
            }  # fmt: skip
            for cited in sentence.get("citations", ()):
                assert cited.keys() <= {
                    "source", "cue", "content", "kind", "government", "state_media", "antecedent",
                }  # fmt: skip
                places = [cited["source"], cited["cue"], cited.get("antecedent"), *cited["content"]]
                assert all(place is None or place.keys() == {"start", "end"} for place in places)
            assert len(sentence["digest"]) == standoff.SHORT


def test_every_article_is_labelled_once_by_the_signals_of_the_card() -> None:
    found = shipped()
    names = Counter((one["collection"], one["article"]) for one in found)
    assert set(names.values()) == {1}
    signals = {name for r in found for s in r["sentences"] for name in s["labels"]}
    assert in_order(signals) == standoff.CARD.signals
    sourcing_only = 0
    for one in found:
        given = {name for sentence in one["sentences"] for name in sentence["labels"]}
        unlabelled = set(standoff.CARD.signals) - given - {"quoted", "reported"}
        sourcing_only += unlabelled == NOT_OF_SOURCING
        assert unlabelled in (set(), NOT_OF_SOURCING), one["article"]
        for sentence in one["sentences"]:
            assert "content" in sentence["labels"]
            if sentence["labels"]["content"]:
                open_ones = set(standoff.CARD.signals) - unlabelled - set(sentence["labels"])
                assert open_ones <= {"quoted", "reported"}, "open within a republished article"
    assert sourcing_only == 34


NOT_OF_SOURCING = {"claim", "unsourced_assertion", "biased_language", "subjective"}


def test_labels_are_of_several_collections_and_many_outlets() -> None:
    found = shipped()
    assert {one["collection"] for one in found} == set(standoff.TEXTS)
    assert len({one.get("outlet") for one in found}) >= 20


@pytest.fixture(scope="module")
def real_root() -> Path:
    """The texts, where this machine has them all."""
    given = os.environ.get("FRAMESCOPE_CORPORA")
    folder = Path(given) if given else Path(__file__).parents[2] / "shared/corpora"
    if not folder.is_dir() or find("standoff").state(folder) is not State.PRESENT:
        pytest.skip("the texts aren't all here")
    return folder


@pytest.fixture(scope="module")
def real(real_root) -> list[Article]:
    return list(standoff.read(real_root))


@pytest.mark.slow
def test_real_texts_are_those_that_were_labelled(real_root) -> None:
    found = check_standoff(real_root)
    assert found.problems == ()
    assert found.unread == ()


@pytest.mark.slow
def test_real_articles_are_all_there_with_their_sentences(real) -> None:
    records = shipped()
    assert [a.id for a in real] == [f"{r['collection']}/{r['article']}" for r in records]
    for article, one in zip(real, records, strict=True):
        assert len(article.units or ()) == len(one["sentences"])


@pytest.mark.slow
def test_real_articles_are_labelled_whole(real) -> None:
    """What lies between two sentences, or around them, is no text."""
    for article in real:
        end = 0
        for unit in article.units or ():
            assert not article.text[end : unit.start].strip(), article.id
            end = unit.end
        assert not article.text[end:].strip(), article.id


def in_collection(articles: list[Article], name: str) -> set[str]:
    return {a.id.partition("/")[2] for a in articles if a.id.startswith(f"{name}/")}


@pytest.mark.slow
def test_real_texts_of_ptc_are_of_its_training_part(real, real_root) -> None:
    folder = real_root / "ptc-semeval2020/train-articles"
    numbers = {path.stem.removeprefix("article") for path in folder.glob("*.txt")}
    assert in_collection(real, "ptc") <= numbers


@pytest.mark.slow
def test_real_texts_of_polnear_are_of_the_parts_that_are_trained_on(real, real_root) -> None:
    files = (real_root / "polnear/data").glob("*/text/*.txt")
    assert in_collection(real, "polnear") <= {path.stem for path in files}
