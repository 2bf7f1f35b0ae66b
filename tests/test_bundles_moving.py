"""Bundles at addresses of a stand-in for a hub, copied to folders, and promoted under a name."""

import json
import subprocess
import tarfile
from pathlib import Path

import hubs
import pytest
from framescope.classifier import bundles
from framescope.classifier.errors import BundleError
from shelves import by_hand, changed, refusal, typed

ADDRESS = "hf://desk/mine"


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A folder to work in, with a bundle in it and an empty store; return the bundle."""
    monkeypatch.setenv(bundles.ENVIRONMENT, str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    return by_hand(tmp_path / "made")


@pytest.fixture(scope="module")
def running():
    with hubs.running() as hub:
        yield hub


@pytest.fixture
def hub(running, here, tmp_path, monkeypatch):
    """An empty hub, and nothing kept of it."""
    constants = pytest.importorskip("huggingface_hub.constants")
    running.commits.clear()
    running.asked.clear()
    monkeypatch.setenv("HF_ENDPOINT", running.address)
    monkeypatch.setenv("HF_TOKEN", "hf_made_up")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "kept"))
    return running


def test_what_was_pushed_is_pulled_to_the_byte(hub):
    before = {p.name: p.read_bytes() for p in Path("made").iterdir()}
    Path("made/notes.txt").write_text("not for others")
    said = typed("push", "made", ADDRESS)
    (commit,) = hub.commits["desk/mine"]
    assert f"{ADDRESS}@{commit}" in said
    assert hub.private["desk/mine"]
    assert f"revision {commit}" in typed("pull", ADDRESS, "--output", "got")
    assert {p.name: p.read_bytes() for p in Path("got").iterdir()} == before


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
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
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
    assert not any(line.startswith("POST") for line in hub.asked)


def test_a_bundle_is_copied_to_a_folder_and_back_to_the_byte(here) -> None:
    assert "pushed made to there (" in typed("push", "made", "there")
    typed("pull", "./there", "--output", "back")
    files = [{p.name: p.read_bytes() for p in Path(f).iterdir()} for f in ("made", "back")]
    assert files[0] == files[1]


def test_a_copy_replaces_no_other_folder_and_no_promoted_bundle(here) -> None:
    Path("mine").mkdir()
    Path("mine/thesis.txt").touch()
    assert "exists and is not a bundle" in refusal("push", "made", "mine")
    assert "is the bundle itself" in refusal("push", "made", "./made")
    assert "lies in the model store" in refusal("pull", "made", "--output", "store/desk")


def test_a_packed_bundle_of_0_3_says_how_it_is_opened(here) -> None:
    name = "desk.framescope.tar.gz"
    with tarfile.open(name, "w:gz") as packed:
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
    assert bundles.resolve("desk") == bundles.resolve("baseline")
    assert bundles.resolve("desk@1").name == "1"
