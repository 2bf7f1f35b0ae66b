"""Twice as long a text is at most about twice the work, whatever it holds: counted in calls."""

from __future__ import annotations

import growth
import pytest
from framescope.classifier import bundles
from framescope.classifier.inputs import page
from framescope.classifier.scoring import Scorer

SIZE = 2_000  # characters


@pytest.fixture(scope="module")
def scorer(small_bundle) -> Scorer:
    found = Scorer(bundles.load(small_bundle))
    list(found.score([growth.article("prose", SIZE)]))  # tables and libraries are loaded once
    return found


def calls(scorer: Scorer, name: str, size: int) -> int:
    text, article = growth.text(name, size), growth.article(name, size)
    return growth.calls(lambda: (page.articles(text, "a"), list(scorer.score([article]))))


@pytest.mark.parametrize("name", growth.PARTS)
def test_work_grows_with_the_length_of_a_text(scorer, name):
    # Each is read twice: what is made once for a text, as a library's table, is none of its work.
    _, once = (calls(scorer, name, SIZE) for _ in range(2))
    _, twice = (calls(scorer, name, 2 * SIZE) for _ in range(2))
    assert twice < 2.5 * once + 1_000


def test_the_count_sees_what_grows_with_the_square():
    def pairs(size: int) -> int:
        return growth.calls(lambda: [abs(a - b) for a in range(size) for b in range(size)])

    assert pairs(200) > 3.5 * pairs(100)
