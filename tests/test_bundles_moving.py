"""Bundles copied to folders, and those of 0.3: packed, or promoted by it."""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path

import pytest
from framescope.classifier import bundles
from framescope.classifier.errors import BundleError
from shelves import by_hand, refusal, typed


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv(bundles.ENVIRONMENT, str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    return by_hand(tmp_path / "made")


def test_a_bundle_is_copied_to_a_folder_and_back_to_the_byte() -> None:
    assert "pushed made to there (" in typed("push", "made", "there")
    typed("pull", "./there", "--output", "back")
    files = [{p.name: p.read_bytes() for p in Path(f).iterdir()} for f in ("made", "back")]
    assert files[0] == files[1]


def test_a_copy_replaces_no_other_folder_and_no_promoted_bundle() -> None:
    Path("mine").mkdir()
    Path("mine/thesis.txt").touch()
    assert "exists and is not a bundle" in refusal("push", "made", "mine")
    assert "is the bundle itself" in refusal("push", "made", "./made")
    assert "lies in the model store" in refusal("pull", "made", "--output", "store/desk")


def test_a_damaged_bundle_is_not_copied() -> None:
    Path("made/weights.npz").write_bytes(b"something else")
    assert "weights.npz: damaged" in refusal("push", "made", "there")
    assert not Path("there").exists()


@pytest.mark.parametrize("suffix", ["tar", "tar.gz"])
def test_a_packed_bundle_of_0_3_says_how_it_is_opened(suffix: str) -> None:
    name = f"desk.framescope.{suffix}"
    with tarfile.open(name, "w:gz" if suffix.endswith("gz") else "w") as packed:
        Path("archive.json").write_text("{}")
        packed.add("archive.json")
        for path in sorted(Path("made").iterdir()):
            packed.add(path, path.name)
    with pytest.raises(BundleError) as raised:
        bundles.load(name)
    command = str(raised.value).rpartition("folder: ")[2]
    assert command == f"mkdir my-bundle && tar -xf {name} -C my-bundle"
    subprocess.run(command, shell=True, check=True)
    assert bundles.load("my-bundle").digest == bundles.load("made").digest


def test_a_store_of_0_3_is_read_and_added_to(here) -> None:
    digest = bundles.load(here).digest
    folder = Path("store/desk")
    by_hand(folder / "1")
    event = {"event": "current", "when": "2026-01-01T00:00:00+00:00", "why": "promoted",
             "version": 1, "before": 0, "digest": digest, "by": None}  # fmt: skip
    (folder / bundles.HISTORY).write_text(json.dumps(event) + "\n")
    pointer = {"format": 1, "kind": "baseline", "current": 1, "versions": {"1": digest}}
    (folder / bundles.POINTER).write_text(json.dumps(pointer, indent=1) + "\n")
    assert bundles.load("desk").digest == digest
    assert bundles.pinned("desk") == "desk@1"
    assert "desk@1" in typed("list")
    assert "what ships" in typed("rollback", "desk")
    assert bundles.resolve("desk") == bundles.default_path("baseline")
    assert bundles.resolve("desk@1").name == "1"
