"""Bundles at addresses: pushed to a stand-in for a hub, fetched from it, kept by revision."""

from __future__ import annotations

import json
from pathlib import Path

import hubs
import pytest
from framescope.classifier import bundles
from framescope.classifier.errors import BundleError
from shelves import by_hand, changed, refusal, typed

huggingface_hub = pytest.importorskip("huggingface_hub")
constants = pytest.importorskip("huggingface_hub.constants")

ADDRESS = "hf://desk/mine"


@pytest.fixture(scope="module")
def running():
    with hubs.running() as hub:
        yield hub


@pytest.fixture
def hub(running, tmp_path, monkeypatch):
    """An empty hub, and nothing kept of it."""
    running.commits.clear()
    running.asked.clear()
    monkeypatch.setenv("HF_ENDPOINT", running.address)
    monkeypatch.setenv("HF_TOKEN", "hf_made_up")
    monkeypatch.setenv(bundles.ENVIRONMENT, str(tmp_path / "shelf"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "kept"))
    monkeypatch.chdir(tmp_path)
    by_hand(tmp_path / "made")
    return running


def test_what_was_pushed_is_pulled_to_the_byte(hub):
    said = typed("push", "made", ADDRESS)
    (commit,) = hub.commits["desk/mine"]
    assert f"{ADDRESS}@{commit}" in said
    assert hub.private["desk/mine"]
    assert f"revision {commit}" in typed("pull", ADDRESS, "--output", "got")
    assert {p.name: p.read_bytes() for p in Path("got").iterdir()} == {
        p.name: p.read_bytes() for p in Path("made").iterdir()
    }


def test_only_what_a_bundle_holds_is_pushed(hub):
    Path("made/notes.txt").write_text("not for others")
    typed("push", "made", ADDRESS)
    (files,) = hub.commits["desk/mine"].values()
    assert "notes.txt" not in files
    assert {bundles.CARD, bundles.MANIFEST} <= files.keys()


def test_an_address_is_a_model_and_its_revision_stays_what_it_was(hub):
    typed("push", "made", ADDRESS)
    first, *_ = hub.commits["desk/mine"]
    changed(Path("made"), Path("other"), name="other")
    typed("push", "./other", ADDRESS)
    assert bundles.load(ADDRESS).name == "other"
    assert bundles.load(f"{ADDRESS}@{first}").name == "by-hand"
    pinned = bundles.pinned(ADDRESS)
    assert pinned == f"{ADDRESS}@{list(hub.commits['desk/mine'])[-1]}"
    typed("push", "made", ADDRESS)
    assert bundles.load(pinned).name == "other"


def test_what_was_fetched_by_its_commit_asks_nothing_more(hub, monkeypatch):
    typed("push", "made", ADDRESS)
    (commit,) = hub.commits["desk/mine"]
    bundles.load(ADDRESS)
    hub.asked.clear()
    assert bundles.load(f"{ADDRESS}@{commit}").name == "by-hand"
    assert hub.asked == []
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert bundles.load(ADDRESS).name == "by-hand"
    assert hub.asked == []


def test_other_files_under_right_names_do_not_load(hub):
    typed("push", "made", ADDRESS)
    hub.commit("desk/mine", {"weights.npz": b"something else"})
    with pytest.raises(BundleError, match=r"weights\.npz: damaged \(its digest differs"):
        bundles.load(ADDRESS)
    assert "damaged" in refusal("pull", ADDRESS, "--output", "got")
    assert not Path("got").exists()


def test_a_manifest_that_names_files_elsewhere_fetches_nothing(hub):
    typed("push", "made", ADDRESS)
    record = json.loads(Path("made/manifest.json").read_text())
    record["files"]["../../evil"] = "0" * 64
    hub.commit("desk/mine", {bundles.MANIFEST: json.dumps(record).encode()})
    hub.asked.clear()
    with pytest.raises(BundleError, match="files are not names and digests"):
        bundles.load(ADDRESS)
    assert all(line.endswith(bundles.MANIFEST) for line in hub.asked)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("hf://desk/none", "can't be fetched"),
        ("hf://desk/mine@nowhere", "can't be fetched"),
        ("hf://", "not an address"),
        ("hf://a/b/c", "not an address"),
        ("hf://desk/../x", "not an address"),
        ("hf://desk/mine@", "not an address"),
    ],
)
def test_what_is_not_there_is_one_line(hub, address, reason):
    typed("push", "made", ADDRESS)
    with pytest.raises(BundleError, match=reason) as raised:
        bundles.load(address)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith(f"{address}: ")


def test_a_hub_that_is_not_reached_is_one_line(hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(BundleError, match=r"^hf://desk/mine: can't be fetched"):
        bundles.load(ADDRESS)
    assert "can't be pushed" in refusal("push", "made", ADDRESS)


def test_a_commit_is_made_and_not_named(hub):
    assert "leave out @main" in refusal("push", "made", f"{ADDRESS}@main")
    assert hub.writes() == []
