"""A stranger's bundle: whatever its files say of themselves, one line, and no memory taken."""

from __future__ import annotations

import io
import json
import shutil
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from framescope.classifier import bundles
from framescope.classifier.errors import BundleError, SourcesError
from framescope.classifier.models.stored import read_arrays, read_json
from framescope.classifier.outlets import load_registry

WEIGHTS, VOCABULARY = "weights.npz", "vocabulary.json"


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
        (npy("'<f4'", "(2, 2)"), "larger than it is"),
        (npy("'|O'", "(2, 2)", b"cos\nsystem\n"), "holds no numbers"),
        (npy("'<U900000'", "(2, 2)"), "holds no numbers"),
        (npy("'<f4'", "(-2, 2)", bytes(16)), ""),
        (npy("'<f4'", "__import__('os')", bytes(16)), ""),
        (b"\x93NUMPY", ""),
        (b"", ""),
        (npy("'<f4'", f"({80_000_000},)", bytes(320_000_000)), "larger than a bundle's are"),
    ],
)
def test_arrays_are_looked_at_before_they_are_read(tmp_path, weights, expected):
    path = tmp_path / "a.npz"
    path.write_bytes(archive(**{**GOOD, "weights": weights}))
    tracemalloc.start()
    with pytest.raises((ValueError, OSError), match=expected):
        read_arrays(path, ("weights", "intercepts"))
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def test_arrays_that_are_what_they_say_are_read(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(archive(**GOOD))
    found = read_arrays(path, ("weights", "intercepts"))
    assert {name: value.shape for name, value in found.items()} == {
        "weights": (2, 2), "intercepts": (2,)
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"no other\.npy in it"):
        read_arrays(path, ("other",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[" * 100_000 + "]" * 100_000, "too deep"),
        ("[" * 60 + "]" * 60, "too deep"),
        ("[1" + "0" * 400 + "]", "too large"),
        ("[1" + "0" * 5000 + "]", ""),
        ("[1e999]", "not finite"),
        ("[NaN]", "not finite"),
        ('{"a": -Infinity}', "not finite"),
        ("{", ""),
    ],
)
def test_json_is_looked_at_before_anybody_computes_with_it(tmp_path, text, expected):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=expected):
        read_json(path)


def test_a_file_that_no_bundle_has_is_not_read(tmp_path):
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.truncate(31_000_000)
    with pytest.raises(ValueError, match="more than a bundle's file has"):
        read_json(path)


# --- whole bundles --------------------------------------------------------------------------------


def changed(folder: Path, target: Path, change: Callable[[Path, dict], None]) -> Path:
    """Copy a bundle, change it, and make its digests right."""
    shutil.copytree(folder, target)
    manifest = json.loads((target / "manifest.json").read_text())
    change(target, manifest)
    for name in manifest["files"]:
        manifest["files"][name] = bundles.digest(target / name)
    text = json.dumps(manifest)
    for word, number in (("HUGE", "1" + "0" * 400), ("DEEP", "[" * 99_999 + "]" * 99_999)):
        text = text.replace(f'"{word}"', number)
    (target / "manifest.json").write_text(text)
    return target


def _no_digests(folder: Path, manifest: dict) -> None:
    manifest["files"] = {}


def _one_digest(folder: Path, manifest: dict) -> None:
    del manifest["files"][WEIGHTS]


def _huge_threshold(folder: Path, manifest: dict) -> None:
    manifest["thresholds"] = dict.fromkeys(manifest["thresholds"], "HUGE")


def _huge_slope(folder: Path, manifest: dict) -> None:
    manifest["calibration"] = {name: ["HUGE", 0] for name in manifest["calibration"]}


def _deep(folder: Path, manifest: dict) -> None:
    manifest["settings"] = "DEEP"


def _huge_array(folder: Path, manifest: dict) -> None:
    with zipfile.ZipFile(folder / WEIGHTS) as held:
        members = {name.removesuffix(".npy"): held.read(name) for name in held.namelist()}
    members["weights"] = npy("'<f4'", "(900000000, 2000)", bytes(3_000_000))
    (folder / WEIGHTS).write_bytes(archive(**members))


def _deep_vocabulary(folder: Path, manifest: dict) -> None:
    (folder / VOCABULARY).write_text('{"blocks": ' + "[" * 100_000 + "]" * 100_000 + "}")


@pytest.mark.parametrize(
    "change",
    [
        _no_digests, _one_digest, _huge_threshold, _huge_slope, _deep, _huge_array,
        _deep_vocabulary,
    ],
)  # fmt: skip
def test_a_hostile_bundle_is_one_line(small_bundle, tmp_path, change):
    folder = changed(small_bundle, tmp_path / "hostile", change)
    tracemalloc.start()
    with pytest.raises(BundleError) as caught:
        bundles.load(folder)
    assert tracemalloc.get_traced_memory()[1] < 60_000_000
    tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(folder))


@pytest.mark.parametrize(
    "line",
    [
        "[" * 100_000,
        '{"id": ' + "[" * 100_000,
        '{"id": "a", "name": "A", "assessments": [{"confidence": 1' + "0" * 400 + "}]}",
        '{"id": "a", "name": 1' + "0" * 5000 + "}",
        '{"id": "a", "name": "A", "extends": 1' + "0" * 400 + "}",
    ],
)
def test_a_hostile_file_of_outlets_is_one_line(tmp_path, line):
    path = tmp_path / "mine.jsonl"
    path.write_text(line)
    with pytest.raises(SourcesError) as caught:
        load_registry(user=path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_outlets_are_read_from_files_alone(tmp_path):
    with pytest.raises(SourcesError, match="can't be read"):
        load_registry(user=tmp_path)
    path = tmp_path / "long.jsonl"
    with path.open("wb") as file:
        file.truncate(101_000_000)
    with pytest.raises(SourcesError, match="longer than 100 MB"):
        load_registry(user=path)
