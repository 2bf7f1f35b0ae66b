"""What an article's text tells of its outlet: the reading, the held-out outlets, the figures."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from classifier.errors import CorpusError
from classifier.sources.registry import registry
from classifier.values.outlet import Assessment, Domain, Evidence, Name, NameKind, Outlet
from eval.figures.resample import draw, percentile
from eval.report.layout import to_markdown
from eval.studies import sourcing
from training.corpora import allsides

ROOT = Path(__file__).parent.parent


def outlet(number: int, value: str | None) -> Outlet:
    name = f"Amaro Courier {number:02d}"
    said = Assessment("reliability", value or "", Evidence("Amaro Wiki"), 0.8)
    return Outlet(
        f"outlet-{number:02d}",
        name,
        names=(Name(name, NameKind.MAIN),),
        domains=(Domain(f"courier{number:02d}.example"),),
        assessments=(said,) if value else (),
    )


GOOD, BAD = "generally_reliable", "generally_unreliable"
OUTLETS = [outlet(number, GOOD if number % 2 else BAD) for number in range(14)]
REGISTRY = registry.load().with_outlets(OUTLETS)


def line(number: int, article: int, tells: bool) -> dict[str, str]:
    """An article of a toy outlet; where it tells, unreliable outlets shout."""
    rng = np.random.default_rng(1000 * number + article)
    words = rng.choice(["mill", "bridge", "ferry", "market", "school", "harbour", "reservoir"], 30)
    if tells and not number % 2:
        words[::3] = "shocking"
    return {
        "ID": f"{number}-{article}",
        "source": OUTLETS[number].name,
        "source_url": f"www.courier{number:02d}.example",
        "url": f"https://www.courier{number:02d}.example/{article}",
        "date": "2019-05-02",
        "title": "A title",
        "topic": str(rng.choice(["ports", "mills"])),
        "content_original": f"{OUTLETS[number].name} says: {' '.join(words)}.",
    }


def write(folder: Path, rows: list[dict[str, str]]) -> Path:
    with gzip.open(folder / allsides.FILE, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return folder


def articles(folder: Path, *, tells: bool, outlets: int = 14, each: int = 12) -> Path:
    return write(folder, [line(n, a, tells) for n in range(outlets) for a in range(each)])


# --- what is read ---------------------------------------------------------------------------------


# --- the articles ---------------------------------------------------------------------------------


def test_labels_are_the_assessments_and_nothing_else() -> None:
    assert allsides.is_reliable(outlet(1, GOOD)) is True
    assert allsides.is_reliable(outlet(1, BAD)) is False
    assert allsides.is_reliable(outlet(1, "deprecated")) is False
    assert allsides.is_reliable(outlet(1, "no_consensus")) is None
    assert allsides.is_reliable(outlet(1, None)) is None


def test_the_ratings_of_a_product_are_never_read(tmp_path: Path) -> None:
    row = line(1, 1, tells=True)
    (plain,) = allsides.read(write(tmp_path, [row]))
    (rated,) = allsides.read(write(tmp_path, [{**row, "bias_text": "left", "bias": "0"}]))
    assert plain == rated


def test_most_articles_of_an_outlet(tmp_path: Path) -> None:
    folder = articles(tmp_path, tells=True, outlets=3, each=4)
    assert len(allsides.assessed(folder, REGISTRY)) == 12
    some = allsides.assessed(folder, REGISTRY, most=2)
    assert [row.story.article.id for row in some] == ["0-0", "0-1", "1-0", "1-1", "2-0", "2-1"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "line 1: is no article"),
        ("[1]", "line 1: is no article"),
        ('{"ID": "x"}', "line 1: lacks 'content_original'"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, content: str, said: str) -> None:
    with gzip.open(tmp_path / allsides.FILE, "wt") as file:
        file.write(content)
    with pytest.raises(CorpusError, match=said):
        list(allsides.read(tmp_path))


def test_a_file_that_is_missing_or_no_gzip_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"no allsides\.jsonl\.gz there; obtain"):
        list(allsides.read(tmp_path))
    (tmp_path / allsides.FILE).write_text("plain")
    with pytest.raises(CorpusError, match="can't be read"):
        list(allsides.read(tmp_path))


# --- the figures ----------------------------------------------------------------------------------


def test_ties_count_half() -> None:
    outlets = np.array(["x", "x", "y", "z", "z"])
    reliable = np.array([True, True, True, False, False])
    # x: 0.9 beats both, 0.4 ties with one and beats the other; y beats none.
    found = sourcing.ranked(np.array([0.9, 0.4, 0.1, 0.4, 0.2]), outlets, reliable, draws=20)
    assert found.value == pytest.approx(3.5 / 6)


def test_the_interval_is_of_the_auc_over_draws_of_outlets() -> None:
    rng = np.random.default_rng(3)
    outlets = np.repeat(list("uvwxyz"), 4)
    reliable = np.isin(outlets, list("uvw"))
    scores = rng.random(24)
    found = sourcing.ranked(scores, outlets, reliable, draws=200, seed=5)
    assert found.value == pytest.approx(roc_auc_score(reliable, scores))
    (weights,) = draw(6, 200, 5, block=200)
    drawn = [
        roc_auc_score(reliable, scores, sample_weight=np.repeat(weight, 4))
        if 0 < weight[:3].sum() < 6
        else np.nan
        for weight in weights
    ]
    interval = percentile(np.array(drawn), 6)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_sourcing_is_measured_without_a_model(tmp_path: Path) -> None:
    folder = articles(tmp_path, tells=True, outlets=4)
    found = to_markdown(sourcing.measure(folder, REGISTRY, most=11, draws=50))
    assert "44 articles of 4 outlets" in found
    assert "| the record's shift |" in found


FRAMESCOPE = "from classifier.cli import main; main()"


def test_the_command_names_what_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FRAMESCOPE, "eval", "sourcing", "--articles", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no allsides.jsonl.gz there" in done.stderr
