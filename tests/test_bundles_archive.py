"""A bundle as one file: signed, the same bytes each time, checked before it is written."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import stat
import tarfile
from pathlib import Path

import pytest
from framescope.classifier import bundle as bundles
from framescope.classifier.errors import BundleError
from shelves import by_hand, changed, refusal, typed

FORMS = ("tar", "tar.gz", "tar.zst")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv(bundles.ENVIRONMENT, str(tmp_path / "shelf"))
    monkeypatch.chdir(tmp_path)
    return by_hand(tmp_path / "made")


@pytest.fixture
def keys(folder, tmp_path) -> tuple[Path, Path]:
    pytest.importorskip("cryptography")
    typed("key", "--output", tmp_path / "desk.key")
    return tmp_path / "desk.key", tmp_path / "desk.key.pub"


def members(path: Path) -> list[tuple[tarfile.TarInfo, bytes]]:
    with tarfile.open(path) as tar:
        return [(one, tar.extractfile(one).read()) for one in tar]


def built(path: Path, contents: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for member, data in contents:
            member.size = len(data) if member.isreg() else member.size
            tar.addfile(member, io.BytesIO(data))
    return path


def named(name: str) -> tarfile.TarInfo:
    return tarfile.TarInfo(name)


def unpacked(path: Path, *words: object) -> str:
    return refusal("unpack", path, "--output", "out", "--unverified", *words)


# --- whole ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_what_was_packed_comes_out_to_the_byte(folder, keys, form):
    if form.endswith("zst"):
        pytest.importorskip("zstandard")
    private, public = keys
    said = typed("pack", folder, "--output", f"a.framescope.{form}", "--key", private)
    digest = hashlib.sha256(Path(f"a.framescope.{form}").read_bytes()).hexdigest()
    assert f"SHA-256 {digest}" in said
    out = typed("unpack", f"a.framescope.{form}", "--output", "out", "--key", public)
    assert "signed by key" in out
    assert f"SHA-256 {digest}" in out
    assert {p.name: p.read_bytes() for p in Path("out").iterdir()} == {
        p.name: p.read_bytes() for p in folder.iterdir()
    }
    assert bundles.load("out").name == "by-hand"


@pytest.mark.parametrize("form", FORMS)
def test_the_same_bundle_gives_the_same_bytes(folder, keys, form):
    if form.endswith("zst"):
        pytest.importorskip("zstandard")
    for name in ("a", "b"):
        typed("pack", folder, "--output", f"{name}.{form}", "--key", keys[0])
        (folder / "weights.npz").touch()
    assert Path(f"a.{form}").read_bytes() == Path(f"b.{form}").read_bytes()


def test_without_output_it_is_written_under_its_own_name(folder):
    typed("pack", folder, "--output", "a.tar")
    typed("unpack", "a.tar", "--unverified")
    assert bundles.load("./by-hand").name == "by-hand"


def test_push_and_pull_know_an_archive_by_its_name(folder):
    assert "SHA-256" in typed("push", folder, "a.tar.gz")
    typed("pull", "a.tar.gz", "--output", "out", "--unverified")
    assert bundles.load("out").name == "by-hand"


def test_an_archive_as_a_model_says_what_to_type(folder):
    typed("pack", folder, "--output", "a.tar")
    with pytest.raises(BundleError, match=r"framescope bundles unpack a\.tar"):
        bundles.resolve("a.tar")


# --- who vouches for it ---------------------------------------------------------------------------


def test_unsigned_it_needs_its_digest_or_a_clear_word(folder):
    typed("pack", folder, "--output", "a.tar")
    digest = hashlib.sha256(Path("a.tar").read_bytes()).hexdigest()
    message = refusal("unpack", "a.tar", "--output", "out")
    assert "not signed" in message
    assert digest in message
    assert not Path("out").exists()
    assert "not the one given" in refusal(
        "unpack", "a.tar", "--output", "out", "--digest", "0" * 64
    )
    typed("unpack", "a.tar", "--output", "out", "--digest", digest.upper())
    assert bundles.load("out").name == "by-hand"


def test_a_signature_needs_the_key_that_the_user_trusts(folder, keys):
    typed("key", "--output", "other.key")
    typed("pack", folder, "--output", "a.tar", "--key", keys[0])
    assert "nothing says that it is its maker's" in refusal("unpack", "a.tar", "--output", "out")
    assert "signed by another key" in refusal(
        "unpack", "a.tar", "--output", "out", "--key", "other.key.pub"
    )
    typed("pack", folder, "--output", "b.tar")
    assert "not signed" in refusal("unpack", "b.tar", "--output", "out", "--key", keys[1])
    assert not Path("out").exists()


def test_a_changed_listing_has_a_wrong_signature(folder, keys):
    typed("pack", folder, "--output", "a.tar", "--key", keys[0])
    (index, head), *rest = members(Path("a.tar"))
    built(Path("b.tar"), [(index, head.replace(b'"by-hand"', b'"bi-hand"')), *rest])
    assert "its signature is wrong" in unpacked(Path("b.tar"))
    assert not Path("out").exists()


def test_a_private_key_is_its_owners_alone_and_never_replaced(folder, keys):
    assert stat.S_IMODE(keys[0].stat().st_mode) == 0o600
    assert "never replaced" in refusal("key", "--output", keys[0])
    assert "no public key" in refusal(
        "unpack", pack(folder, keys), "--output", "out", "--key", keys[0]
    )
    assert "no private key" in refusal("pack", folder, "--output", "b.tar", "--key", keys[1])
    assert "can't be read" in refusal("pack", folder, "--output", "b.tar", "--key", "none")


def pack(folder: Path, keys: tuple[Path, Path]) -> Path:
    typed("pack", folder, "--output", "signed.tar", "--key", keys[0])
    return Path("signed.tar")


# --- what doesn't load ----------------------------------------------------------------------------


def test_another_file_under_a_listed_name_is_found(folder):
    typed("pack", folder, "--output", "a.tar")
    for at in range(1, len(members(Path("a.tar")))):
        contents = members(Path("a.tar"))
        member, data = contents[at]
        contents[at] = member, data[:-1] + bytes([data[-1] ^ 1])
        assert "has another digest than its listing says" in unpacked(
            built(Path("b.tar"), contents)
        )
        contents[at] = member, data + b"x"
        assert "is not where and what its listing says" in unpacked(built(Path("b.tar"), contents))
    assert not Path("out").exists()


def test_nothing_leaves_the_folder_and_nothing_is_a_link(folder, tmp_path):
    typed("pack", folder, "--output", "a.tar")
    for name in ("../evil", "/tmp/evil", "sub/evil"):
        (index, head), *rest = members(Path("a.tar"))
        listed = json.loads(head)
        listed["files"][name] = [1, hashlib.sha256(b"x").hexdigest()]
        contents = [(index, json.dumps(listed).encode()), *rest, (named(name), b"x")]
        assert "its listing is not one of a bundle" in unpacked(built(Path("b.tar"), contents))
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
        contents = members(Path("a.tar"))
        link = named(contents[1][0].name)
        link.type, link.linkname = kind, "/etc/passwd"
        contents[1] = link, b""
        assert "is not where and what its listing says" in unpacked(built(Path("b.tar"), contents))
    contents = [*members(Path("a.tar")), (named("more"), b"x")]
    assert "it holds more than it lists" in unpacked(built(Path("b.tar"), contents))
    assert not Path("out").exists()
    assert not (tmp_path.parent / "evil").exists()


def test_a_newer_format_asks_for_a_newer_program(folder):
    typed("pack", folder, "--output", "a.tar")
    (index, head), *rest = members(Path("a.tar"))
    newer = json.dumps({**json.loads(head), "format": 2}).encode()
    assert "archive format 2 is newer" in unpacked(built(Path("b.tar"), [(index, newer), *rest]))


def test_a_bundle_of_a_newer_format_does_not_come_out(folder, tmp_path):
    typed("pack", folder, "--output", "a.tar")
    contents = members(Path("a.tar"))
    at = next(n for n, (one, _) in enumerate(contents) if one.name == bundles.MANIFEST)
    text = contents[at][1].replace(b'"format": 2', b'"format": 3')
    listed = json.loads(contents[0][1])
    listed["files"][bundles.MANIFEST][1] = hashlib.sha256(text).hexdigest()
    contents[at] = contents[at][0], text
    contents[0] = contents[0][0], json.dumps(listed).encode()
    message = unpacked(built(Path("b.tar"), contents))
    assert message.startswith("b.tar: ")
    assert "bundle format 3 is newer" in message
    assert not Path("out").exists()
    assert {one.name for one in tmp_path.iterdir()} == {"made", "a.tar", "b.tar"}


def test_a_bomb_is_left_packed(folder):
    with gzip.open("b.tar.gz", "wb") as file:
        file.write(tarfile.TarInfo("archive.json").tobuf())
        for _ in range(40):
            file.write(bytes(1_000_000))
    assert "no archive of a bundle, or damaged" in unpacked(Path("b.tar.gz"))
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 30_000_000  # whose reader takes it in whole
    with gzip.open("c.tar.gz", "wb") as file:
        file.write(header.tobuf() + bytes(30_000_000))
    assert "more comes out of it than it lists" in unpacked(Path("c.tar.gz"))


@pytest.mark.parametrize("data", [b"", b"no archive", b"\x1f\x8b no", b"\x28\xb5\x2f\xfd no"])
def test_what_is_no_archive_is_one_line(folder, data):
    Path("a.tar").write_bytes(data)
    assert refusal("unpack", "a.tar", "--output", "out").startswith("a.tar: no archive of a bundle")


def test_cut_short_at_any_place_it_is_damaged(folder):
    typed("pack", folder, "--output", "a.tar.gz")
    data = Path("a.tar.gz").read_bytes()
    for share in (0.01, 0.3, 0.6, 0.95):
        Path("b.tar.gz").write_bytes(data[: int(len(data) * share)])
        assert "damaged" in unpacked(Path("b.tar.gz"))
    assert not Path("out").exists()


def test_missing_is_one_line_and_other_files_are_not_written_over(folder):
    assert "no such file" in refusal("unpack", "none.tar", "--output", "out")
    Path("thesis.tar").write_text("years of work")
    assert "no archive; add --overwrite" in refusal("pack", folder, "--output", "thesis.tar")
    assert Path("thesis.tar").read_text() == "years of work"
    typed("pack", folder, "--output", "a.tar")
    typed("pack", folder, "--output", "a.tar")
    assert "give --output a name" in refusal("pack", folder, "--output", "a.zip")
    Path("mine").mkdir()
    Path("mine/thesis.txt").touch()
    assert "not a bundle" in refusal("unpack", "a.tar", "--output", "mine", "--unverified")


# --- bundles that are none ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [("show",), ("pack", "--output", "a.tar"), ("push", "elsewhere"), ("promote",),
     ("pull", "--output", "elsewhere"), ("diff", "made")],
)  # fmt: skip
def test_what_is_no_bundle_is_one_line_and_nothing_is_written(folder, words):
    command, *rest = words
    Path("none").mkdir()
    damaged = changed(folder, Path("damaged"), files={"weights.npz": "0" * 64})
    without = changed(folder, Path("without"))
    (without / bundles.CARD).unlink()
    before = {path.name for path in Path().iterdir()}
    for source, reason in (
        ("none", "not a bundle (no manifest.json)"),
        ("nowhere", "no such bundle"),
        (without, "without its card (README.md)"),
        (damaged, "no digest of vocabulary.json"),
    ):
        if command == "diff" and source is without:
            continue  # which reads manifests alone
        assert reason in refusal(command, source, *rest)
    assert {path.name for path in Path().iterdir()} == before


def test_a_bundle_is_not_pushed_onto_itself_or_past_a_promotion(folder):
    assert "is where the bundle lies" in refusal("push", folder, folder)
    assert "bundles promote" in refusal("push", folder, bundles.home() / "desk" / "1")
    typed("push", folder, "copy")
    assert bundles.load("./copy").digest == bundles.load(folder).digest


def test_two_bundles_are_told_apart_by_what_differs(folder):
    thresholds = {"claim": 0.7, "vague_source": 0.5, "loaded_language": 0.5, "hyperpartisan": 0.5}
    figure = {"benchmark": "house/test/claim", "rows": "1", "n": 9, "groups": 3, "positives": 4,
              "metric": "f1", "value": 0.5, "low": 0.4, "high": 0.6}  # fmt: skip
    corpora = [{"name": "house", "rows": 12, "digest": "a" * 64}]
    settings = {"alpha": {"claim": 2}}
    other = {"thresholds": thresholds, "settings": settings, "corpora": corpora}
    changed(folder, Path("other"), **other, metrics=[figure])
    out = typed("diff", folder, "./other")
    for said in ("+0.200", "alpha.claim", "house/test/claim", "0.500 (0.400 to 0.600)", "aaaaaaaa"):
        assert said in out
    assert "vague_source" not in out
    assert "The same bundle" in typed("diff", folder, folder)
    tables = json.loads(typed("diff", folder, "./other", "--json"))["tables"]
    assert [one["caption"] for one in tables][:3] == ["Bundles", "Signals", "Corpora"]


def test_what_ships_is_listed_and_shown(folder):
    out = typed("list")
    assert "baseline" in out
    assert "transformer" in out
    record = json.loads(typed("show", "baseline", "--json"))
    assert record["corpora"]
    assert record["digest"] == bundles.digest_of(bundles.read_manifest(bundles.resolve("baseline")))
