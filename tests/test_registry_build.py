"""The registry is built from evidence and hand rows: merged, deterministic, with clear refusals."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from framescope.classifier.outlets.registry.check import problems_of_tables as problems
from framescope.classifier.outlets.registry.folding import slug
from framescope.classifier.outlets.registry.registry import Tables
from framescope.classifier.outlets.registry.registry import shipped_tables as shipped
from framescope.classifier.records.outlet import DomainRole
from framescope.classifier.records.statements import About, Code, Holder
from typer.testing import CliRunner

from tools.registry.__main__ import app
from tools.registry.build import Built, build
from tools.registry.material import EvidenceError, host_of
from tools.registry.merge import COLUMNS, read_hand
from tools.registry.owners import Owners

MATRIX = """\
Region,Country,Media company,Main assets,URL,Typology,Status,Notes
Asia,Nepal,Invented Herald Trust (IHT),IHT,https://www.herald.example.com/en/,SC,,
Asia,Nepal,Invented Voice Corporation (IVC),Television: Voice TV,http://voice.example.net/,CaPu,,
Asia,Nepal,Invented Voice Corporation (IVC),Radio: Voice FM*,http://voice.example.net/radio,CaPu,,
Asia,Nepal,Invented Voice Corporation (IVC),Daily News,,CaPu,,
Asia,Bhutan,Peak Press,Daily News,http://peak.example.org,ISFM?,,
,,,,,,,
"""
CONCERN = """\
Threat Actor,Domain,Name,Source
,https://voice.example.net,,EuVsDisinfo
,https://nowhere.example.info,,EuVsDisinfo
,https://nowhere.example.info,,EuVsDisinfo
,https://youtube.com,,EuVsDisinfo
,https://plain.example.info,,Wikidata All News
"""
DIMA = """\
// A comment with a brace { and a domain: "not.example.com"
const doppelgangerDomains = [
  {
    domain: "iht.example.cfd",
    matchType: "exact",
    reason: "Clone de Herald.example.com",
    source: "Invented Report - 2024",
    reportUrl: "https://report.example.org/1",
    identifiedDate: "2024-05-01",
    tags: ["A", "B"]
  },
  {
    domain: "topnews",
    matchType: "contains",
    reason: "no host",
    source: "Invented Report",
    reportUrl: "https://report.example.org/1",
    identifiedDate: "2024-05"
  },
];
"""
RANKED = """\
source_name,status,domain,total_citations
The Herald,gr,herald.example.com,12
The Voice,d,voice.example.net,3
"""
DISCUSSED = """\
id,name,status,status_n,wiki_url,urls,urls_n,info
1,Voice,"[""Blacklisted"", ""Deprecated""]",2,,"[""voice.example.net""]",1,In our words.
"""
PROFILES = "country\tcompany\toutlets\tcode\tyear\turl\tpage_date\towner_or_controller\tnote\n"
SPEAKERS = """\
Name,Typ,SM_XURL,SM_FacebookURL,K_Finanzierung
Larnwicker Bote,1,https://x.com/larnwicker,existiert nicht,privatwirtschaftlich
"""
PERENNIAL = {"herald.example.com": 1, "voice.example.net": -1, "shop.example.com": -2}
NEWSMAP = {
    "a": {
        "wikidata_id": "http://www.wikidata.org/entity/Q77001",
        "company_name": "Peak Press",
        "country": "Bhutan",
    },
    "b": {
        "wikidata_id": "http://www.wikidata.org/entity/Q77002",
        "company_name": "Voice TV",
        "country": "Bhutan",
    },
}


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    root = tmp_path / "evidence"
    for name, text in {
        "asd-state-media-profiles/State_Media_Matrix.csv": MATRIX,
        "asd-disinfo-laundromat/sites_of_concern.csv": CONCERN,
        "m82-dima/Doppelganger.js": DIMA,
        "wikipedia-perennial-sources/wikipedia_perennial_sources.json": json.dumps(PERENNIAL),
        "wikidata-newsmap/newsmap_metadata.json": json.dumps(NEWSMAP),
        "wikipedia-reliable-sources-2026/reliability_ranking.csv": RANKED,
        "wikipedia-perennial-sources-2021/perennial-sources.csv": DISCUSSED,
        "state-media-monitor/profiles.tsv": PROFILES,
        "dboes/1.csv": SPEAKERS,
        "medias-francais/medias.tsv": "Nom\n",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def hand_folder(tmp_path: Path, *rows: dict[str, str]) -> Path:
    folder = tmp_path / "hand"
    folder.mkdir(exist_ok=True)
    lines = ["\t".join(COLUMNS)]
    lines += ["\t".join(row.get(column, "") for column in COLUMNS) for row in rows]
    (folder / "rows.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def built(tmp_path: Path, evidence: Path, *rows: dict[str, str]) -> tuple[Built, Tables]:
    output = tmp_path / "out"
    hand = hand_folder(tmp_path, *rows)
    return build(evidence, output, hand=hand, allow_changed=True), Tables(output)


def ids_of(tables: Tables) -> list[str]:
    return [line.split("\t")[0] for line in tables.lines("outlets")]


def test_each_asset_is_an_outlet_and_its_abbreviation_a_name(
    tmp_path: Path, evidence: Path
) -> None:
    _, tables = built(tmp_path, evidence)
    herald = tables.outlet("invented-herald-trust")
    assert [name.text for name in herald.names] == ["Invented Herald Trust", "IHT"]
    assert herald.country == "NP"
    assert herald.control is not None
    assert herald.control.code is Code.SC
    assert herald.state_media


def test_the_code_gives_three_separate_holders(tmp_path: Path, evidence: Path) -> None:
    _, tables = built(tmp_path, evidence)
    control = tables.outlet("voice-fm").control
    assert control is not None
    assert (control.funding, control.governance, control.editorial) == (
        Holder.NOT_STATE,
        Holder.STATE,
        Holder.STATE,
    )
    assert control.owner == "Invented Voice Corporation"


def test_a_host_that_assets_share_is_their_house_s(tmp_path: Path, evidence: Path) -> None:
    _, tables = built(tmp_path, evidence)
    house = tables.outlet("invented-voice-corporation")
    assert [domain.host for domain in house.domains] == ["voice.example.net"]
    assert tables.outlet("voice-tv").domains == ()


def test_namesakes_of_two_countries_stay_apart_and_are_ambiguous(
    tmp_path: Path, evidence: Path
) -> None:
    _, tables = built(tmp_path, evidence)
    ids = [id for id in ids_of(tables) if id.startswith("daily-news")]
    assert len(ids) == 2
    for id in ids:
        assert tables.outlet(id).names[0].ambiguous


def test_a_row_by_hand_wins_and_takes_the_matrix_s_word_on_control(
    tmp_path: Path, evidence: Path
) -> None:
    row = {
        "id": "iht",
        "name": "Herald Trust of Invention",
        "medium": "agency",
        "country": "NP",
        "domains": "herald.example.com herald.example.org=mirror",
        "names": "हेराल्ड (native, ne) | !Herald",
        "owner": "A ministry",
    }
    _, tables = built(tmp_path, evidence, row)
    outlet = tables.outlet("iht")
    assert outlet.name == "Herald Trust of Invention"
    texts = {name.text: name for name in outlet.names}
    assert {"IHT", "Invented Herald Trust", "हेराल्ड", "Herald"} <= texts.keys()
    assert texts["Herald"].ambiguous
    assert texts["हेराल्ड"].lang == "ne"
    assert outlet.domains[1].role is DomainRole.MIRROR
    assert outlet.control is not None
    assert outlet.control.code is Code.SC
    assert outlet.control.owner == "A ministry"
    assert "invented-herald-trust" not in ids_of(tables)


def test_what_the_owner_is_rated_holds_for_outlets_the_matrix_lacks(
    tmp_path: Path, evidence: Path
) -> None:
    row = {
        "id": "voice-weekly",
        "name": "Voice Weekly",
        "country": "NP",
        "owner": "Invented Voice Corporation",
    }
    _, tables = built(tmp_path, evidence, row)
    control = tables.outlet("voice-weekly").control
    assert control is not None
    assert control.code is Code.CAPU
    [said] = tables.outlet("voice-weekly").said(About.CODE)
    assert said.through == "Invented Voice Corporation"


def test_ratings_and_listings_become_assessments_each_with_its_source(
    tmp_path: Path, evidence: Path
) -> None:
    _, tables = built(tmp_path, evidence)
    said = {(a.claim, a.value): a for a in tables.outlet("invented-voice-corporation").assessments}
    assert said["reliability", "generally_unreliable"].confidence == 0.8
    listing = said["influence_network", "EUvsDisinfo cases"]
    assert listing.evidence.source == "EUvsDisinfo"
    assert listing.confidence < 0.5


def test_networks_hold_what_is_no_outlet_s_own_once_each(tmp_path: Path, evidence: Path) -> None:
    _, tables = built(tmp_path, evidence)
    hosts = [line.split("\t") for line in tables.lines("sites")]
    assert [row[0] for row in hosts] == ["iht.example.cfd", "nowhere.example.info"]
    assert hosts[0][2:4] == ["imposter", "invented-herald-trust"]
    assert hosts[0][6] == "2024-05-01"


def test_a_qid_needs_the_name_and_the_country(tmp_path: Path, evidence: Path) -> None:
    _, tables = built(tmp_path, evidence)
    assert tables.outlet("daily-news-bt").wikidata == "Q77001"
    assert tables.outlet("voice-tv").wikidata is None


def test_the_same_evidence_gives_the_same_bytes(tmp_path: Path, evidence: Path) -> None:
    _, first = built(tmp_path, evidence)
    before = {path.name: path.read_bytes() for path in first.folder.iterdir()}
    _, second = built(tmp_path, evidence)
    assert before == {path.name: path.read_bytes() for path in second.folder.iterdir()}


def test_what_is_built_passes_its_own_check(tmp_path: Path, evidence: Path) -> None:
    _, tables = built(tmp_path, evidence)
    assert [problem for problem in problems(tables.folder) if problem.level == "error"] == []


def test_the_command_says_how_many_rows_and_what_was_left_out(
    tmp_path: Path, evidence: Path
) -> None:
    hand = hand_folder(tmp_path)
    arguments = ["build", "--evidence", evidence, "--output", tmp_path / "out", "--hand", hand]
    result = CliRunner().invoke(app, [*map(str, arguments), "--allow-changed", "--verbose"])
    assert result.exit_code == 0, result.output
    assert "outlets" in result.output
    assert "rows of 'Wikidata All News' left out" in result.output


def test_missing_evidence_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match=r"no State_Media_Matrix\.csv there") as caught:
        build(tmp_path, tmp_path / "out")
    assert "\n" not in str(caught.value)


def test_changed_evidence_is_refused_unless_meant(tmp_path: Path, evidence: Path) -> None:
    with pytest.raises(EvidenceError, match="not the version") as caught:
        build(evidence, tmp_path / "out")
    assert "--allow-changed" in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("id", "Not An Id", "lower-case"),
        ("name", "", "is empty"),
        ("role", "newspaper", "is not one of"),
        ("medium", "blog", "is not one of"),
        ("country", "UK", "ISO 3166-1"),
        ("wikidata", "P31", "is not a QID"),
        ("domains", "nodots", "is no host"),
        ("domains", "a.example.com=copy", "is not one of"),
        ("code", "SX", "is not one of"),
    ],
)
def test_a_malformed_row_names_file_row_field_and_reason(
    tmp_path: Path, field: str, value: str, reason: str
) -> None:
    row = {"id": "good", "name": "Good", field: value}
    folder = hand_folder(tmp_path, {"id": "first", "name": "First"}, row)
    with pytest.raises(EvidenceError) as caught:
        read_hand(Owners(), folder)
    message = str(caught.value)
    assert "rows.tsv, row 3" in message
    assert f"field '{field}'" in message
    assert reason in message


def test_an_id_has_one_main_name(tmp_path: Path) -> None:
    row = {"id": "herald", "name": "Herald", "domains": "herald.example.com"}
    folder = hand_folder(tmp_path, row, row | {"names": "Herald Business"})
    assert [draft.name for draft in read_hand(Owners(), folder)] == ["Herald", "Herald"]
    folder = hand_folder(tmp_path, row, row | {"name": "Herald Business", "names": "Herald"})
    with pytest.raises(EvidenceError) as caught:
        read_hand(Owners(), folder)
    message = str(caught.value)
    assert "rows.tsv, row 3, field 'name': 'Herald Business' has the id of 'Herald'" in message
    assert "rows.tsv, row 2" in message


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("People's Daily", "peoples-daily"),
        ("Dziennik Łódzki", "dziennik-lodzki"),
        ("Côte d'Ivoire", "cote-divoire"),
        ("新华社", ""),
    ],
)
def test_slug(name: str, id: str) -> None:
    assert slug(name) == id


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("http://ww.example.net/", "example.net"),
        ("https://www3.example.co.jp/", "example.co.jp"),
        ("https://Example.COM, ", "example.com"),
        ("http://94.130.84.54", None),
        ("", None),
    ],
)
def test_a_list_s_slips_of_the_pen(address: str, host: str | None) -> None:
    assert host_of(address) == host


@pytest.mark.skipif("FRAMESCOPE_EVIDENCE" not in os.environ, reason="needs the public evidence")
def test_the_shipped_tables_are_what_the_evidence_gives(tmp_path: Path) -> None:
    build(Path(os.environ["FRAMESCOPE_EVIDENCE"]), tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (shipped() / path.name).read_bytes(), path.name


@pytest.mark.skipif("FRAMESCOPE_EVIDENCE" not in os.environ, reason="needs the public evidence")
def test_every_outlet_of_the_matrix_is_found_by_its_name_and_host() -> None:
    from framescope.classifier.outlets.registry.registry import load

    from tools.registry.material import MATRIX, files
    from tools.registry.matrix import read_rows

    registry = load()
    (path,) = files(MATRIX, Path(os.environ["FRAMESCOPE_EVIDENCE"]))
    for row in read_rows(path, []):
        assert registry.called(row.name), row.name
        assert row.host is None or registry.at(row.host) is not None, row.host
