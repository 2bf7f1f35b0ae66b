"""Damaged inputs: articles or one line each, never a traceback, and bounded work."""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
from collections.abc import Iterable

import mutator
import pytest
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import read_input
from framescope.classifier.inputs.reading import read_stream
from framescope.classifier.records import Article, Skipped
from hypothesis import given, settings
from hypothesis import strategies as st

SEED, HEAVY = 16, ("bomb", "too_long", "one_long_word", "pictures")
DAMAGED = dict(mutator.damaged(len(mutator.DAMAGES), SEED))
SECONDS, BYTES = 600, 1_500_000_000  # of processor time and memory, for all of them together
COMMAND = """
import pathlib, sys
from framescope.__main__ import main
try:
    main()
finally:
    print(pathlib.Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0],
          file=sys.stderr)
"""


def check(items: Iterable[Article | Skipped]) -> None:
    try:
        for item in items:
            said = item.reason if isinstance(item, Skipped) else item.id
            assert "\n" not in said
    except InputError as error:
        if "\n" in str(error):
            raise


PIECES = st.one_of(st.binary(max_size=40), st.sampled_from([b"\r\n\r\n", b"\0", b"<", b'"', b"["]))
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 2000), PIECES), min_size=1, max_size=5)


@given(st.sampled_from(sorted(mutator.SOUND)), EDITS)
@settings(max_examples=60, deadline=None)
def test_any_damage_gives_articles_or_one_line(suffix, edits):
    data = mutator.SOUND[suffix]
    for share, length, piece in edits:
        at = round(share * len(data))
        data = data[:at] + piece + data[at + length :]
    check(read_stream(io.BytesIO(data), "a"))


@pytest.mark.parametrize("name", [one for one in DAMAGED if not any(h in one for h in HEAVY)])
def test_each_kind_of_damage_gives_articles_or_one_line(tmp_path, name):
    (tmp_path / name).write_bytes(DAMAGED[name])
    check(read_input(str(tmp_path / name)))


@pytest.mark.slow
def test_damaged_inputs_together_are_all_told_of(small_bundle, tmp_path):
    for name, data in DAMAGED.items():
        (tmp_path / name).write_bytes(data)
    names, output = [str(tmp_path / name) for name in DAMAGED], tmp_path / "out.json"
    ended = subprocess.run(
        [sys.executable, "-c", COMMAND, "score", *names, "--model", str(small_bundle),
         "--output", str(output)],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS)),
    )  # fmt: skip
    assert "Traceback" not in ended.stderr
    assert ended.returncode == 1, ended.stderr[-2000:]
    assert int(ended.stderr.split()[-1]) * 1024 < BYTES
    report = json.loads(output.read_text(encoding="utf-8"))
    told = {one["origin"]["input"] for one in report["articles"]}
    told |= {name for name in names for one in report["skipped"] if one["source"].startswith(name)}
    assert told == set(names)
    for one in report["articles"]:
        for sentence in one["sentences"]:
            assert one["text"][sentence["start"] : sentence["end"]] == sentence["text"]
