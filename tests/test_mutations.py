"""Damaged inputs by the hundred: no traceback, no hour, no gigabyte, and no batch is lost."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections import Counter
from pathlib import Path

import mutator
import pytest

SEED, COUNT, TOGETHER = 16, 200, 100
SECONDS, BYTES = 30, 1_500_000_000
FOOTPRINT = Path(__file__).parent.parent / "eval/compare/footprint.py"
# Read as a file, as it reads itself: the room's door would open on all of the harness.
COMMAND = f"""
import resource, runpy, sys
from framescope.__main__ import main
try:
    main()
finally:
    peak = runpy.run_path({str(FOOTPRINT)!r})["own_peak"]()
    used = resource.getrusage(resource.RUSAGE_SELF)
    print("used", used.ru_utime, peak, file=sys.stderr)
"""


def test_there_are_many_kinds_of_damage():
    assert len(mutator.DAMAGES) >= 40
    kinds = Counter(name[5:].partition(".")[0] for name, _ in mutator.damaged(COUNT, SEED))
    assert set(kinds) == set(mutator.DAMAGES)


def test_the_same_seed_gives_the_same_damage():
    first, again = (list(mutator.damaged(30, SEED)) for _ in range(2))
    assert first == again
    assert first != list(mutator.damaged(30, SEED + 1))


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS * TOGETHER, SECONDS * TOGETHER))


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, COUNT, TOGETHER))
def test_a_batch_of_damaged_inputs_is_never_lost(small_bundle, tmp_path, start):
    folder, output = tmp_path / "in", tmp_path / "out.json"
    folder.mkdir()
    names = []
    for name, data in list(mutator.damaged(COUNT, SEED))[start : start + TOGETHER]:
        (folder / name).write_bytes(data)
        names.append(str(folder / name))
    command = [sys.executable, "-c", COMMAND, "score", *names, "--model", str(small_bundle)]
    command += ["--output", str(output), "--max-seconds", str(SECONDS)]
    ended = subprocess.run(command, capture_output=True, text=True, preexec_fn=_limited)
    assert "Traceback" not in ended.stderr
    assert ended.returncode == 1, ended.stderr[-2000:]
    report = json.loads(output.read_text(encoding="utf-8"))
    told = {one["origin"]["input"] for one in report["articles"]}
    told |= {name for name in names for one in report["skipped"] if one["source"].startswith(name)}
    assert told == set(names)
    # Of all hundred, so that none of them took more.
    _, seconds, peak = ended.stderr.splitlines()[-1].split()
    assert float(seconds) < 6 * SECONDS
    assert int(peak) < BYTES
    assert len(report["articles"]) > TOGETHER / 3
    for one in report["articles"]:
        for sentence in one["sentences"]:
            assert one["text"][sentence["start"] : sentence["end"]] == sentence["text"]


def _outcome(small_bundle: Path, path: Path) -> str:
    """Score one file in a process of its own, and say how that ended."""
    command = [sys.executable, "-c", COMMAND, "score", str(path), "--model", str(small_bundle)]
    limit = (SECONDS, SECONDS)
    ended = subprocess.run(
        [*command, "-f", "json"],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, limit),
    )
    assert "Traceback" not in ended.stderr, (path, ended.stderr[-2000:])
    assert ended.returncode in (0, 1, 2), (path, ended.returncode)
    return f"status {ended.returncode}"


@pytest.mark.slow
def test_each_kind_of_damage_ends_with_a_report_or_a_line(small_bundle, tmp_path):
    outcomes: Counter[str] = Counter()
    for name, data in mutator.damaged(len(mutator.DAMAGES), SEED):
        path = tmp_path / name
        path.write_bytes(data)
        outcomes[_outcome(small_bundle, path)] += 1
        path.unlink()
    assert outcomes["status 0"] > len(mutator.DAMAGES) / 3
    assert outcomes["status 2"] > 5
