from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from framescope.classifier import bundles
from framescope.classifier.errors import BundleError
from framescope.classifier.models.base import Calibration
from framescope.classifier.models.tfidf import VOCABULARY, WEIGHTS, Ngrams, TfidfModel

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
        (b"\xff\xfe\x00", "damaged manifest"),
        (b"[1, 2]", "not a framescope manifest"),
        (b"{}", "not a framescope manifest (no format version)"),
        (b'{"format": "1"}', "not a framescope manifest"),
        (b'{"format": 2}', "'name' is missing"),
        (b'{"format": 9, "kind": "one-of-tomorrow"}', "format 9 is newer than this version reads"),
        (b'{"format": 1, "kind": "transformer"}', "retrain it: framescope train transformer --"),
        (b'{"format": 1, "kind": "a\\nb"}', "framescope train baseline|transformer --corpora"),
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
        ({"thresholds_elsewhere": [0.5]}, "thresholds_elsewhere: must be an object"),
        ({"thresholds_elsewhere": {"house": 0.5}}, "thresholds_elsewhere.house: must be an object"),
        ({"thresholds_elsewhere": {"house": {"claim": "0.5"}}}, "must be a number"),
        ({"thresholds_elsewhere": {"house": {"doubt": 0.5}}}, "names other signals"),
        ({"kind": "oracle"}, "unknown kind of model 'oracle'; known: baseline, transformer"),
        ({"kind": ["baseline"]}, "kind: must be text"),
        ({"signals": ["claim", "loaded_langage"]}, "did you mean loaded_language"),
        ({"signals": [["claim"]]}, "signals.0: must be text"),
        ({"signals": ["claim"]}, "thresholds doesn't match the signals"),
        ({"signals": ["loaded_language", "claim"]}, "signals are out of order"),
        ({"thresholds": {**MANIFEST["thresholds"], "doubt": 0.1}}, "thresholds doesn't match"),
        ({"thresholds": [0.4, 0.6]}, "thresholds: must be an object"),
        ({"thresholds": {"claim": True, "loaded_language": 0.6}}, "thresholds.claim: must be a"),
        ({"thresholds": {"claim": float("nan"), "loaded_language": 0.6}}, "is not finite"),
        ({"calibration": {"claim": [1, 0]}}, "calibration doesn't match the signals"),
        ({"calibration": {"claim": [1, 0], "loaded_language": [1]}}, "calibration.loaded_language"),
        ({"calibration": {"claim": [1, 0], "loaded_language": [1, "a"]}}, "must be a number"),
        ({"languages": "en"}, "languages: must be a list"),
        ({"files": ["weights.npz"]}, "files: must be an object"),
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


@pytest.mark.slow
def test_a_flipped_bit_in_any_file_of_a_transformer_is_found(transformer_bundle, tmp_path) -> None:
    for name in bundles.read_manifest(transformer_bundle)["files"]:
        folder = tmp_path / name
        shutil.copytree(transformer_bundle, folder)
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)
        assert refusal(folder).startswith(f"{folder / name}: damaged (its digest differs")
