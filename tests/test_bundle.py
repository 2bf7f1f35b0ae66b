"""Bundles, written and read; a stranger's is one line, whatever it says, and takes no memory."""

import io
import json
import os
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from framescope.classifier import bundles
from framescope.classifier.errors import BundleError, InputError
from framescope.classifier.models.base import Calibration, read_arrays
from framescope.classifier.models.tfidf import VOCABULARY, WEIGHTS, Ngrams, TfidfModel
from framescope.classifier.records import Article, Unit

SIGNALS = ("claim", "loaded_language")
MANIFEST = {
    "name": "by-hand",
    "kind": "baseline",
    "signals": list(SIGNALS),
    "languages": ["en"],
    "thresholds": {"claim": 0.4, "loaded_language": 0.6},
    "calibration": {"claim": [1.0, 0.0], "loaded_language": [2.0, -1.0]},
}


def save(folder: Path) -> None:
    """A baseline of three words, made by hand."""
    words = Ngrams("word", 1, 1, ("ferry", "said", "vile"), np.ones(3, np.float32))
    weights = np.array([[1, 2, 0], [0, -1, 4]], np.float64)
    model = TfidfModel(SIGNALS, (words,), weights, np.zeros(2), Calibration.identity(SIGNALS))
    model.save(folder)


@pytest.fixture
def folder(tmp_path) -> Path:
    path = tmp_path / "made"
    bundles.write(path, MANIFEST, "# By hand\n", save)
    return path


def change(folder: Path, **changes: object) -> None:
    path = folder / bundles.MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def refusal(model: str | Path) -> str:
    with pytest.raises(BundleError) as raised:
        bundles.load(model)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_what_was_written_is_loaded(folder) -> None:
    found = bundles.load(str(folder))
    assert (found.name, found.signals, found.languages) == ("by-hand", SIGNALS, ("en",))
    assert dict(found.thresholds) == MANIFEST["thresholds"]
    assert found.model.calibration.to_record() == MANIFEST["calibration"]
    assert found.manifest["format"] == bundles.FORMAT
    assert set(found.manifest["files"]) == {WEIGHTS, VOCABULARY}
    assert {p.name for p in folder.iterdir()} == {WEIGHTS, VOCABULARY, "manifest.json", "README.md"}
    umask = os.umask(0)
    os.umask(umask)
    assert folder.stat().st_mode & 0o777 == 0o777 & ~umask


def test_a_bundle_knows_the_articles_that_it_has_seen_however_they_are_set(folder) -> None:
    text = "Fares rose, said Ada Quill. Nobody in Vesk knew why."
    digests = {bundles.text_digest(one) for one in (text, "The ferry left.")}
    bundles.write(folder, MANIFEST, "# Mine\n", save, digests)
    found = bundles.load(folder)
    whole = Article("a", text.upper().replace(" ", "\n "))
    other, units = Article("b", text[1:]), (Unit(0, 15), Unit(16, 28))
    half = Article("c", "The ferry left. It was late.", units=units)
    assert [found.has_seen(one) for one in (whole, other, half)] == [True, False, True]
    assert len({bundles.text_digest(one) for one in ("", "***", "1 2", "12", "1 2a", "12A")}) == 5
    with pytest.raises(InputError, match=r"^mine.jsonl: by-hand .* 2 of the 3 .*; label new "):
        bundles.refuse_seen([found], [whole, other, half], ["mine.jsonl"])
    kept = folder.with_name("made.run") / "added" / "test.jsonl"
    kept.parent.mkdir(parents=True)
    kept.touch()
    with pytest.raises(InputError, match=f"give others, as {kept}"):
        bundles.refuse_seen([found], [whole], ["mine.jsonl"])


def test_a_bundle_without_a_list_of_articles_is_told_once(folder, capsys) -> None:
    for _ in range(2):
        bundles.refuse_seen([bundles.load(folder)], [Article("a", "It rained.")], ["mine.jsonl"])
    (line,) = capsys.readouterr().err.splitlines()
    assert "keeps no list of articles" in line


def test_the_card_may_be_edited_and_must_be_there(folder) -> None:
    (folder / bundles.CARD).write_text("# Mine\n")
    assert bundles.load(folder).name == "by-hand"
    (folder / bundles.CARD).unlink()
    assert "without its card" in refusal(folder)


def test_a_corpus_that_labels_in_another_sense_has_thresholds_of_its_own(folder) -> None:
    assert bundles.load(folder).threshold("claim", "claimbuster") == 0.4
    change(folder, thresholds_elsewhere={"claimbuster": {"claim": 0.25}})
    found = bundles.load(folder)
    assert found.threshold("claim", "claimbuster") == 0.25
    assert found.threshold("claim", "house") == found.thresholds["claim"] == 0.4
    assert found.threshold("loaded_language", "claimbuster") == 0.6


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{", "damaged manifest"),
        (b"[1, 2]", "not a framescope manifest"),
        (b"{}", "not a framescope manifest (no format version)"),
        (b'{"format": 2}', "'name' is missing"),
        (b'{"format": 9, "kind": "one-of-tomorrow"}', "format 9 is newer than this version reads"),
        (b'{"format": 1, "kind": "transformer"}', "retrain it: framescope train transformer --"),
        (b'{"format": 1, "kind": "a\\nb"}', "framescope train baseline|transformer"),
        (b"[" * 100_000, "damaged manifest"),
    ],
)
def test_what_is_no_manifest_is_one_clear_line(folder, text, reason) -> None:
    (folder / bundles.MANIFEST).write_bytes(text)
    message = refusal(folder)
    assert message.startswith(f"{folder / bundles.MANIFEST}: ")
    assert reason in message


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"thresholds_elsewhere": {"house": {"claim": "0.5"}}}, "must be a number"),
        ({"thresholds_elsewhere": {"house": {"doubt": 0.5}}}, "names other signals"),
        ({"kind": "oracle"}, "unknown kind of model 'oracle'; known: baseline, transformer"),
        ({"signals": ["claim", "loaded_langage"]}, "did you mean loaded_language"),
        ({"signals": ["claim"]}, "thresholds doesn't match the signals"),
        ({"signals": ["loaded_language", "claim"]}, "signals are out of order"),
        ({"thresholds": {**MANIFEST["thresholds"], "doubt": 0.1}}, "thresholds doesn't match"),
        ({"thresholds": {"claim": True, "loaded_language": 0.6}}, "thresholds.claim: must be a"),
        ({"thresholds": {"claim": float("nan"), "loaded_language": 0.6}}, "is not finite"),
        ({"thresholds": {"claim": 10**400, "loaded_language": 0.6}}, ""),
        ({"calibration": {"claim": [1, 0]}}, "calibration doesn't match the signals"),
        ({"calibration": {"claim": [1, 0], "loaded_language": [1]}}, "calibration.loaded_language"),
        ({"files": {"weights.npz": "", "vocabulary.json": "", "../outside": ""}}, "files are not"),
        ({"name": None}, "name: must be text"),
    ],
)  # fmt: skip
def test_a_manifest_that_contradicts_itself_is_refused(folder, changes, reason) -> None:
    change(folder, **changes)
    message = refusal(folder)
    assert message.startswith(f"{folder / bundles.MANIFEST}: ")
    assert reason in message


@pytest.mark.parametrize("name", [WEIGHTS, VOCABULARY])
def test_a_missing_or_changed_file_is_named(folder, name) -> None:
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    assert refusal(folder).startswith(f"{folder / name}: damaged (its digest differs")
    (folder / name).unlink()
    assert refusal(folder).startswith(f"{folder / name}: missing from the bundle")


def test_a_model_with_other_signals_than_its_manifest_is_refused(tmp_path) -> None:
    manifest = {
        **MANIFEST,
        "signals": ["claim", "slogans"],
        "thresholds": {"claim": 0.5, "slogans": 0.5},
        "calibration": {"claim": [1, 0], "slogans": [1, 0]},
    }
    bundles.write(tmp_path / "mixed", manifest, "", save)
    assert "signals are not those of" in refusal(tmp_path / "mixed")


class Full(OSError):  # noqa: N818
    """A disk that is full."""


def broken(folder: Path) -> None:
    save(folder)
    raise Full(28, "No space left on device")


def test_a_failed_write_leaves_the_old_bundle_and_nothing_else(folder) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for target in (folder, folder.with_name("new")):
        with pytest.raises(Full):
            bundles.write(target, {**MANIFEST, "name": "new"}, "# New\n", broken)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert list(folder.parent.iterdir()) == [folder]


def test_the_old_bundle_comes_back_when_the_new_one_cannot_be_moved_in(folder, monkeypatch) -> None:
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if (self / bundles.CARD).is_file() and (self / bundles.CARD).read_text() == "# New\n":
            raise Full(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(Full):
        bundles.write(folder, {**MANIFEST, "name": "new"}, "# New\n", save)
    assert bundles.load(folder).name == "by-hand"
    assert list(folder.parent.iterdir()) == [folder]


def test_what_is_no_bundle_is_never_replaced(tmp_path) -> None:
    mine, app, file = (tmp_path / name for name in ("mine", "web-app", "file"))
    for folder in (mine, app):
        folder.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    (app / "manifest.json").write_text('{"name": "my web app", "icons": []}')
    file.write_text("text")
    for path in (mine, app, file):
        with pytest.raises(BundleError, match="exists and is not a bundle; choose another"):
            bundles.write(path, MANIFEST, "", save)
        with pytest.raises(BundleError, match="exists and is not a bundle"):
            bundles.check_writable(path)
    with pytest.raises(BundleError, match="can't be written"):
        bundles.write(file / "made", MANIFEST, "", save)
    assert (mine / "thesis.txt").read_text() == "years of work"
    assert file.read_text() == "text"


def npy(dtype: str, shape: str, data: bytes = b"") -> bytes:
    """An array's file whose header says whatever it likes."""
    header = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + data


def archive(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as held:
        for name, data in members.items():
            held.writestr(f"{name}.npy", data)
    return out.getvalue()


def array(values: object) -> bytes:
    out = io.BytesIO()
    np.save(out, np.asarray(values))
    return out.getvalue()


GOOD = {"weights": array(np.zeros((2, 2), np.float32)), "intercepts": array([0.0, 0.0])}


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (npy("'<f4'", "(900000000, 2000)"), "larger than it is"),
        (npy("'<f4'", f"({10**18}, {10**18})"), "larger than it is"),
        (npy("'|O'", "(2, 2)", b"cos\nsystem\n"), "holds no numbers"),
        (npy("'<U900000'", "(2, 2)"), "holds no numbers"),
        (npy("'<f4'", "(-2, 2)", bytes(16)), None),
        (npy("'<f4'", "__import__('os')", bytes(16)), None),
        (b"\x93NUMPY", None),
        (b"", None),
        (npy("'<f4'", "(8000000,)", bytes(32_000_000)), "larger than a bundle's are"),
    ],
)
def test_arrays_are_checked_before_they_are_read(tmp_path, monkeypatch, weights, expected):
    monkeypatch.setattr("framescope.classifier.models.base.MAX_FILE", 30_000_000)
    path = tmp_path / "a.npz"
    path.write_bytes(archive(**{**GOOD, "weights": weights}))
    tracemalloc.start()
    with pytest.raises((ValueError, OSError), match=expected):
        read_arrays(path, ("weights", "intercepts"))
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
