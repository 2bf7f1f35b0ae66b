"""Parts that may not touch, and texts that are nearly the same."""

import os
import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from framescope.classifier.inputs import read_record
from framescope.classifier.records import Article
from framescope.training.corpora import ENGLISH, PUBLIC, SHIPPED, find_corpus
from framescope.training.data import PARTS, assign_parts, build_examples, examples_of_articles
from framescope.training.data.splits import (
    UNSEEN_OUTLETS,
    Split,
    same_words,
    shingles,
    similar_pairs,
)
from labelled import record

SUBJECTS = ("dam", "bridge", "harbour", "mayor", "engine", "ferry", "tower", "school", "market")
VERBS = ("opened", "closed", "moved", "burned", "grew", "vanished", "doubled", "sank", "failed")
PLACES = ("Orvel", "Tarn", "Quill", "Besk", "Morrow", "Lant", "Edra", "Voss", "Hale", "Pim")


def sentence(draw: random.Random) -> str:
    words = [draw.choice(source) for source in (SUBJECTS, VERBS, PLACES) for _ in range(4)]
    draw.shuffle(words)
    return f"{' '.join(words)} {draw.randrange(10**6)}."


def article(name: str, sentences: list[str], **known: Any) -> Article:
    given = [(text, {"claim": 1}) for text in sentences]
    return read_record(record(name, *given, between="\n", **known), "here")


def written(count: int, seed: int = 0, outlet: str | None = None) -> list[Article]:
    draw = random.Random(seed)
    known = {"outlet": outlet} if outlet else {}
    return [
        article(f"{outlet or 'x'}{number:03d}", [sentence(draw) for _ in range(6)], **known)
        for number in range(count)
    ]


def parts_by(split: Split, names: Iterable[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for name, part in zip(names, split.examples.part, strict=True):
        if part != "removed":
            found[str(name)].add(str(part))
    return found


def divided(corpus: str, rows: list[Article], seed: int = 13) -> Split:
    return assign_parts(examples_of_articles(corpus, rows), seed)


def of_two_corpora(left: list[Article], right: list[Article], name: str = "polnear") -> Split:
    rows = examples_of_articles("ptc", left)
    return assign_parts(rows.followed_by(examples_of_articles(name, right)))


def test_shares_are_kept_and_articles_stay_whole() -> None:
    split = divided("ptc", written(100))
    parts = parts_by(split, split.examples.article)
    assert all(len(found) == 1 for found in parts.values())
    counts = {part: sum(found == {part} for found in parts.values()) for part in PARTS}
    assert counts == {"train": 75, "validation": 10, "test": 15, "unseen_outlet": 0, "removed": 0}


@pytest.mark.parametrize(
    ("corpus", "outlet", "others"),
    [
        ("polnear", "usa-today", {"train", "validation", "test"}),
        ("house", "The Lantern of Vardesh", {"train", "validation", "test"}),
        ("standoff", "Salon", {"train", "validation", "test"}),
        ("judged", "Salon", {"validation"}),
    ],
)
def test_unseen_outlets_are_kept_back_whole(corpus: str, outlet: str, others: set[str]) -> None:
    split = divided(corpus, [*written(30, 1, outlet), *written(30, 2, "Orvel Post")])
    seen = split.examples.outlet == "Orvel Post"
    assert set(split.examples.part[~seen]) == {"unseen_outlet"}
    assert set(split.examples.part[seen]) == others


@pytest.mark.parametrize("corpus", ["techniques", "gap", "gum"])
def test_some_corpora_are_learned_from_whole_but_for_what_others_test_on(corpus: str) -> None:
    both = written(30, 1)
    split = of_two_corpora(both, [*both, *written(30, 2, "Salon")], corpus)
    parts = parts_by(split, split.examples.article)
    own = {name.partition("/")[2]: part for name, part in parts.items() if corpus in name}
    assert {one: own[one] for one in own if one.startswith("x")} == {
        name.partition("/")[2]: part for name, part in parts.items() if name.startswith("ptc/")
    }
    assert all(part == {"train"} for one, part in own.items() if one.startswith("Salon"))


def test_parts_that_come_with_a_corpus_are_kept() -> None:
    words = ("train", "dev", "dev_test")
    own = [replace(a, id=f"{word}/{a.id}") for word in words for a in written(20, len(word))]
    splits = [divided(corpus, own).examples for corpus in ("checkthat", "wikinews")]
    checkthat, wikinews = (
        {word: set(rows.part[np.char.find(rows.article, f"/{word}/") > 0]) for word in words}
        for rows in splits
    )
    assert checkthat == {"train": {"train"}, "dev": {"validation"}, "dev_test": {"test"}}
    assert wikinews["dev"] == {"test"}
    assert wikinews["train"] == {"train", "validation"}, "nothing else is tested on"


def test_a_version_in_another_language_has_the_part_of_its_original() -> None:
    originals = [*written(30, 1), *written(9, 2, "The Lantern of Vardesh")]
    pairs = zip(written(39, 3), originals, strict=True)
    versions = [replace(a, id=f"de/{one.id}") for a, one in pairs]
    rows = examples_of_articles("house", originals)
    split = assign_parts(rows.followed_by(examples_of_articles("house_languages", versions)))
    assert split.held_out["house"] == divided("house", originals).held_out["house"]
    parts = parts_by(split, split.examples.article)
    assert all(parts[f"house/{a.id}"] == parts[f"house_languages/de/{a.id}"] for a in originals)
    assert set.union(*parts.values()) == {*PARTS} - {"removed"}


def test_hyperpartisan_outlets_are_never_divided() -> None:
    rows = [a for n in range(40) for a in written(1 + n % 4, n, f"site{n}.example")]
    rows += written(5, 99, "breitbart.com")
    split = divided("hyperpartisan", rows)
    by_outlet = parts_by(split, split.examples.outlet)
    assert all(len(found) == 1 for found in by_outlet.values())
    assert {"train", "validation", "test", "unseen_outlet"} == set.union(*by_outlet.values())
    assert by_outlet["breitbart.com"] != {"unseen_outlet"}, "other corpora teach it"


def test_seed_and_texts_give_the_same_split_in_any_order_of_articles() -> None:
    rows = written(60)
    one, again = (divided("ptc", rows) for _ in range(2))
    assert one.signature == again.signature
    backwards = divided("ptc", rows[::-1])
    assert parts_by(one, one.examples.article) == parts_by(backwards, backwards.examples.article)
    assert divided("ptc", rows, seed=14).signature != one.signature


def test_what_a_corpus_keeps_back_does_not_hang_on_the_others() -> None:
    left, right = written(40, 1), written(40, 2)
    alone = divided("ptc", left)
    both = of_two_corpora(left, right)
    assert both.held_out["ptc"] == alone.held_out["ptc"]
    assert both.held_out.keys() == {"ptc", "polnear"}
    assert both.signature != alone.signature


def test_what_is_kept_back_is_told_by_every_such_row_and_its_part() -> None:
    split = divided("ptc", written(40))

    def digest_with(rows: np.ndarray, part: str) -> str:
        changed = split.examples.part.copy()
        changed[rows] = part
        return replace(split, examples=replace(split.examples, part=changed)).held_out["ptc"]

    before, part = split.held_out["ptc"], split.examples.part
    row = np.flatnonzero(part == "test")[:1]
    assert before not in {digest_with(row, other) for other in ("train", "unseen_outlet")}
    assert digest_with(part == "validation", "train") == before, "what is learned from is no matter"


def test_original_of_an_unseen_outlets_reprint_is_not_used() -> None:
    original = written(20, 1, "nyt")
    reprint = article("again", original[0].text.split("\n"), outlet="usa-today")
    split = divided("polnear", [*original, reprint])
    part = split.examples.part
    assert set(part[split.examples.article == "polnear/again"]) == {"unseen_outlet"}
    assert set(part[split.examples.article == "polnear/nyt000"]) == {"removed"}


def test_sentences_near_one_kept_back_are_removed_from_train() -> None:
    rows = written(60, 3)
    first = divided("ptc", rows)
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
    rows[target] = article(rows[target].id, [*taken, *rows[target].text.split("\n")[4:]])
    split = divided("ptc", rows)
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
            for (i, one), (j, two) in combinations(enumerate(sets), 2)
            if one and two and len(one & two) / len(one | two) >= threshold
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
    lines = [a.text for a in written(3, 1)]
    lines = "\n".join(lines).split("\n")
    first, second, third = (article(f"g{n}", lines[3 * n : 3 * n + 12]) for n in range(3))
    others = written(20, 9)
    assert divided("ptc", [*others, first, third]).merged == 0, "they share a third"
    split = divided("ptc", [*others, first, third, second])
    parts = parts_by(split, split.examples.article)
    assert split.merged == 2
    assert parts["ptc/g0"] == parts["ptc/g1"] == parts["ptc/g2"]


@pytest.fixture(scope="module")
def real() -> Split:
    given = os.environ.get("FRAMESCOPE_CORPORA")
    root = Path(given) if given else Path(__file__).parents[2] / "shared/corpora"
    if not root.is_dir() or any(find_corpus(name).state(root) != "present" for name in ENGLISH):
        pytest.skip("the corpora aren't here as they were pinned")
    return assign_parts(build_examples(root))


@pytest.mark.slow
def test_real_unseen_outlets_are_there_and_not_learned_from(real: Split) -> None:
    examples = real.examples
    learned = examples.where(np.isin(examples.part, ["train", "validation", "test"]))
    unseen = examples.where(examples.part == "unseen_outlet")
    assert set(unseen.corpus) == {"babe", "polnear", "hyperpartisan", "house", "standoff", "judged"}
    for corpus, outlets in UNSEEN_OUTLETS.items():
        assert not set(learned.outlet[learned.corpus == corpus]) & outlets
        inside = set(unseen.outlet[unseen.corpus == corpus])
        assert not inside & set(learned.outlet[learned.corpus == corpus])
        # A name that no article has would keep nothing back, and nobody would see it.
        here = set(examples.outlet[examples.corpus == corpus])
        assert corpus == "hyperpartisan" or not here or outlets <= here, corpus


@pytest.mark.slow
def test_real_parts_have_their_shares_and_share_no_sentence(real: Split) -> None:
    examples = real.examples
    for corpus in {*PUBLIC} & {*ENGLISH} - {"gap", "gum"}:
        own = examples.where(examples.corpus == corpus)
        train, validation, test = (
            len(set(own.article[own.part == part])) for part in ("train", "validation", "test")
        )
        total = train + validation + test
        assert test / total == pytest.approx(0.15, abs=0.02)
        assert validation / total == pytest.approx(0.10, abs=0.02)
    assert all(o.after == 0 for o in real.overlap)
    assert sum(o.before for o in real.overlap) > 0


@pytest.mark.slow
def test_a_house_bundle_is_judged_by_the_rows_of_the_full_recipe(real: Split) -> None:
    assert assign_parts(build_examples(None, SHIPPED)).held_out["house"] == real.held_out["house"]
