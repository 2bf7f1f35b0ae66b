"""Whatever is handed over: one line that says what is wrong, or a report; never a traceback.

Cases that are text lie in cases/bad_input, with the reason that is to be given in reasons.json.
"""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from framescope.classifier import errors

CASES = Path(__file__).parent / "cases" / "bad_input"
REASONS: dict[str, str] = json.loads((CASES / "reasons.json").read_text(encoding="utf-8"))
PROSE = "The vile ferry of Orrin cost the town 900 crowns, the mayor said on a Tuesday. " * 2


@pytest.fixture
def run(type_command, small_bundle):
    return lambda *words: type_command("score", *words, "--model", small_bundle)


def check_refused(result: tuple[int, str, str], source: object, reason: str = ""):
    status, out, err = result
    assert (status, out) == (2, "")
    assert err.startswith(f"framescope: {source}: ")
    assert reason in err
    assert err.count("\n") == 1
    assert len(err) < 500
    assert err.rstrip("\n").isprintable()


@pytest.mark.parametrize("name", REASONS)
def test_a_file_that_holds_no_article_is_refused(run, name):
    check_refused(run(CASES / name), CASES / name, REASONS[name])


RANDOM = np.random.default_rng(0).integers(0, 256, 20_000, np.uint8).tobytes()
BINARY = {
    "random.html": RANDOM,
    "random.jsonl": RANDOM,
    "report.pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + RANDOM[:2000],
    "random.txt.gz": gzip.compress(RANDOM, mtime=0),
    "dump.jsonl": b'{"id": "a", "text": "' + b"ferry " * 2_000_000 + b'"}\n',
}


@pytest.mark.parametrize("name", BINARY)
def test_what_is_no_text_is_refused(run, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(BINARY[name])
    check_refused(run(path), path)


def test_a_source_that_is_no_file_is_refused(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for source, reason in {
        "none.txt": "no such file",
        ".": "no file there that may hold an article",
        "a\nb\x1b[31m.txt": "no file there that matches",
        "x" * 5000: "cannot be opened",
        "nul\x00byte": "cannot be opened",
        "": "",
    }.items():
        status, out, err = run(source)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert reason in err
        assert "\x1b" not in err


ODD = {
    "one-word.txt": "Ferry",
    "no-full-stop.txt": PROSE.replace(".", "") * 200,
    "one-long-word.txt": "a" * 200_000,
    "controls.txt": f"{PROSE}\x1b[31mred\x07\x0b\x0c {PROSE}",
    "marks.txt": "e" + "\u0301" * 5000 + " " + PROSE,
    "right-to-left.txt": f"{PROSE}\u202e{PROSE}",
    "half-a-pair.jsonl": json.dumps({"id": "a", "text": PROSE + "\ud800"}),
    "unclosed.html": f"<html><body><article><p>{PROSE * 5}<p>{PROSE * 5}",
    "no-units.jsonl": json.dumps({"id": "a", "text": PROSE, "sentences": []}),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_only_odd_is_scored_or_refused_in_one_line(run, tmp_path, name):
    path = tmp_path / name
    path.write_text(ODD[name], encoding="utf-8")
    for format in ("json", "terminal"):
        status, out, err = result = run(path, "--format", format)
        if status == 2:
            check_refused(result, path)
        else:
            assert (status, err) == (0, "")
            assert "\x1b" not in out


def test_bad_lines_of_a_records_file_are_skipped_and_the_rest_is_scored(run, tmp_path):
    path = tmp_path / "mixed.jsonl"
    good = json.dumps({"id": "good", "text": PROSE})
    path.write_text("\n".join([good, "rubbish", '{"id": 1}', good.replace("good", "better"), ""]))
    status, out, err = run(path, "--format", "json")
    assert status == 1
    report = json.loads(out)
    assert [article["id"] for article in report["articles"]] == ["good", "better"]
    assert [s["source"] for s in report["skipped"]] == [f"{path}, line {n}" for n in (2, 3)]
    assert err == "framescope: 2 inputs were skipped; the report says why\n"


def test_what_to_install_is_said_for_a_clone_and_for_an_index(monkeypatch, tmp_path):
    root = Path(errors.__file__).parents[1]
    assert errors.how_to_install("training") == f"pip install '{root}[training]'"
    assert errors.how_to_upgrade().startswith(f"git -C '{root}' pull")
    monkeypatch.setattr(errors, "_CLONE", tmp_path)
    assert errors.how_to_install("pandas") == "pip install 'framescope[pandas]'"
    assert errors.how_to_install() == "pip install 'framescope'"
    assert errors.how_to_upgrade() == "pip install --upgrade framescope"
