"""Every command that README and docs show is run as it stands, or marked as not run, and why."""

import csv
import gzip
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import mutator
import pytest
import small_runs
from framescope.classifier import bundles
from pages_of_docs import CALLS

COMMAND = [
    sys.executable,
    "-c",
    "import sys; from framescope.__main__ import main; sys.exit(main())",
]

NOT_RUN = {
    r"https?://|s3://|hf://": "asks the network",
    r"--corpora DIR": "needs the public corpora",
    r"^train (?!recipe)": "trains for minutes; the slow tests do, on less",
    r"runs/|my-bundle|newsroom": "of a bundle that another command makes",
    r"^eval": "takes minutes; the slow tests do, on less",
    r"^batch (--output RUN --resume|.*--add|- )": "resumes or extends a run; its own tests do",
    r"--engine ray": "needs a cluster",
    r"^(query RUN|score) - ?": "stands behind a pipe that makes its input",
    r"^serve": "answers until it is stopped; its own tests run it",
    r"^corpora (--splits|export)": "needs the public corpora",
    r"^annotate import": "reads what a tool exported; its tests do",
    r"^annotate pick .*stories": "scores files; its tests do",
    r"^calibrate": "needs labels of one's own; its own tests calibrate",
    r"^drift": "needs two runs of thirty articles; its own tests compare",
    r"^labels": "of labelled files of one's own; tests/test_labels_*.py run them",
}
"""By what a command begins with or holds."""


def reason(line: str) -> str | None:
    words = line.removeprefix("framescope ")
    return next((why for what, why in NOT_RUN.items() if re.search(what, words)), None)


SHOWN = {line for _, line in CALLS}
TUTORIAL = {line for page, line in CALLS if page == "tutorial.md"}
"""Run in their order, by tests/test_tutorial.py."""
RUN = sorted(line for line in SHOWN - TUTORIAL if reason(line) is None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with the files that the docs speak of."""
    here = tmp_path_factory.mktemp("docs")
    shutil.copytree(bundles.resolve("baseline"), here / "my-bundle")
    samples = "classifier/samples"
    shutil.copytree(Path(__file__).parents[1] / samples, here / samples)
    (here / "article.txt").write_bytes(mutator.SOUND[".txt"])
    (here / "saved-pages").mkdir()
    (here / "saved-pages" / "a.html").write_bytes(mutator.SOUND[".html"])
    with (here / "stories.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("body", "published"), (mutator.TEXT, "2026-11-03")])
    record = json.dumps({"id": "a", "text": mutator.TEXT})
    (here / "dump.jsonl.gz").write_bytes(gzip.compress(record.encode()))
    outlet = {"id": "karst-press", "name": "Karst Press", "domains": [{"host": "karst.example"}]}
    (here / "mine.jsonl").write_text(json.dumps(outlet) + "\n", encoding="utf-8")
    (here / "ratings.csv").write_text("domain,rating\nbbc.co.uk,HIGH\n", encoding="utf-8")
    (here / "ratings.json").write_text('[{"domain": "bbc.co.uk", "score": 99}]', encoding="utf-8")
    shutil.copy(Path(__file__).parent / "cases/ratings.xlsx", here)
    small_runs.write(here / "RUN")
    typed(["sources", "export", "-o", "november.csv"], here)
    typed(["annotate", "pick", "RUN", "--n", "5", "--by", "rare", "-o", "to-label.jsonl"], here)
    for name in ("before.jsonl", "after.jsonl", "scored.jsonl"):
        typed(["score", "article.txt", "-m", "baseline", "-o", name], here)
    return here


def typed(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("line", RUN)
def test_what_is_shown_runs(folder, line, tmp_path):
    here = tmp_path / "here"
    shutil.copytree(folder, here)
    if line.startswith("framescope batch "):
        shutil.rmtree(here / "RUN")  # which it makes
    ended = typed(shlex.split(line)[1:], here)
    assert "Traceback" not in ended.stderr
    assert ended.returncode == 0, ended.stderr[-800:]
    assert ended.stdout or list(here.iterdir())
