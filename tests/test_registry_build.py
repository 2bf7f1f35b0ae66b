"""The registry is built from evidence and hand rows: merged, deterministic, with clear refusals."""

import os
from pathlib import Path

import pytest
from framescope.classifier.outlets.registry.check import problems_of_tables
from framescope.classifier.outlets.registry.registry import Tables
from framescope.classifier.outlets.registry.registry import shipped_tables as shipped
from framescope.classifier.records.outlet import About, Code, DomainRole, Holder
from outlets import CASES
from typer.testing import CliRunner

from tools.registry.__main__ import app
from tools.registry.build import build
from tools.registry.material import EvidenceError
from tools.registry.merge import COLUMNS, read_hand

# Evidence in the layout of docs/registry.md, and rows by hand of which some have no address in it.
EVIDENCE, HINTS = CASES / "registry/evidence", CASES / "registry/hand"


def hand_folder(tmp_path: Path, *rows: dict[str, str]) -> Path:
    folder = tmp_path / "hand"
    folder.mkdir(exist_ok=True)
    lines = ["\t".join(COLUMNS)]
    lines += ["\t".join(row.get(column, "") for column in COLUMNS) for row in rows]
    (folder / "rows.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def built(root: Path, hand: Path) -> Tables:
    build(EVIDENCE, root / "out", hand=hand, allow_changed=True)
    return Tables(root / "out")


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return built(tmp_path_factory.mktemp("built"), HINTS)


def test_each_asset_is_an_outlet_with_its_code_and_abbreviation(tables: Tables) -> None:
    herald = tables.outlet("invented-herald-trust")
    assert [name.text for name in herald.names] == ["Invented Herald Trust", "IHT"]
    assert (herald.country, herald.state_media) == ("NP", True)
    assert herald.said(About.CODE)[0].value == Code.SC
    control = tables.outlet("voice-fm").control
    holders = (control.funding, control.governance, control.editorial)
    assert holders == (Holder.NOT_STATE, Holder.STATE, Holder.STATE)
    assert control.owner == "Invented Voice Corporation"


def test_a_host_that_assets_share_is_their_house_s(tables: Tables) -> None:
    house = tables.outlet("invented-voice-corporation")
    assert [domain.host for domain in house.domains] == ["voice.example.net"]
    assert tables.outlet("voice-tv").domains == ()


def test_rows_by_hand_win_and_what_they_say_of_control_is_a_hint(tmp_path: Path) -> None:
    agency = {
        "id": "iht",
        "name": "Herald Trust of Invention",
        "medium": "agency",
        "country": "NP",
        "domains": "herald.example.com herald.example.org=mirror",
        "names": "हेराल्ड (native, ne) | !Herald",
        "owner": "A ministry",
    }
    tables = built(tmp_path, hand_folder(tmp_path, agency))
    outlet = tables.outlet("iht")
    assert outlet.name == "Herald Trust of Invention"
    texts = {name.text: name for name in outlet.names}
    assert {"IHT", "Invented Herald Trust", "हेराल्ड", "Herald"} <= texts.keys()
    assert (texts["Herald"].ambiguous, texts["हेराल्ड"].lang) == (True, "ne")
    assert outlet.domains[1].role is DomainRole.MIRROR
    assert (outlet.control.code, outlet.control.owner) == (Code.SC, None)
    assert "invented-herald-trust" not in tables.grouped("outlets")


def test_a_fact_by_hand_needs_an_address_that_stands_in_the_evidence(tables: Tables) -> None:
    outlet, page = tables.outlet("post"), "https://register.example.org/post"
    assert {(one.about, one.value): one.evidence.url for one in outlet.statements} == {
        (About.OWNER_KIND, "family"): page,
        (About.FUNDING, "not state"): "https://doi.org/10.17605/OSF.IO/SK6T5",
    }
    [held] = outlet.holdings
    assert (held.owner.id, held.owner.kind, held.evidence.url) == ("press", "private company", page)
    [heirs] = held.owner.holdings
    assert (heirs.owner.name, heirs.owner.kind) == ("The heirs", None), "a kind needs its own page"
    # A list has the account, so that it is cited; of the other there is only the hint.
    accounts = {one.handle.lower(): one.evidence.url for one in outlet.accounts}
    assert accounts == {"larnwicker": "https://doi.org/10.17605/OSF.IO/SK6T5"}
    assert [line.split("\t")[0] for line in tables.lines("networks")] == ["reported"]


def test_ratings_and_listings_become_assessments_each_with_its_source(tables: Tables) -> None:
    said = {(a.claim, a.value): a for a in tables.outlet("invented-voice-corporation").assessments}
    # The list of 2023 has one score for deprecated and generally unreliable: it tells nothing here.
    rated = {
        one.evidence.date: value for (claim, value), one in said.items() if claim == "reliability"
    }
    assert rated == {"2026-08-13": "deprecated", "2021-03-17": "blacklisted"}
    listing = said["influence_network", "EUvsDisinfo cases"]
    assert listing.evidence.source.startswith("EUvsDisinfo")
    assert listing.evidence.url == "https://github.com/pbenzoni/disinfo-laundromat"
    assert listing.confidence < 0.5
    hosts = [line.split("\t") for line in tables.lines("sites")]
    assert [row[0] for row in hosts] == ["iht.example.cfd", "nowhere.example.info"]
    assert hosts[0][2:4] == ["imposter", "invented-herald-trust"]
    assert hosts[0][6] == "2024-05-01"


def test_a_qid_needs_the_name_and_the_country(tables: Tables) -> None:
    assert tables.outlet("daily-news-bt").wikidata == "Q77001"
    assert tables.outlet("voice-tv").wikidata is None


def test_the_same_evidence_gives_the_same_bytes_which_pass_the_check(tables, tmp_path) -> None:
    for path in built(tmp_path, HINTS).folder.iterdir():
        assert path.read_bytes() == (tables.folder / path.name).read_bytes()
    assert [flaw for flaw in problems_of_tables(tables.folder) if flaw.level == "error"] == []


def test_the_command_says_how_many_rows_and_what_was_left_out(tmp_path: Path) -> None:
    arguments = ["build", "--evidence", EVIDENCE, "--output", tmp_path / "out", "--hand", HINTS]
    result = CliRunner().invoke(app, [*map(str, arguments), "--allow-changed", "--verbose"])
    assert result.exit_code == 0, result.output
    assert "outlets" in result.output
    assert "rows of 'Wikidata All News' left out" in result.output


def test_missing_and_changed_evidence_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match=r"no State_Media_Matrix\.csv there") as caught:
        build(tmp_path, tmp_path / "out")
    assert "\n" not in str(caught.value)
    with pytest.raises(EvidenceError, match="not the version") as caught:
        build(EVIDENCE, tmp_path / "out")
    assert "--allow-changed" in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("id", "Not An Id", "lower-case"),
        ("name", "", "is empty"),
        ("domains", "nodots", "is no host"),
        ("domains", "a.example.com=copy", "is not one of"),
    ],
)
def test_a_malformed_row_names_file_row_field_and_reason(tmp_path, field, value, reason) -> None:
    row = {"id": "good", "name": "Good", field: value}
    folder = hand_folder(tmp_path, {"id": "first", "name": "First"}, row)
    with pytest.raises(EvidenceError, match=rf"rows.tsv, row 3, field '{field}': .*{reason}"):
        read_hand(folder)


def test_an_id_has_one_main_name(tmp_path: Path) -> None:
    row = {"id": "herald", "name": "Herald", "domains": "herald.example.com"}
    folder = hand_folder(tmp_path, row, row | {"names": "Herald Business"})
    assert [draft.name for draft in read_hand(folder)] == ["Herald", "Herald"]
    folder = hand_folder(tmp_path, row, row | {"name": "Herald Business", "names": "Herald"})
    said = r"row 3, field 'name': 'Herald Business' has the id of 'Herald' .*rows.tsv, row 2"
    with pytest.raises(EvidenceError, match=said):
        read_hand(folder)


@pytest.mark.slow
@pytest.mark.skipif("FRAMESCOPE_EVIDENCE" not in os.environ, reason="needs the public evidence")
def test_the_shipped_tables_are_what_the_evidence_gives(tmp_path: Path) -> None:
    build(Path(os.environ["FRAMESCOPE_EVIDENCE"]), tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (shipped() / path.name).read_bytes(), path.name
