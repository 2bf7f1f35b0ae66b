"""Text for a teacher to label keeps away from whatever models are judged by."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from framescope.classifier.errors import CorpusError
from framescope.classifier.inputs import to_record
from framescope.classifier.outlets import Registry
from framescope.classifier.records import Article, Domain, Name, Outlet
from framescope.training.data import UNLABELLED, Data, choose_unlabelled, examples_of_articles
from labelled import written

WORDS = (
    *("harbour", "council", "tram", "mill", "bridge", "ferry", "school", "market", "reservoir"),
    *("crane", "ledger", "orchard", "kiln", "quarry", "lantern", "saddle", "anchor", "barrel"),
)
HUFFPOST = Outlet(
    "huffpost",
    "HuffPost",
    names=(Name("HuffPost"), Name("Huff Post")),
    domains=(Domain("huffpost.com"), Domain("huffingtonpost.com")),
)
REGISTRY = Registry(own={HUFFPOST.id: HUFFPOST})


def prose(seed: int, sentences: int = 8) -> str:
    """Sentences of 14 words each, drawn anew for each seed."""
    rng = np.random.default_rng(seed)
    drawn = (" ".join(rng.choice(WORDS, 14)).capitalize() for _ in range(sentences))
    return " ".join(f"{words} {seed} times." for words in drawn)


def article(seed: int, outlet: str, url: str | None = None, text: str | None = None) -> Article:
    text = text or prose(seed)
    return Article(f"a{seed}", text, outlet=outlet, url=url, lang="en")


@pytest.fixture(scope="module")
def data() -> Data:
    """Four labelled articles, one of each part."""
    held = [
        article(1, "The Lantern Post", "https://www.lanternpost.example/a"),
        article(2, "huff-post"),
        article(3, "The Saddle Review"),
        article(4, "The Orchard Echo"),
    ]
    labelled = (replace(one, labels={"hyperpartisan": 1.0}) for one in held)
    rows = examples_of_articles("exchange", labelled)
    parts = np.repeat(["test", "unseen_outlet", "validation", "train"], 8)
    return Data(replace(rows, part=parts), ("exchange",), 13, "0" * 64, outlets=REGISTRY)


def chosen(data: Data, folder: Path, *articles: Article, sentences: int = 10_000):
    path = written(folder / "articles.jsonl", *map(to_record, articles))
    return choose_unlabelled(data, [path], None, sentences)


def ids(found) -> set[str]:
    return {name.rpartition("/")[2] for name in found.examples.article.tolist()}


def test_rows_have_no_label_and_are_learned_from(data, tmp_path) -> None:
    found = chosen(data, tmp_path, article(10, "The Kiln"))
    assert np.isnan(found.examples.labels).all()
    assert found.examples.signals == data.examples.signals
    assert set(found.examples.part) == {"train"}
    assert set(found.examples.corpus) == {UNLABELLED}
    assert len(data.examples.followed_by(found.examples)) == len(data.examples) + 8


def test_outlets_that_are_tested_on_are_left_out_under_any_name(data, tmp_path) -> None:
    found = chosen(
        data,
        tmp_path,
        article(11, "The Lantern Post"),
        article(12, "THE LANTERN POST"),
        article(13, "HuffPost"),
        article(14, "Some writer", "https://www.huffpost.com/entry/b"),
        article(15, "Another writer", "https://highline.huffingtonpost.com/c"),
        article(16, "The Saddle Review"),  # of validation alone
        article(17, "The Orchard Echo"),
        article(18, "The Kiln"),
    )
    assert ids(found) == {"a16", "a17", "a18"}
    assert found.of_outlets == 5


def test_each_language_of_the_corpora_is_read_about_as_often(data, tmp_path) -> None:
    line = "Die Brücke {0} hielt {0} Jahre und der Rat {0} ließ sie {0} Mal neu bauen."
    texts = [" ".join(line.format(n + m) for m in range(8)) for n in (400, 800)]
    of_post = [article(n, "The Lantern Post", text=text) for n, text in enumerate(texts, 40)]
    others = [replace(one, lang="de") for one in of_post]
    many = [*others, *(article(seed, "The Kiln") for seed in range(42, 48))]
    assert {"a40", "a41"}.isdisjoint(ids(chosen(data, tmp_path, *many)))
    both = chosen(replace(data, corpora=("exchange", "wikinews")), tmp_path, *many, sentences=32)
    assert sorted(both.examples.lang) == ["de"] * 16 + ["en"] * 16, "tested in English alone"


def test_near_duplicates_of_what_is_kept_back_are_left_out(data, tmp_path) -> None:
    held = prose(1)
    reprint = f"{held} One sentence more was added to it by the other paper, and nothing else."
    sentence = held.split(" times. ")[0] + " times."
    quoting = f"{prose(20)} {sentence} {prose(21)}"
    found = chosen(
        data,
        tmp_path,
        article(22, "The Kiln", text=reprint),
        article(23, "The Kiln", text=quoting),
        article(24, "The Kiln", text=prose(3)),
    )
    assert ids(found) == {"a23"}
    assert (found.alike, found.repeated) == (2, 1)
    assert sentence not in [s.text for s in found.examples.sentences]
    indices = [s.index for s in found.examples.sentences]
    assert indices == [i for i in range(17) if i != 8]  # no passage goes over the gap


def test_whole_articles_are_drawn_until_there_are_enough(data, tmp_path) -> None:
    many = [article(seed, "The Kiln") for seed in range(30, 34)]
    some = chosen(data, tmp_path, *many, sentences=12)
    assert len(some.examples) == 16
    assert ids(chosen(data, tmp_path, *reversed(many), sentences=12)) == ids(some)


def test_nothing_to_label_is_said(data, tmp_path) -> None:
    with pytest.raises(CorpusError, match=r"no articles to label.*texts in the recipe"):
        chosen(data, tmp_path, article(41, "HuffPost"))
