"""What is promoted is what every command means by its name, typed as a user types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import grids
import hubs
import pytest
import shelves
from framescope.classifier import bundles

COMMAND = [
    sys.executable,
    "-c",
    "import sys; from framescope.__main__ import main; sys.exit(main())",
]
TEXT = "Observers in Orrin saw it. The mill of Karst cost nine crowns. It was quiet in Vesk."


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with an article, labels and a bundle by hand, which is promoted as `desk`."""
    here = tmp_path_factory.mktemp("desk")
    (here / "article.txt").write_text(TEXT)
    grids.labelled(here / "mine.jsonl", range(30))
    shelves.by_hand(here / "made")
    ended = typed(here, "bundles", "promote", "made", "--as", "desk", "--data", "mine.jsonl",
                  "--against", "./made", "--draws", "200")  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "desk@1 is current (promoted)" in ended.stdout
    return here


def typed(here: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {bundles.ENVIRONMENT: str(here / "shelf"), "FRAMESCOPE_CORPORA": "", **environment}
    return subprocess.run(
        [*COMMAND, *words], cwd=here, capture_output=True, text=True, check=False,
        env={**os.environ, **own},
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("score", "article.txt", "-m", "desk", "-f", "json"),
        ("score", "article.txt", "-m", "desk@1", "-f", "json"),
        ("signals", "-m", "desk", "--format", "json"),
        ("batch", "article.txt", "-m", "desk", "--output", "RUN", "--workers", "1"),
        ("eval", "--data", "mine.jsonl", "--a", "desk", "--b", "desk@0", "--draws", "100"),
        ("eval", "batch", "--models", "desk", "baseline", "--benchmarks", "mine.jsonl",
         "--output", "grid", "--draws", "100"),
    ],
    ids=lambda words: " ".join(words[:2]),
)  # fmt: skip
def test_a_promoted_name_is_found_by(place, words):
    ended = typed(place, *words)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    if words[0] == "score":
        assert json.loads(ended.stdout)["model"] == "by-hand"
    if words[0] == "batch":
        said = json.loads((place / "RUN" / "manifest.json").read_text())["model"]
        assert said["name"] == "by-hand"


@pytest.mark.slow
def test_refused_is_status_1_and_bad_input_status_2_on_one_line(place):
    shelves.ranks_backwards(place / "made", place / "worse", "vague_source")
    refused = typed(place, "bundles", "promote", "worse", "--as", "desk", "--data", "mine.jsonl",
                    "--draws", "200")  # fmt: skip
    assert refused.returncode == 1, refused.stderr
    assert "vague_source: average precision" in refused.stdout
    for words in (
        ("score", "article.txt", "-m", "dsek"),
        ("bundles", "show", "nowhere"),
        ("bundles", "promote", "article.txt"),
        ("bundles", "rollback", "desk", "--to", "9"),
    ):
        ended = typed(place, *words)
        assert ended.returncode == 2, words
        assert ended.stderr.startswith("framescope: ")
        assert ended.stderr.count("\n") == 1


@pytest.mark.slow
def test_an_address_is_scored_with(place, tmp_path):
    pytest.importorskip("huggingface_hub")
    with hubs.running() as hub:
        network = {
            "HF_ENDPOINT": hub.address, "HF_TOKEN": "hf_made_up", "HF_HUB_OFFLINE": "0",
            "HF_HOME": str(tmp_path),
        }  # fmt: skip
        pushed = typed(place, "bundles", "push", "desk", "hf://desk/mine", **network)
        assert pushed.returncode == 0, pushed.stderr
        scored = typed(place, "score", "article.txt", "-m", "hf://desk/mine", "-f", "json",
                       **network)  # fmt: skip
        assert json.loads(scored.stdout)["model"] == "by-hand", scored.stderr
    gone = typed(place, "score", "article.txt", "-m", "hf://desk/other", **network)
    assert gone.returncode == 2
    assert gone.stderr.startswith("framescope: hf://desk/other: can't be fetched")
    assert gone.stderr.count("\n") == 1
