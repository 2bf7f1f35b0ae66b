"""The State Media Monitor's codes of 2024 and 2025, and what else is said of control in lists."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from framescope.classifier.outlets import fold_name as fold
from framescope.classifier.outlets import schema
from framescope.classifier.records import (
    GENERAL_KNOWLEDGE,
    About,
    Code,
    Evidence,
    Holder,
    OwnerKind,
    Statement,
    in_order,
)

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
#: How sure what rests on general knowledge is.
UNSURE = 0.4
_PUBLIC = "public-service fees"  # how public-service media are financed there


def add_monitor(
    data: DataFolder, drafts: Mapping[str, Draft], owners: Owners, log: list[str]
) -> None:
    """Add the codes of both years to the outlets of each company; ``hand/lists/monitor.tsv``."""
    companies = {(row["country"], row["company"]): row for row in by_hand("monitor")}
    for where, row in data.rows(MONITOR, "\t"):
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
        if owner and owner not in owners:
            kind = OwnerKind(company["kind"]) if company["kind"] else None
            owners.add(OwnerRow(owner, company["entity_name"], kind, row["country"]))
        for id in company["outlets"].split():
            draft = drafts.get(id)
            if draft is None:
                raise EvidenceError(f"monitor.tsv: {row['company']}: no outlet is {id!r}")
            draft.statements.append(Statement(About.CODE, Code(row["code"]), evidence))
            if owner and fold(draft.name) != fold(company["entity_name"]):
                draft.hold(Held(owner, None, evidence))
        if not company["outlets"]:
            log.append(f"monitor: {row['company']} ({row['country']}) has no outlet here")


def read_statements(folder: Path) -> Iterator[tuple[str, str, Statement]]:
    """Read statements by hand: where each stands, the outlet's id, and what is said."""
    for where, row in rows_by_hand(folder, "*.tsv", _COLUMNS, "statements"):
        if reason := schema.stated(row["about"]).reason(row["value"]):
            raise EvidenceError(f"{where}, field 'value': {reason}")
        sure = UNSURE if row["source"] == GENERAL_KNOWLEDGE else 1.0
        yield where, row["id"], Statement(About(row["about"]), row["value"], evidence_of(row), sure)


def add_financing(data: DataFolder, drafts: Mapping[str, Draft], log: list[str]) -> None:
    """Say of German outlets how they are financed, by name: the database of public speakers."""
    named: dict[str, set[str]] = defaultdict(set)
    for draft in drafts.values():
        if draft.country == "DE":
            for key in draft.folded():
                named[key].add(draft.id)
    evidence = Evidence(SPEAKERS.name, SPEAKERS.url, SPEAKERS.date)
    count = 0
    for row in speakers(data):
        ids = named.get(fold(row["Name"].strip()), set())
        if len(ids) != 1:
            continue
        draft = drafts[next(iter(ids))]
        public = row["K_Finanzierung"] == "öffentlich-rechtlich"
        value = _PUBLIC if public else str(Holder.NOT_STATE)
        if all(one.evidence != evidence for one in draft.statements):
            draft.statements.append(Statement(About.FUNDING, value, evidence))
            count += 1
    log.append(f"control: {count} German outlets' financing by name")


def speakers(data: DataFolder) -> Iterator[dict[str, str]]:
    """Read the rows of the database of public speakers that are outlets."""
    return (row for _, row in data.rows(SPEAKERS) if row["Typ"] in ("1", "2", "3", "6", "7"))


def inherit(drafts: Mapping[str, Draft], owners: Owners, log: list[str]) -> None:
    """Give outlets without a code of their own that of the house of their owner's name."""
    houses: dict[tuple[str, str], list[Draft]] = defaultdict(list)
    for draft in drafts.values():
        if any(one.about is About.CODE for one in draft.statements):
            for key in draft.folded():
                houses[key, draft.country or ""].append(draft)
    for draft in drafts.values():
        if any(one.about is About.CODE for one in draft.statements):
            continue
        for held in draft.held:
            name = owners.rows[held.owner].name
            found = [h for h in houses.get((fold(name), draft.country or ""), ()) if h is not draft]
            if len(found) == 1:
                given = [one for one in found[0].statements if one.about is About.CODE]
                draft.statements += [
                    Statement(one.about, one.value, one.evidence, one.confidence, name)
                    for one in given
                    if one.through is None
                ]
                listed = ", ".join(one.value for one in in_order(given))
                log.append(f"control: {draft.id} as its owner, {name}: {listed}")
                break
