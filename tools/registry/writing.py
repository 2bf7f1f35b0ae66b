"""The tables as they are written: sorted, one for each kind of fact, the same bytes each time."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from framescope.classifier.outlets import REGISTRY_SOURCE, schema
from framescope.classifier.records import DomainRole, Evidence, NameKind, in_order

from tools.registry.material import DATA_SETS, Draft, Held
from tools.registry.owners import OwnerRow, Owners, reached

_Row = tuple[str, ...]


def write_tables(
    folder: Path,
    version: str,
    drafts: Iterable[Draft],
    sites: Iterable[_Row],
    owners: Owners,
    networks: Iterable[_Row],
) -> dict[str, int]:
    """Write all tables, without owners that hold nothing; return the number of rows in each."""
    drafts = sorted(drafts, key=lambda draft: draft.id)
    known = reached(owners, (held for draft in drafts for held in draft.held))
    naming = [held for id in known for held in owners.held.get(id, ())]
    naming += [held for draft in drafts for held in draft.held]
    named = {held.owner: held.evidence for held in naming}
    tables: dict[str, list[_Row]] = {
        "outlets": sorted(
            (d.id, d.name, d.role, d.medium, d.country or "", d.wikidata or "") for d in drafts
        ),
        "names": sorted(row for draft in drafts for row in _names(draft)),
        "domains": [row for draft in drafts for row in _domains(draft)],
        "statements": [row for draft in drafts for row in _statements(draft)],
        "owners": sorted(_owner(owner, named[id]) for id, owner in known.items()),
        "holdings": [
            *(row for d in drafts for row in _held("outlet", d.id, d.held)),
            *(row for id in sorted(known) for row in _held("owner", id, owners.held.get(id, ()))),
        ],
        "accounts": sorted(row for draft in drafts for row in _accounts(draft)),
        "assessments": sorted(row for draft in drafts for row in _assessments(draft)),
        "networks": sorted(networks),
        "sites": sorted(sites),
        "licences": sorted(_licences()),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for kind, rows in tables.items():
        title = f"# framescope registry {kind}, version {version}"
        lines = [title, "\t".join(schema.COLUMNS[kind]), *("\t".join(row) for row in rows)]
        (folder / f"{kind}.tsv").write_bytes(("\n".join(lines) + "\n").encode())
    return {kind: len(rows) for kind, rows in tables.items()}


def _names(draft: Draft) -> Iterable[_Row]:
    if draft.main_ambiguous:  # a main name has no row here unless there is this to say of it
        yield (draft.id, draft.name, NameKind.MAIN, "", "1")
    for name in draft.names:
        yield (draft.id, name.text, name.kind, name.lang or "", "1" if name.ambiguous else "")


def _domains(draft: Draft) -> Iterable[_Row]:
    def order(row: _Row) -> tuple[bool, _Row]:
        return row[2] != DomainRole.MAIN, row

    return sorted(((draft.id, d.host, d.role) for d in draft.domains), key=order)


def _licences() -> Iterable[_Row]:
    """Return the licences of each source, later ones with the date since which they hold."""
    yield REGISTRY_SOURCE, "Apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0", ""
    terms: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    for data in sorted(DATA_SETS.values(), key=lambda data: data.date):
        terms[data.name].setdefault(data.licence, (data.url, data.date))
    for name, licences in terms.items():
        for number, (licence, (url, date)) in enumerate(licences.items()):
            yield name, licence, url, date if number else ""


def _statements(draft: Draft) -> Iterable[_Row]:
    for one in in_order(dict.fromkeys(draft.statements)):
        yield (draft.id, one.about, one.value, *evidence_cells(one.evidence))


def _owner(row: OwnerRow, naming: Evidence) -> _Row:
    if row.evidence is None:
        return (row.id, row.name, "", "", *evidence_cells(naming))
    return (row.id, row.name, row.kind or "", row.country or "", *evidence_cells(row.evidence))


def _held(of: str, id: str, held: Iterable[Held]) -> Iterable[_Row]:
    by_share = sorted(held, key=lambda one: (-(one.share or 0), one.owner))
    for one in sorted(by_share, key=lambda one: one.evidence.date or "", reverse=True):
        share = "" if one.share is None else f"{one.share:g}"
        yield (id, of, one.owner, share, *evidence_cells(one.evidence))


def _accounts(draft: Draft) -> Iterable[_Row]:
    for one in draft.accounts:
        yield (draft.id, one.platform, one.handle, *evidence_cells(one.evidence))


def _assessments(draft: Draft) -> Iterable[_Row]:
    for given in draft.assessments:
        evidence = evidence_cells(given.evidence)
        yield (draft.id, given.claim, given.value, *evidence, f"{given.confidence:g}")


def evidence_cells(evidence: Evidence) -> tuple[str, str, str]:
    """Return the cells of a row that say where it is from."""
    return evidence.source, evidence.url or "", evidence.date or ""
