"""The State Media Monitor's codes of 2024 and 2025, and what else is said of control in lists."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from framescope.classifier.outlets import fold_name as fold
from framescope.classifier.outlets import schema
from framescope.classifier.records import About, Code, Evidence, Holder, OwnerKind, Statement

from tools.registry.material import (
    MONITOR,
    SPEAKERS,
    DataFolder,
    Draft,
    EvidenceError,
    Held,
    by_hand,
    evidence_of,
    rows_by_hand,
)
from tools.registry.owners import OwnerRow, Owners

_COLUMNS = ("id", "about", "value", "source", "url", "date", "note")
_PUBLIC = "household broadcasting fee"  # how public-service media are financed there


def add_monitor(
    data: DataFolder, drafts: Mapping[str, Draft], owners: Owners, log: list[str]
) -> None:
    """Add the codes of both years to the outlets of each company, and who controls it.

    Its outlets are those of ``hand/lists/monitor.tsv``, and what it lists by a name that one outlet
    of the country has, which no other list gives a code.
    """
    companies = {(row["country"], row["company"]): row for row in by_hand("monitor")}
    same = {row["said"]: row["value"] for row in by_hand("values")}
    named: dict[tuple[str, str], set[str]] = defaultdict(set)
    for draft in drafts.values():
        for key in draft.folded():
            named[draft.country or "", key].add(draft.id)
    coded = {draft.id for draft in drafts.values() if draft.statements}
    rows = list(data.rows(MONITOR, "\t"))
    newest = {(row["country"], row["company"]): row for _, row in sorted(rows, key=_year)}
    for where, row in rows:
        company = companies.get((row["country"], row["company"]))
        if company is None:
            raise EvidenceError(
                f"{where}: company {row['company']!r} is unknown; "
                "name it in tools/registry/hand/lists/monitor.tsv"
            )
        if reason := schema.stated(About.CODE).reason(row["code"]):
            raise EvidenceError(f"{where}, field 'code': {reason}")
        # The page's own date where it is of the year that the code is for.
        date = row["page_date"] if row["page_date"].startswith(row["year"]) else row["year"]
        evidence = Evidence(MONITOR.name, row["url"], date)
        owner = company["entity_id"]
        if owner:
            kind = OwnerKind(company["kind"]) if company["kind"] else None
            owners.cite(OwnerRow(owner, company["entity_name"], kind, row["country"], evidence))
        by_name = [named[row["country"], fold(asset)] for asset in row["outlets"].split(";")]
        listed = [id for ids in by_name if len(ids) == 1 for id in ids - coded]
        said = [Statement(About.CODE, Code(row["code"]), evidence)]
        words = row["owner_or_controller"]
        if words and row is newest[row["country"], row["company"]]:
            said.append(Statement(About.GOVERNANCE, same.get(words, words), evidence))
        for id in dict.fromkeys(company["outlets"].split() + listed):
            draft = drafts.get(id)
            if draft is None:
                raise EvidenceError(f"monitor.tsv: {row['company']}: no outlet is {id!r}")
            draft.statements += said
            if owner and fold(draft.name) != fold(company["entity_name"]):
                draft.hold(Held(owner, None, evidence))
        if not company["outlets"] and not listed:
            log.append(f"monitor: {row['company']} ({row['country']}) has no outlet here")


def _year(row: tuple[str, Mapping[str, str]]) -> str:
    return row[1]["year"]


def read_statements(data: DataFolder, folder: Path) -> Iterator[tuple[str, str, Statement]]:
    """Read statements by hand: where each stands, the outlet's id, and what is said."""
    for where, row in rows_by_hand(folder, "*.tsv", _COLUMNS, "statements"):
        if reason := schema.stated(row["about"]).reason(row["value"]):
            raise EvidenceError(f"{where}, field 'value': {reason}")
        if row["url"] in data.addresses():
            yield where, row["id"], Statement(About(row["about"]), row["value"], evidence_of(row))


def add_financing(data: DataFolder, drafts: Mapping[str, Draft], log: list[str]) -> None:
    """Say of German outlets how they are financed: the database of public speakers.

    By name, or by ``hand/lists/speakers.tsv``.
    """
    meant = {row["name"]: row["outlet"] for row in by_hand("speakers")}
    named: dict[str, set[str]] = defaultdict(set)
    for draft in drafts.values():
        if draft.country == "DE":
            for key in draft.folded():
                named[key].add(draft.id)
    evidence = Evidence(SPEAKERS.name, SPEAKERS.url, SPEAKERS.date)
    count = 0
    for row in speakers(data):
        ids = named.get(fold(row["Name"].strip()), set())
        draft = drafts.get(meant.get(row["Name"], ""))
        if draft is None and len(ids) == 1:
            draft = drafts[next(iter(ids))]
        if draft is None:
            continue
        public = row["K_Finanzierung"] == "öffentlich-rechtlich"
        value = _PUBLIC if public else str(Holder.NOT_STATE)
        if all(one.evidence != evidence for one in draft.statements):
            draft.statements.append(Statement(About.FUNDING, value, evidence))
            count += 1
    log.append(f"control: {count} German outlets' financing by name")


def speakers(data: DataFolder) -> Iterator[dict[str, str]]:
    """Read the rows of the database of public speakers that are outlets."""
    return (row for _, row in data.rows(SPEAKERS) if row["Typ"] in ("1", "2", "3", "6", "7"))
