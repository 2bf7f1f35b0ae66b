"""A user's own files beside the corpora: no row of theirs moves."""

import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from framescope.classifier.errors import CorpusError, InputError
from framescope.training.corpora import SHIPPED
from framescope.training.data import Data, load_data
from labelled import record, written

WORDS = [f"{a}{b}{c}" for a in "bdfgklmn" for b in "aeiou" for c in ("rt", "lm", "sk", "nd", "p")]


def sentence(draw: random.Random) -> str:
    return f"{' '.join(draw.choices(WORDS, k=12)).capitalize()}."


def line(name: str, sentences: Sequence[str], label: float = 1, **known: Any) -> str:
    return json.dumps(record(name, *((text, {"claim": label}) for text in sentences), **known))


def drawn(path: Path, count: int = 40, seed: int = 1, prefix: str = "") -> Path:
    draw = random.Random(seed)
    articles = [[sentence(draw) for _ in range(5)] for _ in range(count)]
    return written(path, *(line(f"{prefix}{n}", a, n % 2) for n, a in enumerate(articles)))


def load(*added: Path) -> Data:
    return load_data(None, None, 13, corpora=SHIPPED, added=added)


def alone(*added: Path, **asked: Any) -> Data:
    """The files and nothing else, which is quick."""
    return load_data(None, ["added"], 13, corpora=SHIPPED, added=added, **asked)


def part_of(data: Data) -> dict[str, set[str]]:
    """Where each text is."""
    found: dict[str, set[str]] = {}
    mine = data.examples.where(data.examples.corpus == "added")
    for one, part in zip(mine.sentences, mine.part, strict=True):
        found.setdefault(one.text, set()).add(str(part))
    return found


@pytest.mark.slow
def test_no_row_of_what_ships_moves(tmp_path) -> None:
    """Whatever is added: new articles, one of its own, and one that is half of two of its own."""
    plain = load()
    house = plain.examples
    texts: dict[str, list[str]] = {}
    for one in house.sentences:
        texts.setdefault(one.article_id, []).append(one.text)
    long = np.isin(house.article, [name for name, lines in texts.items() if len(lines) > 12])
    tested, learned = (str(house.article[long & (house.part == p)][0]) for p in ("test", "train"))
    mine = drawn(tmp_path / "mine.jsonl")
    more = {"tested": ["Reprinted with permission.", *texts[tested]], "learned": texts[learned]}
    more["both"] = [*texts[tested], *texts[learned]]
    written(mine, *mine.read_text().splitlines(), *(line(*one) for one in more.items()))
    data = load(mine)
    assert data.signature == plain.signature
    assert {n: d for n, d in data.held_out.items() if n != "added"} == plain.held_out
    assert data.digests["house"] == plain.digests["house"]
    assert (data.corpora, list(data.added)) == (("house", "added"), [str(mine)])
    same = data.examples.where(data.examples.corpus == "house").labelled()
    assert same.sentences == house.sentences
    np.testing.assert_array_equal(same.labels, house.labels)
    np.testing.assert_array_equal(same.part, house.part)
    rows = data.examples
    mine_of = {name: rows.part[rows.article == f"added/{name}"] for name in ("tested", "learned")}
    assert set(mine_of["tested"]) <= {"test", "removed"}, "it is where the corpus has it"
    assert set(mine_of["learned"]) <= {"train", "removed"}
    known = set(texts[tested])
    repeated = (rows.corpus == "added") & np.array([s.text in known for s in rows.sentences])
    assert repeated.sum() > len(known)
    assert set(rows.part[repeated]) <= {"test", "removed"}, "as half of another article, too"


def test_a_file_splits_by_article_in_the_usual_shares(tmp_path) -> None:
    data = alone(drawn(tmp_path / "mine.jsonl"))
    rows = data.examples
    by_article = {a: set(rows.part[rows.article == a].tolist()) for a in rows.article.tolist()}
    assert all(len(parts) == 1 for parts in by_article.values())
    counts = Counter(part for parts in by_article.values() for part in parts)
    assert counts == {"train": 30, "validation": 4, "test": 6}
    assert set(data.held_out) == set(data.digests) == {"added"}
    assert data.corpora == ("added",)
    assert len(data.seen) == 34, "its test part is not learned from"


def test_neither_names_of_files_nor_ids_nor_another_file_move_an_article(tmp_path) -> None:
    one = alone(drawn(tmp_path / "mine.jsonl"))
    other = drawn(tmp_path / "later.jsonl", seed=2)
    renamed = drawn(tmp_path / "renamed.jsonl", prefix="n-")
    for again in (alone(renamed), alone(tmp_path / "mine.jsonl", other),
                  alone(other, tmp_path / "mine.jsonl")):  # fmt: skip
        found = part_of(again)
        assert {text: found[text] for text in part_of(one)} == part_of(one)
    both = alone(tmp_path / "mine.jsonl", other)
    assert len(both.examples) == 2 * len(one.examples), "ids that two files share are no matter"
    assert both.digests == alone(other, tmp_path / "mine.jsonl").digests != one.digests
    assert Counter(both.examples.part) == {"train": 300, "validation": 40, "test": 60}


def outlets_of(data: Data, part: str) -> set[str]:
    return set(data.examples.outlet[data.examples.part == part].tolist())


def test_whole_outlets_are_kept_back_where_there_are_many(tmp_path) -> None:
    def file(name: str, outlets: int, seed: int) -> Path:
        draw = random.Random(seed)
        texts = [[sentence(draw) for _ in range(3)] for _ in range(48)]
        lines = (line(str(n), a, outlet=f"Post {n % outlets}") for n, a in enumerate(texts))
        return written(tmp_path / name, *lines)

    few, many = alone(file("few.jsonl", 4, 1)), alone(file("many.jsonl", 16, 2))
    assert outlets_of(few, "unseen_outlet") == set()
    (kept,) = outlets_of(many, "unseen_outlet")
    assert all(kept not in outlets_of(many, part) for part in ("train", "validation", "test"))
    more = alone(tmp_path / "many.jsonl", file("more.jsonl", 16, 3))
    assert kept in outlets_of(more, "unseen_outlet")
    assert all(kept not in outlets_of(more, part) for part in ("train", "validation", "test"))
    # An outlet that the first file teaches is not unseen, whatever the second would draw.
    assert outlets_of(more, "unseen_outlet") == {kept}


def test_what_is_nearly_the_same_is_not_on_both_sides(tmp_path) -> None:
    mine = drawn(tmp_path / "mine.jsonl")
    before = part_of(alone(mine))
    tested = next(text for text, parts in before.items() if parts == {"test"})
    draw = random.Random(8)
    lines = [line(f"copy{n}", [sentence(draw), tested], 1) for n in range(20)]
    data = alone(mine, written(tmp_path / "copies.jsonl", *lines))
    rows = data.examples
    copies = np.array([s.text == tested for s in rows.sentences])
    assert np.isin(rows.part[copies], ["test", "removed"]).all()
    assert (rows.part[copies] == "removed").sum() >= 15
    assert {text: part_of(data)[text] for text in before if text != tested} == {
        text: parts for text, parts in before.items() if text != tested
    }


def test_a_share_of_what_is_added_leaves_what_is_held_out(tmp_path) -> None:
    mine = drawn(tmp_path / "mine.jsonl")
    whole, half = alone(mine), alone(mine, shares={"added": 0.5})
    assert half.held_out == whole.held_out
    learned = set(half.part("train").article)
    assert len(learned) == 15
    assert np.isin(whole.part("train").article, list(learned)).sum() == len(half.part("train"))
    assert len(half.part("test")) == len(whole.part("test"))


def test_what_cannot_be_added_is_named(tmp_path) -> None:
    mine = drawn(tmp_path / "mine.jsonl", 3)
    files = {
        "again.jsonl": mine.read_text(),
        "empty.jsonl": "\n",
        "unlabelled.jsonl": json.dumps({"id": "a", "text": "The dam holds."}) + "\n",
        "twice.jsonl": line("a", ["The dam holds."]) + "\n" + line("a", ["The dam leaks."]),
        "broken.jsonl": line("a", ["The dam holds."]) + "\n{broken\n",
        "unknown.jsonl": line("a", ["The dam holds."]).replace("claim", "claym"),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    for name, reason in (
        ("none.jsonl", "no such file; give a JSONL file in the exchange format"),
        ("again.jsonl", f"the same as {mine}; add it once"),
        ("mine.jsonl", f"the same as {mine}; add it once"),
        ("empty.jsonl", "no line is an article (it is empty)"),
        ("unlabelled.jsonl", "labels no sentence and no article; give labels"),
        ("twice.jsonl", "two articles have the id 'a'; make ids unique"),
        ("broken.jsonl", "line 2: not JSON"),
        ("unknown.jsonl", "unknown signal 'claym'; did you mean claim?"),
    ):
        with pytest.raises((CorpusError, InputError)) as caught:
            alone(mine, tmp_path / name)
        said = str(caught.value)
        assert said.startswith(str(tmp_path / name)), said
        assert reason in said, said
        assert "\n" not in said
    with pytest.raises(CorpusError, match="corpus 'added' is what you add; give files with --add"):
        alone()
