from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from framescope.classifier import bundle
from framescope.classifier.errors import BundleError
from framescope.classifier.models.base import Calibration
from framescope.classifier.models.ngrams import Ngrams
from framescope.classifier.models.tfidf import VOCABULARY, WEIGHTS, TfidfModel

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
    bundle.write(path, MANIFEST, "# By hand\n", save)
    return path


def change(folder: Path, **changes: object) -> None:
    path = folder / bundle.MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def refusal(model: str | Path) -> str:
    with pytest.raises(BundleError) as raised:
        bundle.load(model)
    assert "\n" not in str(raised.value)
    return str(raised.value)


# --- whole ----------------------------------------------------------------------------------------


def test_what_was_written_is_loaded(folder) -> None:
    found = bundle.load(folder)
    assert (found.name, found.signals, found.languages) == ("by-hand", SIGNALS, ("en",))
    assert dict(found.thresholds) == MANIFEST["thresholds"]
    assert found.manifest["format"] == bundle.FORMAT
    assert set(found.manifest["files"]) == {WEIGHTS, VOCABULARY}
    assert (folder / bundle.CARD).read_text() == "# By hand\n"
    assert {p.name for p in folder.iterdir()} == {WEIGHTS, VOCABULARY, "manifest.json", "README.md"}


def test_a_string_is_as_good_as_a_path(folder) -> None:
    assert bundle.load(str(folder)).name == "by-hand"


def test_the_card_may_be_edited(folder) -> None:
    (folder / bundle.CARD).write_text("# Mine\n")
    assert bundle.load(folder).name == "by-hand"


def test_names_of_kinds_mean_those_that_ship() -> None:
    for kind in bundle.KINDS:
        assert bundle.resolve(kind) == bundle.default_path(kind)
        assert bundle.default_path(kind).parent.name == "bundles"


def test_what_is_served_is_calibrated_as_the_manifest_says(folder) -> None:
    found = bundle.load(folder).model.calibration
    assert found.to_record() == MANIFEST["calibration"]


# --- not a bundle, damaged, newer -----------------------------------------------------------------


def test_no_folder_names_what_there_is(tmp_path) -> None:
    message = refusal(tmp_path / "none")
    assert message.startswith(f"{tmp_path / 'none'}: no such bundle")
    assert "baseline, transformer" in message
    file = tmp_path / "file"
    file.touch()
    assert "no such bundle" in refusal(file)


def test_a_folder_without_a_manifest_says_how_to_make_one(tmp_path) -> None:
    message = refusal(tmp_path)
    assert "not a bundle (no manifest.json)" in message
    assert "framescope train" in message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{", "damaged manifest"),
        (b"", "damaged manifest"),
        (b"\xff\xfe\x00", "damaged manifest"),
        (b"[1, 2]", "not a framescope manifest"),
        (b'"text"', "not a framescope manifest"),
        (b"{}", "not a framescope manifest (no format version)"),
        (b'{"format": "1"}', "not a framescope manifest"),
        (b'{"format": 2}', "no name, kind, signals, thresholds, calibration, languages, files"),
        (b"[" * 100_000, "damaged manifest"),
    ],
)
def test_what_is_no_manifest_is_one_clear_line(folder, text, reason) -> None:
    (folder / bundle.MANIFEST).write_bytes(text)
    message = refusal(folder)
    assert message.startswith(f"{folder / bundle.MANIFEST}: ")
    assert reason in message


def test_a_newer_format_asks_for_an_upgrade(folder) -> None:
    change(folder, format=bundle.FORMAT + 1, kind="one-of-tomorrow")
    message = refusal(folder)
    assert (
        f"format {bundle.FORMAT + 1} is newer than this version reads ({bundle.FORMAT})" in message
    )
    assert "get a newer framescope: git -C" in message


@pytest.mark.parametrize(
    ("kind", "named"),
    [("transformer", "transformer"), (None, "baseline|transformer"), ("a\nb", "baseline|transf")],
)
def test_a_bundle_of_the_rules_says_how_to_make_a_new_one_or_go_on_with_it(
    folder, kind, named
) -> None:
    change(folder, format=1, kind=kind)
    message = refusal(folder)
    assert message.startswith(f"{folder / bundle.MANIFEST}: bundle format 1 reads what rules of")
    assert f"retrain it: framescope train {named}" in message
    assert message.endswith("--corpora DIR --output FOLDER")


def test_a_corpus_that_labels_in_another_sense_has_thresholds_of_its_own(folder) -> None:
    assert bundle.load(folder).threshold("claim", "claimbuster") == 0.4
    change(folder, thresholds_elsewhere={"claimbuster": {"claim": 0.25}})
    found = bundle.load(folder)
    assert found.threshold("claim", "claimbuster") == 0.25
    assert found.threshold("claim", "house") == 0.4
    assert found.threshold("loaded_language", "claimbuster") == 0.6
    assert found.thresholds["claim"] == 0.4


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"thresholds_elsewhere": [0.5]}, "thresholds_elsewhere are no numbers"),
        ({"thresholds_elsewhere": {"house": 0.5}}, "thresholds_elsewhere are no numbers"),
        ({"thresholds_elsewhere": {"house": {"claim": "0.5"}}}, "thresholds_elsewhere are no"),
        ({"thresholds_elsewhere": {"house": {"doubt": 0.5}}}, "thresholds_elsewhere are no"),
        ({"kind": "oracle"}, "unknown kind of model 'oracle'; known: baseline, transformer"),
        ({"kind": ["baseline"]}, "unknown kind of model"),
        ({"signals": ["claim", "loaded_langage"]}, "did you mean loaded_language"),
        ({"signals": 3}, "signals"),
        ({"signals": [["claim"]]}, "signals"),
        ({"signals": ["claim"]}, "thresholds doesn't match the signals"),
        ({"signals": ["loaded_language", "claim"]}, "signals"),
        ({"thresholds": {"claim": 0.4}}, "thresholds doesn't match the signals"),
        ({"thresholds": {**MANIFEST["thresholds"], "doubt": 0.1}}, "thresholds doesn't match"),
        ({"thresholds": [0.4, 0.6]}, "thresholds doesn't match the signals"),
        ({"thresholds": {"claim": "0.4", "loaded_language": 0.6}}, "thresholds"),
        ({"thresholds": {"claim": None, "loaded_language": 0.6}}, "thresholds"),
        ({"thresholds": {"claim": float("nan"), "loaded_language": 0.6}}, "is not finite"),
        ({"calibration": {"claim": [1, 0]}}, "calibration doesn't match the signals"),
        ({"calibration": {"claim": [1, 0], "loaded_language": [1]}}, "calibration"),
        ({"calibration": {"claim": [1, 0], "loaded_language": [1, "a"]}}, "calibration"),
        ({"calibration": {"claim": [1, 0], "loaded_language": 1}}, "calibration"),
        ({"languages": "en"}, "languages"),
        ({"languages": [1]}, "languages"),
        ({"files": ["weights.npz"]}, "files"),
        ({"files": {"weights.npz": 1}}, "files"),
        ({"name": None}, "name"),
    ],
)
def test_a_manifest_that_does_not_hold_together_is_refused(folder, changes, reason) -> None:
    change(folder, **changes)
    message = refusal(folder)
    assert message.startswith(f"{folder / bundle.MANIFEST}: ")
    assert reason in message


@pytest.mark.parametrize("name", [WEIGHTS, VOCABULARY])
def test_a_missing_file_is_named(folder, name) -> None:
    (folder / name).unlink()
    assert refusal(folder) == f"{folder / name}: missing from the bundle; get the bundle anew"


@pytest.mark.parametrize("kind", ["baseline", "transformer"])
@pytest.mark.slow
def test_a_flipped_bit_in_any_file_is_found(kind, request, tmp_path) -> None:
    if kind == "transformer":
        pytest.importorskip("torch")
    original = request.getfixturevalue(f"{kind}_bundle")
    for name in bundle.read_manifest(original)["files"]:
        folder = tmp_path / name
        shutil.copytree(original, folder)
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)
        assert refusal(folder).startswith(f"{folder / name}: damaged (its digest differs")


def test_files_outside_the_folder_are_not_named(folder) -> None:
    files = json.loads((folder / bundle.MANIFEST).read_text())["files"]
    outside = folder.parent / "outside"
    outside.write_bytes(b"x")
    change(folder, files={**files, "../outside": bundle.digest(outside)})
    assert "files" in refusal(folder)


def test_a_model_with_other_signals_than_its_manifest_is_refused(tmp_path) -> None:
    path = tmp_path / "mixed"
    manifest = {
        **MANIFEST,
        "signals": ["claim", "slogans"],
        "thresholds": {"claim": 0.5, "slogans": 0.5},
        "calibration": {"claim": [1, 0], "slogans": [1, 0]},
    }
    bundle.write(path, manifest, "", save)
    assert "signals are not those of" in refusal(path)


# --- written whole or not at all ------------------------------------------------------------------


class Full(OSError):  # noqa: N818
    """A disk that is full."""


def broken(folder: Path) -> None:
    save(folder)
    raise Full(28, "No space left on device")


def test_a_failed_write_leaves_the_old_bundle_and_nothing_else(folder) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(Full):
        bundle.write(folder, {**MANIFEST, "name": "new"}, "# New\n", broken)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert list(folder.parent.iterdir()) == [folder]


def test_a_failed_first_write_leaves_nothing(tmp_path) -> None:
    with pytest.raises(Full):
        bundle.write(tmp_path / "made", MANIFEST, "", broken)
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_is_replaced_whole(folder) -> None:
    (folder / "left-over.bin").touch()
    bundle.write(folder, {**MANIFEST, "name": "new"}, "# New\n", save)
    assert bundle.load(folder).name == "new"
    assert not (folder / "left-over.bin").exists()
    assert list(folder.parent.iterdir()) == [folder]


def test_the_old_bundle_comes_back_when_the_new_one_cannot_be_moved_in(folder, monkeypatch) -> None:
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if (self / bundle.CARD).is_file() and (self / bundle.CARD).read_text() == "# New\n":
            raise Full(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(Full):
        bundle.write(folder, {**MANIFEST, "name": "new"}, "# New\n", save)
    assert bundle.load(folder).name == "by-hand"
    assert list(folder.parent.iterdir()) == [folder]


def test_an_empty_folder_is_filled_and_missing_parents_are_made(tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    bundle.write(tmp_path / "empty", MANIFEST, "", save)
    bundle.write(tmp_path / "a" / "b", MANIFEST, "", save)
    assert bundle.load(tmp_path / "empty").name == bundle.load(tmp_path / "a" / "b").name


def test_what_is_no_bundle_is_never_replaced(tmp_path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    file = tmp_path / "file"
    file.write_text("text")
    for path in (mine, file):
        with pytest.raises(BundleError, match="exists and is not a bundle; choose another"):
            bundle.write(path, MANIFEST, "", save)
        with pytest.raises(BundleError, match="exists and is not a bundle"):
            bundle.check_writable(path)
    assert (mine / "thesis.txt").read_text() == "years of work"
    assert file.read_text() == "text"


def test_another_manifest_json_is_no_bundle(tmp_path) -> None:
    mine = tmp_path / "web-app"
    mine.mkdir()
    (mine / "manifest.json").write_text('{"name": "my web app", "icons": []}')
    with pytest.raises(BundleError, match="exists and is not a bundle"):
        bundle.write(mine, MANIFEST, "", save)


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(BundleError, match="can't be written"):
        bundle.check_writable(file / "made")
    with pytest.raises(BundleError, match="can't be written"):
        bundle.write(file / "made", MANIFEST, "", save)


def test_the_current_folder_can_be_written_into(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    bundle.write(Path("made"), MANIFEST, "", save)
    assert bundle.load("made").name == "by-hand"


def test_others_may_read_it(folder) -> None:
    umask = os.umask(0)
    os.umask(umask)
    assert folder.stat().st_mode & 0o777 == 0o777 & ~umask
