"""Twice as long a text is at most about twice the work, whatever it holds: counted in calls."""

import growth
import pytest
from framescope.classifier import bundles
from framescope.classifier.inputs import page
from framescope.classifier.records import Article, Imprint
from framescope.classifier.scoring import Scorer

SIZE = 2_000  # characters
PROSE = 'The minister said "we won." Prices rose 3.5 percent. According to two bankers, it fell. '
# What a text repeats, and what it begins with.
PARTS = {
    **dict.fromkeys(
        (PROSE, "a", "\n", '"a b.\n', "a-", "(", "according to the mayor, ", "SMITH: no.\n",
         "Source: ", "(AP) - ", "Related Articles\n", "/RT", "新华社a.com/RT", "\u0301",
         "Reuters RT Xinhua TASS "),
        "",
    ),
    "a ": "Below is ",
    "b ": "Text of report by ",
    "A ": "Also in ",
    "and AP ": "By ",
    "[ab] Reuters ": "Below is the Karst Post's article:\n",
    "#a": "# " * 100 + "\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def scorer(small_bundle) -> Scorer:
    found = Scorer(bundles.load(small_bundle))
    list(found.score([Article("a", PROSE * 20)]))  # tables and libraries are loaded once
    return found


def calls(scorer: Scorer, part: str, size: int) -> int:
    text = PARTS[part] + part * (size // len(part)) + "a"
    url, imprint = "https://reader.example/" + text, Imprint((text[:300],) * 20)
    article = Article("a", text, outlet=text, author=text, url=url, imprint=imprint)
    return growth.calls(lambda: (page.articles(text, "a"), list(scorer.score([article]))))


@pytest.mark.parametrize("part", PARTS)
def test_work_grows_with_the_length_of_a_text(scorer, part):
    # Each is read twice: what is made once, as a library's table, is none of its work.
    once = min(calls(scorer, part, SIZE) for _ in range(2))
    twice = min(calls(scorer, part, 2 * SIZE) for _ in range(2))
    assert twice < 2.5 * once + 1_000
