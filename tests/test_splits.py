"""Parts that may not touch, and texts that are nearly the same."""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from framescope.classifier.records.article import Article, Unit
from framescope.training.corpora.catalogue import KNOWN, PUBLIC, SHIPPED, find
from framescope.training.data.duplicates import Groups, same_words, shingles, similar_pairs
from framescope.training.data.examples import Examples, build, of_articles
from framescope.training.data.splits import PARTS, UNSEEN_OUTLETS, Split, assign

SUBJECTS = ("dam", "bridge", "harbour", "mayor", "engine", "ferry", "tower", "school", "market")
VERBS = ("opened", "closed", "moved", "burned", "grew", "vanished", "doubled", "sank", "failed")
PLACES = ("Orvel", "Tarn", "Quill", "Besk", "Morrow", "Lant", "Edra", "Voss", "Hale", "Pim")


def sentence(draw: random.Random) -> str:
    words = [draw.choice(source) for source in (SUBJECTS, VERBS, PLACES) for _ in range(4)]
    draw.shuffle(words)
    return f"{' '.join(words)} {draw.randrange(10**6)}."


def article(identifier: str, sentences: list[str], **known: Any) -> Article:
    units, start = [], 0
    for text in sentences:
        units.append(Unit(start, start + len(text), {"claim": 1.0}))
        start += len(text) + 1
    return Article(id=identifier, text="\n".join(sentences), units=tuple(units), **known)


def written(count: int, seed: int = 0, outlet: str | None = None) -> list[Article]:
    draw = random.Random(seed)
    known = {"outlet": outlet} if outlet else {}
    return [
        article(f"{outlet or 'x'}{number:03d}", [sentence(draw) for _ in range(6)], **known)
        for number in range(count)
    ]


def joined(*parts: Examples) -> Examples:
    """Put examples of several corpora with the same signals one after the other."""
    first = parts[0]
    changed: dict[str, Any] = {}
    for item in fields(Examples):
        values = [getattr(part, item.name) for part in parts]
        if item.name != "signals":
            changed[item.name] = (
                np.concatenate(values)
                if isinstance(values[0], np.ndarray)
                else tuple(row for value in values for row in value)
            )
    return replace(first, **changed)


def parts_by(split: Split, names: Iterator[str] | np.ndarray) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for name, part in zip(names, split.examples.part, strict=True):
        if part != "removed":
            found[str(name)].add(str(part))
    return found


# Groups and shares


def test_shares_are_kept_and_articles_stay_whole() -> None:
    split = assign(of_articles("ptc", iter(written(100))))
    parts = parts_by(split, split.examples.article)
    assert all(len(found) == 1 for found in parts.values())
    counts = {part: sum(found == {part} for found in parts.values()) for part in PARTS}
    assert counts == {"train": 75, "validation": 10, "test": 15, "unseen_outlet": 0, "removed": 0}
    assert split.counts()["ptc"]["test"] == 90


def test_pages_stay_whole() -> None:
    draw = random.Random(4)
    rows = [
        article(str(n), [sentence(draw)], url=f"https://a.example/{n % 20}") for n in range(100)
    ]
    split = assign(of_articles("babe", iter(rows)))
    assert all(len(found) == 1 for found in parts_by(split, split.examples.group).values())
    assert {"train", "validation", "test"} == set(split.examples.part)


def test_unseen_outlets_are_kept_back_whole() -> None:
    rows = [a for outlet in ("usa-today", "nyt") for a in written(30, hash_free(outlet), outlet)]
    split = assign(of_articles("polnear", iter(rows)))
    outlet, part = split.examples.outlet, split.examples.part
    assert set(part[outlet == "usa-today"]) == {"unseen_outlet"}
    assert "unseen_outlet" not in set(part[outlet == "nyt"])


def hash_free(text: str) -> int:
    """Give a seed that doesn't depend on the process."""
    return sum(text.encode())


def test_hyperpartisan_outlets_are_never_divided() -> None:
    rows = [a for n in range(40) for a in written(1 + n % 4, n, f"site{n}.example")]
    rows += written(5, 99, "breitbart.com")
    split = assign(of_articles("hyperpartisan", iter(rows)))
    by_outlet = parts_by(split, split.examples.outlet)
    assert all(len(found) == 1 for found in by_outlet.values())
    assert {"train", "validation", "test", "unseen_outlet"} == set.union(*by_outlet.values())
    assert by_outlet["breitbart.com"] != {"unseen_outlet"}, "other corpora teach it"


def test_seed_and_texts_give_the_same_split_in_any_order_of_articles() -> None:
    rows = written(60)
    one, again = (assign(of_articles("ptc", iter(rows))) for _ in range(2))
    assert one.signature == again.signature
    backwards = assign(of_articles("ptc", iter(rows[::-1])))
    assert parts_by(one, one.examples.article) == parts_by(backwards, backwards.examples.article)
    other = assign(of_articles("ptc", iter(rows)), seed=14)
    assert other.signature != one.signature


@pytest.mark.parametrize(
    ("corpus", "outlet"), [("house", "The Lantern of Vardesh"), ("standoff", "Salon")]
)
def test_outlets_of_the_house_corpus_are_kept_back_too(corpus: str, outlet: str) -> None:
    rows = [a for name in (outlet, "Orvel Post") for a in written(30, hash_free(name), name)]
    split = assign(of_articles(corpus, iter(rows)))
    seen = split.examples.outlet == "Orvel Post"
    assert set(split.examples.part[~seen]) == {"unseen_outlet"}
    assert set(split.examples.part[seen]) == {"train", "validation", "test"}


# What identifies the rows that are kept back


def test_what_a_corpus_keeps_back_does_not_hang_on_the_others() -> None:
    left, right = written(40, 1), written(40, 2)
    alone = assign(of_articles("ptc", iter(left)))
    both = assign(joined(of_articles("ptc", iter(left)), of_articles("polnear", iter(right))))
    assert both.held_out["ptc"] == alone.held_out["ptc"]
    assert both.held_out.keys() == {"ptc", "polnear"}
    assert both.signature != alone.signature


def test_what_is_kept_back_is_told_by_every_such_row_and_its_part() -> None:
    split = assign(of_articles("ptc", iter(written(40))))
    examples = split.examples
    part, before = examples.part, split.held_out["ptc"]
    for row in np.flatnonzero(np.isin(part, ["test", "unseen_outlet"]))[:3]:
        for other in ("train", "removed", "unseen_outlet"):
            changed = part.copy()
            changed[row] = other
            moved = replace(split, examples=replace(examples, part=changed))
            assert moved.held_out["ptc"] != before, "a row that was tested on is not, or apart"
    changed = part.copy()
    changed[part == "validation"] = "train"
    learned = replace(split, examples=replace(examples, part=changed))
    assert learned.held_out["ptc"] == before, "what is learned from is no matter"


def test_another_seed_keeps_other_rows_back() -> None:
    examples = of_articles("ptc", iter(written(40)))
    assert assign(examples, 13).held_out != assign(examples, 14).held_out


# Near-duplicates


def test_same_article_in_two_corpora_is_one_group() -> None:
    left, right = written(40, 1), written(40, 2)
    for number in range(0, 40, 4):  # a reprint under another name, with a line of its own
        lines = left[number].text.split("\n")
        right[number] = article(f"reprint{number}", ["First printed elsewhere.", *lines])
    examples = joined(of_articles("ptc", iter(left)), of_articles("polnear", iter(right)))
    split = assign(examples)
    assert split.merged == 10
    parts = parts_by(split, split.examples.article)
    for number in range(0, 40, 4):
        assert parts[f"ptc/x{number:03d}"] == parts[f"polnear/reprint{number}"]


def test_original_of_an_unseen_outlets_reprint_is_not_used() -> None:
    original = written(20, 1, "nyt")
    reprint = article("again", original[0].text.split("\n"), outlet="usa-today")
    split = assign(of_articles("polnear", iter([*original, reprint])))
    part = split.examples.part
    assert set(part[split.examples.article == "polnear/again"]) == {"unseen_outlet"}
    assert set(part[split.examples.article == "polnear/nyt000"]) == {"removed"}


def test_sentences_near_one_kept_back_are_removed_from_train() -> None:
    rows = written(60, 3)
    first = assign(of_articles("ptc", iter(rows)))
    part_of = {name: found.pop() for name, found in parts_by(first, first.examples.article).items()}
    source = next(a for a in rows if part_of[f"ptc/{a.id}"] == "test")
    target = next(n for n, a in enumerate(rows) if part_of[f"ptc/{a.id}"] == "train")
    lines = source.text.split("\n")
    taken = [
        lines[0],  # the same
        lines[1].upper().replace(" ", "  "),  # the same but for case and spacing
        "So " + lines[2],  # nearly the same: 9 of 10 shingles
        " ".join(lines[3].split()[:6]),  # a part only
    ]
    own = rows[target].text.split("\n")
    rows[target] = article(rows[target].id, [*taken, *own[4:]])
    split = assign(of_articles("ptc", iter(rows)))
    mine = split.examples.article == f"ptc/{rows[target].id}"
    assert split.examples.part[mine].tolist() == ["removed"] * 3 + ["train"] * 3
    found = {(o.part, o.held_out): (o.before, o.after) for o in split.overlap}
    assert found["train", "test"] == (3, 0)


def test_similar_pairs_are_exactly_those_of_brute_force() -> None:
    draw = random.Random(5)
    base = [draw.sample(range(400), draw.randint(0, 30)) for _ in range(60)]
    varied = [[x for x in one if draw.random() > 0.1] + [draw.randrange(400)] for one in base]
    sets = [frozenset(one) for one in base + varied]
    for threshold in (0.5, 0.8, 1.0):
        expected = {
            (i, j)
            for i, j in combinations(range(len(sets)), 2)
            if sets[i] | sets[j]
            and sets[i]
            and sets[j]
            and len(sets[i] & sets[j]) / len(sets[i] | sets[j]) >= threshold
        }
        found = list(similar_pairs(sets, threshold))
        assert len(found) == len(set(found))
        assert set(found) == expected
        assert threshold == 1.0 or expected, "the case must have something to find"


def test_shingles_ignore_case_punctuation_and_short_texts() -> None:
    assert shingles("The dam, at last, OPENED today") == shingles("the dam at last opened today")
    assert len(shingles("one two three four five six")) == 2
    assert not shingles("one two three four")
    assert not shingles("one two three four five six", min_words=7)


def test_same_words_need_four_of_them() -> None:
    texts = ["It is late now.", "Go on!", "it is LATE, now", "Go on", "It is late today."]
    assert list(same_words(texts)) == [[0, 2]]


def test_groups_merge_step_by_step() -> None:
    groups = Groups()
    assert groups.merge("c", "b")
    assert groups.merge("d", "c")
    assert not groups.merge("b", "d")
    assert groups.merge("a", "d")
    assert {groups.find(name) for name in "abcd"} == {"a"}
    assert groups.find("e") == "e"


def test_nothing_splits_into_nothing() -> None:
    split = assign(of_articles("ptc", iter([])))
    assert len(split.examples) == 0
    assert all(o.before == o.after == 0 for o in split.overlap)


# The real corpora


@pytest.fixture(scope="module")
def real() -> Split:
    given = os.environ.get("FRAMESCOPE_CORPORA")
    root = Path(given) if given else Path(__file__).parents[2] / "shared/corpora"
    if not root.is_dir() or any(find(name).state(root) != "present" for name in KNOWN):
        pytest.skip("the corpora aren't here as they were pinned")
    return assign(build(root))


@pytest.mark.slow
def test_real_articles_are_in_one_part(real: Split) -> None:
    assert all(len(found) == 1 for found in parts_by(real, real.examples.article).values())
    assert all(len(found) == 1 for found in parts_by(real, real.examples.group).values())


@pytest.mark.slow
def test_real_unseen_outlets_are_not_learned_from(real: Split) -> None:
    examples = real.examples
    learned = examples.where(np.isin(examples.part, ["train", "validation", "test"]))
    for corpus, outlets in UNSEEN_OUTLETS.items():
        here = set(learned.outlet[learned.corpus == corpus])
        assert not here & outlets
    unseen = examples.where(examples.part == "unseen_outlet")
    assert set(unseen.corpus) == {"babe", "polnear", "hyperpartisan", "house", "standoff"}
    for corpus in set(unseen.corpus):
        inside = set(unseen.outlet[unseen.corpus == corpus])
        assert not inside & set(learned.outlet[learned.corpus == corpus])


@pytest.mark.slow
def test_real_outlets_to_keep_back_are_there(real: Split) -> None:
    """A name that no article has would keep nothing back, and nobody would see it."""
    for corpus in ("babe", "polnear", "house", "standoff"):
        here = set(real.examples.outlet[real.examples.corpus == corpus])
        assert UNSEEN_OUTLETS[corpus] - here == set(), corpus


@pytest.mark.slow
def test_a_house_bundle_is_judged_by_the_rows_of_the_full_recipe(real: Split) -> None:
    assert assign(build(None, SHIPPED)).held_out["house"] == real.held_out["house"]


@pytest.mark.slow
def test_real_articles_of_two_corpora_are_in_one_part(real: Split) -> None:
    """Stand-off labels are on articles of other corpora too: neither may give the other away."""
    parts = parts_by(real, real.examples.article)
    both = [
        (parts[name], parts[name.removeprefix("standoff/")])
        for name in list(parts)
        if name.startswith("standoff/") and name.removeprefix("standoff/") in parts
    ]
    assert len(both) >= 20
    assert all(len(one | other) == 1 for one, other in both)


@pytest.mark.slow
def test_real_parts_have_their_shares(real: Split) -> None:
    for corpus in PUBLIC:
        own = real.examples.where(real.examples.corpus == corpus)
        articles = {
            part: len(set(own.article[own.part == part]))
            for part in ("train", "validation", "test")
        }
        total = sum(articles.values())
        assert articles["test"] / total == pytest.approx(0.15, abs=0.02)
        assert articles["validation"] / total == pytest.approx(0.10, abs=0.02)


@pytest.mark.slow
def test_real_parts_share_no_sentence(real: Split) -> None:
    examples = real.examples
    words = [tuple(s.text.lower().split()) for s in examples.sentences]
    kept = {
        part: {w for w, p in zip(words, examples.part, strict=True) if p == part and len(w) >= 8}
        for part in PARTS
    }
    for low, high in combinations(("train", "validation", "test"), 2):
        assert not kept[low] & kept[high]
    assert not kept["train"] & kept["unseen_outlet"]
    assert all(o.after == 0 for o in real.overlap)
    assert sum(o.before for o in real.overlap) > 0
