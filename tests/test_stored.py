"""A stranger's bundle: whatever its files say of themselves, one line, and no memory taken."""

from __future__ import annotations

import io
import shutil
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from framescope.classifier import bundles
from framescope.classifier.errors import BundleError, SourcesError
from framescope.classifier.models.base import read_arrays, read_json
from framescope.classifier.outlets import load_registry

WEIGHTS, VOCABULARY = "weights.npz", "vocabulary.json"
HUGE, DEEP = "1" + "0" * 400, "[" * 100_000 + "]" * 100_000


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
        (npy("'<f4'", f"({80_000_000},)", bytes(320_000_000)), "larger than a bundle's are"),
    ],
)
def test_arrays_are_checked_before_they_are_read(tmp_path, weights, expected):
    path = tmp_path / "a.npz"
    path.write_bytes(archive(**{**GOOD, "weights": weights}))
    tracemalloc.start()
    with pytest.raises((ValueError, OSError), match=expected):
        read_arrays(path, ("weights", "intercepts"))
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DEEP, "too deep"),
        ("[" * 60 + "]" * 60, "too deep"),
        (f"[{HUGE}]", "too large"),
        ("[1" + "0" * 5000 + "]", None),
        ("[1e999]", "not finite"),
        ('{"a": -Infinity}', "not finite"),
        ("{", None),
        (" " * 31_000_000, "more than a bundle's file has"),
    ],
    ids=range(8),
)
def test_json_is_checked_before_anything_computes_with_it(tmp_path, text, expected):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=expected):
        read_json(path)


def _huge_array(folder: Path, text: str) -> str:
    with zipfile.ZipFile(folder / WEIGHTS) as held:
        members = {name.removesuffix(".npy"): held.read(name) for name in held.namelist()}
    members["weights"] = npy("'<f4'", "(900000000, 2000)", bytes(3_000_000))
    (folder / WEIGHTS).write_bytes(archive(**members))
    return text


def _deep_vocabulary(folder: Path, text: str) -> str:
    (folder / VOCABULARY).write_text('{"blocks": ' + DEEP + "}")
    return text


@pytest.mark.parametrize(
    "change",
    [
        lambda _, text: text.replace(f'"{WEIGHTS}"', '"other.npz"'),
        lambda _, text: text.replace("0.5", HUGE),
        lambda _, text: text.replace("1.0", HUGE),
        lambda _, text: text.replace("{", '{"settings": ' + DEEP + ",", 1),
        _huge_array,
        _deep_vocabulary,
    ],
    ids=["digest", "threshold", "slope", "deep", "array", "vocabulary"],
)
def test_a_hostile_bundle_is_one_line(small_bundle, tmp_path, change):
    folder = tmp_path / "hostile"
    shutil.copytree(small_bundle, folder)
    path = folder / "manifest.json"
    before = {name: bundles.digest(folder / name) for name in (WEIGHTS, VOCABULARY)}
    text = change(folder, path.read_text())
    for name, digest in before.items():
        text = text.replace(digest, bundles.digest(folder / name))
    path.write_text(text)
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
        f'{{"id": "a", "name": "A", "assessments": [{{"confidence": {HUGE}}}]}}',
        '{"id": "a", "name": 1' + "0" * 5000 + "}",
        f'{{"id": "a", "name": "A", "extends": {HUGE}}}',
    ],
)
def test_a_hostile_file_of_outlets_is_one_line(tmp_path, line):
    path = tmp_path / "mine.jsonl"
    path.write_text(line)
    with pytest.raises(SourcesError) as caught:
        load_registry(user=path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
