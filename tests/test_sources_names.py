"""Names of outlets: asked for, met in running text, and what they mean there."""

import csv
import json
import os
import tracemalloc

import pytest
from framescope.classifier.inputs import split_sentences
from framescope.classifier.outlets import load_registry, shipped_tables
from framescope.classifier.outlets.registry.folding import Boundaries, Folded, normal
from framescope.classifier.outlets.registry.names import _FOREIGN
from framescope.classifier.records import Article
from hypothesis import given
from hypothesis import strategies as st
from outlets import CASES, SMALL, cases

TEXTS, MENTIONS = cases("sources_names.jsonl"), cases("sources_mentions.jsonl")
needs_articles = pytest.mark.skipif(
    "FRAMESCOPE_CORPORA" not in os.environ, reason="needs the public articles"
)
NAMES = [name.text for outlet in SMALL for name in outlet.names if not name.ambiguous]


def met(text: str) -> list[str]:
    """Names that stand there as words of their own; what they mean is test_sources_mentions'."""
    found = SMALL.names.met(text, lambda text, start, stop, known: not known.doubtful)
    return [text[start:end] for start, end, _, _ in found]


@pytest.mark.parametrize("case", TEXTS, ids=lambda c: c["name"])
def test_finds_the_names_and_nothing_else(case):
    assert (met(case["text"]) == case["mentions"]) is ("known_failure" not in case)


def test_a_mention_tells_whose_name_it_is():
    (mention,) = SMALL.mentions("So said the Mehr News Agency.")
    assert mention.outlets == ("mehr",)
    twin = SMALL["reuters"]
    both = SMALL.with_outlets([type(twin)("twin", "Reuters", names=twin.names[:1])])
    (mention,) = both.mentions("Reuters said so.")
    assert mention.outlets == ("reuters", "twin")


PARTS = (
    *(*NAMES, " ", "  ", "\n", "\n\n", ", ", ". ", "-", "—", "’s ", "'", "/", "https://", "@", "#"),
    *("e\u0301", "\u00ad", "\u200b", "😀", "日本", "은", "а", "Word", "word", "1", "ﬁ", "İ", "\0"),
)


@given(st.lists(st.sampled_from(PARTS), max_size=30).map("".join))
def test_mentions_are_names_in_order_that_do_not_overlap(text):
    end = 0
    for mention in SMALL.mentions(text):
        assert end <= mention.start < mention.end <= len(text)
        end = mention.end
        words = normal(text[mention.start : mention.end]).removeprefix("the ")
        ids = {outlet.id for outlet in SMALL.called(words)}
        assert ids.intersection(mention.outlets) or words[:-2].istitle()  # declined


@given(st.lists(st.sampled_from(PARTS), max_size=30).map("".join))
def test_word_by_word_the_same_is_met_as_by_an_automaton(text):
    folded = Folded(text).text
    names = SMALL.names

    def told(found):
        ends = Boundaries(folded)
        kept = ((start, ends.end(start, stop), meant) for start, stop, meant in found)
        return [one for one in kept if one[1] is not None]

    if not _FOREIGN.search(folded):
        by_words, by_automaton = names._by_words(folded), names._by_automaton(folded)
        assert told(by_words) == told(by_automaton)


@pytest.mark.parametrize("shift", range(-12, 13))
def test_a_name_over_the_seam_of_two_searches_is_found_once(shift):
    text = "x " * ((1 << 15) - 6) + " " * (shift + 12) + "The New York Times. Reuters"
    assert met(text) == ["The New York Times", "Reuters"]


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        ("RT|ＲＴ", ["rt"]),
        ("AP|associated press|the associated press|The Associated Press's", ["ap"]),
        ("TASS|Tass|ITAR–TASS", ["tass"]),
        ("Reuters|REUTERS", ["reuters"]),
        ("dpa|DPA", ["dpa"]),
        ("iStories", ["istories"]),
        ("Mehr’s|خبرگزاري مهر|خبرگزاری‌مهر", ["mehr"]),
        ("People’s Daily|PEOPLE'S DAILY", ["people-daily"]),
        ("  New\u00a0 York\tTimes |New York Times'", ["the-new-york-times"]),
        ("Agence France‑Presse", ["afp"]),
        ("Guardian", ["the-guardian"]),
        ("The Times", ["the-times", "the-times-of-orrin"]),
        ("Mirror", ["daily-mirror"]),
        ("РИА Новости|риа новости", ["ria-novosti"]),
        ("新华社", ["xinhua"]),
        ("연합뉴스", ["yonhap"]),
        ("360", ["zero"]),
        ("rt|Rt|ap|Ap|tass|reuters|Dpa|the|The||'s|New York|РИА Новости\u0301", []),
    ],
)
def test_a_name_asked_for(names, ids):
    for name in names.split("|"):
        assert [outlet.id for outlet in SMALL.called(name)] == ids, name


def test_most_traps_are_seen_and_most_mentions_found():
    # Half of the cases were kept for judging: nothing was learned from them.
    registry = load_registry()
    right = wrong = missed = 0
    for case in MENTIONS:
        if case["for"] == "judging":
            wanted, after = [], 0
            for name in case["mentions"]:
                at = case["text"].index(name, after)
                after = at + len(name)
                wanted.append((at, after))
            found = [(one.start, one.end) for one in registry.mentions(case["text"])]
            hit = [any(a < end and start < b for start, end in found) for a, b in wanted]
            right += sum(hit)
            missed += len(hit) - sum(hit)
            wrong += sum(not any(a < e and s < b for a, b in wanted) for s, e in found)
    assert right / (right + wrong) >= 0.87
    assert right / (right + missed) >= 0.94


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Xinhua: China to send pandas to Vienna.", ["Xinhua"]),
        ("The footage was filmed by Ruptly in March.", ["Ruptly"]),
        ("They met on Xinhua Road before noon.", []),
        ("Sputnik V was given to nurses first.", []),
        ("The Guardian Council barred four candidates.", []),
        ("She teaches AP chemistry in Ohio.", []),
        ("Reuters", ["Reuters"]),  # the whole text, and it means nothing else
        ("Mirror", []),
    ],
)
def test_what_stands_around_a_name_tells(text, names):
    found = load_registry().mentions(text)
    assert [text[one.start : one.end] for one in found] == names


# Names met in 1,500 articles, by whether they were taken for an outlet; 250 of each were labelled.
MET, LABELLED = {"yes": 5721, "no": 5378}, 250


@needs_articles
@pytest.mark.slow
def test_in_articles_as_they_come_most_are_right():
    from framescope.training.corpora.articles import root_folder
    from framescope.training.corpora.standoff import TEXTS as TEXTS_OF

    drawn: dict[str, list[tuple[int, int, bool, float]]] = {}
    with (CASES / "sources_mentions_read.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            place = int(row["start"]), int(row["end"]), row["label"] == "1"
            drawn.setdefault(row["article"], []).append((*place, MET[row["drawn"]] / LABELLED))
    right = wrong = missed = 0.0
    for id, text in TEXTS_OF["allsides"].read(TEXTS_OF["allsides"].file(root_folder())):
        wanted = drawn.pop(id, [])
        for sentence in split_sentences(Article(id, text)) if wanted else ():
            found = load_registry().mentions(sentence.text)
            spans = [(sentence.start + one.start, sentence.start + one.end) for one in found]
            for start, end, means, weight in wanted:
                if sentence.start <= start and end <= sentence.end:
                    hit = any(start < last and first < end for first, last in spans)
                    right += weight * (hit and means)
                    wrong += weight * (hit and not means)
                    missed += weight * (means and not hit)
    assert not drawn
    assert min(right / (right + wrong), right / (right + missed)) >= 0.95


@needs_articles
@pytest.mark.slow
def test_the_weights_are_what_the_labels_give(tmp_path):
    from tools.registry.mentions import fit, labelled, write
    from tools.registry.merge import FOLDER

    judged = {case["text"] for case in MENTIONS if case["for"] == "judging"}
    lines = (FOLDER / "mentions/written.jsonl").read_text(encoding="utf-8").splitlines()
    assert not judged & {json.loads(line)["text"] for line in lines}
    path = write(fit(labelled()), tmp_path / "mentions.tsv")
    fitted, shipped = (
        dict(line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()[2:])
        for file in (path, shipped_tables() / "mentions.tsv")
    )
    # Solvers differ in the last digits between processors.
    assert fitted.keys() == shipped.keys()
    for feature, weight in shipped.items():
        assert float(fitted[feature]) == pytest.approx(float(weight), abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    "part", ["".join(NAMES), "R", "\n \n", "/RT", "://RT", "新华社a.com/RT", "@RT", "\u0301", "RT-"]
)
def test_a_long_text_of_anything_is_read_in_little_memory(part):
    text = (part * 200_000)[:200_000]
    found = SMALL.mentions(text)
    tracemalloc.start()
    assert SMALL.mentions(text) == found
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60_000_000
