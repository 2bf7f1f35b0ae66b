"""Whatever is handed over: one line that says what is wrong, or a report; never a traceback.

Cases that are text lie in cases/bad_input, with the reason that is to be given in reasons.json.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from framescope.classifier import errors

CASES = Path(__file__).parent / "cases" / "bad_input"
REASONS: dict[str, str] = json.loads((CASES / "reasons.json").read_text(encoding="utf-8"))


@pytest.fixture
def run(type_command, small_bundle):
    return lambda *words: type_command("score", *words, "--model", small_bundle)


def check_refused(result: tuple[int, str, str], source: object, reason: str) -> None:
    status, out, err = result
    assert (status, out) == (2, "")
    assert err.startswith(f"framescope: {source}: ")
    assert reason in err
    assert err.count("\n") == 1
    assert len(err) < 500
    assert err.rstrip("\n").isprintable()


def check_scored(result: tuple[int, str, str]) -> list[dict]:
    status, out, err = result
    assert (status, err) == (0, "")
    articles = json.loads(out)["articles"]
    for article in articles:
        for sentence in article["sentences"]:
            assert all(0 <= score <= 1 for score in (sentence["scores"] or {}).values())
    return articles


def test_every_case_has_its_reason() -> None:
    assert {path.name for path in CASES.iterdir()} == set(REASONS)


@pytest.mark.parametrize("name", REASONS)
def test_a_file_that_holds_no_article_is_refused(run, name) -> None:
    check_refused(run(CASES / name), CASES / name, REASONS[name])


def _zip() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("article.txt", "The ferry left.")
    return held.getvalue()


RANDOM = np.random.default_rng(0).integers(0, 256, 20_000, np.uint8).tobytes()
BINARY = {
    "random": RANDOM,
    "random.txt": RANDOM,
    "random.html": RANDOM,
    "random.jsonl": RANDOM,
    "picture.png": b"\x89PNG\r\n\x1a\n" + RANDOM[:2000],
    "report.pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + RANDOM[:2000],
    "random.txt.gz": gzip.compress(RANDOM, mtime=0),
    "article.txt.gz": gzip.compress(b"The ferry left. " * 500, mtime=0)[:-9],
    "article.txt.bz2": bz2.compress(b"The ferry left. " * 500)[:-9],
    "article.docx": _zip(),
    "program": b"\x7fELF\x02\x01\x01" + bytes(500) + RANDOM[:2000],
    "database": b"SQLite format 3\x00" + bytes(2000),
    "zeros": bytes(10_000),
}


@pytest.mark.parametrize("name", BINARY)
def test_what_is_no_text_is_refused(run, tmp_path, name) -> None:
    path = tmp_path / name
    path.write_bytes(BINARY[name])
    check_refused(run(path), path, "")


def test_fifty_megabytes_of_text_are_refused(run, tmp_path) -> None:
    path = tmp_path / "dump.txt"
    path.write_bytes(b"The ferry left Orrin at noon. " * (50_000_000 // 30))
    check_refused(run(path), path, "is longer than 10 MB")


def test_one_line_of_fifty_megabytes_in_a_records_file_is_refused(run, tmp_path) -> None:
    path = tmp_path / "dump.jsonl"
    path.write_bytes(b'{"id": "a", "text": "' + b"ferry " * (50_000_000 // 6) + b'"}\n')
    check_refused(run(path), path, "line 1")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("none.txt", "no such file"),
        (".", "no file there that may hold an article"),
        ("a\nb\x1b[31m.txt", "no file there that matches"),
        ("x" * 5000, "cannot be opened"),
        ("nul\x00byte", "cannot be opened"),
        ("ftp://courier.example/ferry", "ftp addresses are not read"),
        ("file:///etc/hostname", "file addresses are not read"),
        ("", ""),
    ],
)
def test_a_source_that_is_no_file_is_refused(run, tmp_path, monkeypatch, source, reason) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = run(source)
    assert (status, out) == (2, "")
    assert reason in err
    assert err.count("\n") == 1
    assert "\x1b" not in err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_rights_is_refused(run, tmp_path) -> None:
    path = tmp_path / "secret.txt"
    path.write_text("The ferry left.")
    path.chmod(0)
    check_refused(run(path), path, "cannot be opened (Permission denied)")


PROSE = "The vile ferry of Orrin cost the town 900 crowns, the mayor said on a Tuesday. "
ODD = {
    "one-word.txt": b"Ferry",
    "no-full-stop.txt": (PROSE.replace(".", "") * 2000).encode(),
    "one-long-word.txt": b"a" * 200_000,
    "utf-16.txt": (PROSE * 3).encode("utf-16"),
    "latin-1.txt": (PROSE + "Le maire a déclaré. " * 2).encode("latin-1"),
    "bom.txt": b"\xef\xbb\xbf" + PROSE.encode(),
    "controls.txt": (PROSE + "\x1b[31mred\x07\x0b\x0c " + PROSE).encode(),
    "marks.txt": ("e" + "\u0301" * 5000 + " " + PROSE).encode(),
    "right-to-left.txt": (PROSE + "\u202e" + PROSE).encode(),
    "half-a-pair.jsonl": json.dumps({"id": "a", "text": PROSE + "\ud800"}).encode(),
    "deep.html": b"<html><body>" + b"<div>" * 5000 + f"<p>{PROSE * 5}".encode(),
    "unclosed.html": f"<html><body><article><p>{PROSE * 5}<p>{PROSE * 5}".encode(),
    "script.html": (
        f"<html><body><script>alert('{PROSE}')</script><article><p>{PROSE * 5}</p></article>"
    ).encode(),
    "whitespace-units.jsonl": json.dumps(
        {"id": "a", "text": "   ", "sentences": [{"start": 0, "end": 2}]}
    ).encode(),
    "no-units.jsonl": json.dumps({"id": "a", "text": PROSE, "sentences": []}).encode(),
}


@pytest.mark.parametrize("format", ["json", "terminal"])
@pytest.mark.parametrize("name", ODD)
def test_what_is_only_odd_is_scored_or_refused_in_one_line(run, tmp_path, name, format) -> None:
    path = tmp_path / name
    path.write_bytes(ODD[name])
    status, out, err = result = run(path, "--format", format)
    if status == 2:
        check_refused(result, path, "")
    elif format == "json":
        check_scored(result)
    else:
        assert (status, err) == (0, "")
        assert "\x1b" not in out


@pytest.mark.parametrize("name", ["utf-16.txt", "latin-1.txt", "bom.txt", "unclosed.html"])
def test_an_odd_encoding_or_page_is_read(run, tmp_path, name) -> None:
    path = tmp_path / name
    path.write_bytes(ODD[name])
    (article,) = check_scored(run(path, "--format", "json"))
    flags = {flag for sentence in article["sentences"] for flag in sentence["flags"]}
    assert flags == {"claim", "loaded_language"}


def test_bad_lines_of_a_records_file_are_skipped_and_the_rest_is_scored(run, tmp_path) -> None:
    path = tmp_path / "mixed.jsonl"
    good = json.dumps({"id": "good", "text": PROSE})
    path.write_text("\n".join([good, "rubbish", '{"id": 1}', good.replace("good", "better"), ""]))
    status, out, err = run(path, "--format", "json")
    assert status == 1
    report = json.loads(out)
    assert [article["id"] for article in report["articles"]] == ["good", "better"]
    assert [s["source"] for s in report["skipped"]] == [f"{path}, line {n}" for n in (2, 3)]
    assert err == "framescope: 2 inputs were skipped; the report says why\n"


# --- what a message says to type ------------------------------------------------------------------


def test_what_to_install_is_said_for_a_clone_and_for_an_index(monkeypatch, tmp_path) -> None:
    root = Path(errors.__file__).parents[1]
    assert errors.how_to_install("training") == f"pip install '{root}[training]'"
    assert errors.how_to_upgrade().startswith(f"git -C '{root}' pull")
    monkeypatch.setattr(errors, "_CLONE", tmp_path)
    assert errors.how_to_install("pandas") == "pip install 'framescope[pandas]'"
    assert errors.how_to_install() == "pip install 'framescope'"
    assert errors.how_to_upgrade() == "pip install --upgrade framescope"


def test_no_message_says_to_install_what_only_an_index_has() -> None:
    root = Path(errors.__file__).parents[1]
    sources = [path for room in ("classifier", "training", "eval", "framescope")
               for path in (root / room).rglob("*.py") if path.name != "errors.py"]  # fmt: skip
    assert len(sources) > 150
    for path in sources:
        for line in path.read_text(encoding="utf-8").splitlines():
            assert not re.search(r"pip install '?framescope", line), (path, line)
