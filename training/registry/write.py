"""Write the registry's tables: one file for each kind of fact, sorted, the same bytes each time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from classifier.sources import COLUMNS
from classifier.values import DomainRole, Evidence, NameKind
from training.registry.draft import Draft

Row = tuple[str, ...]


def write_tables(
    folder: Path, version: str, drafts: Iterable[Draft], networks: Iterable[Row]
) -> dict[str, int]:
    """Write all tables.

    Parameters
    ----------
    folder : pathlib.Path
        Made when it isn't there.
    version : str
        Of the data, such as ``2026.11``.
    networks : iterable of rows
        In the columns of `COLUMNS`.

    Returns
    -------
    dict of str to int
        Rows in each table.
    """
    drafts = list(drafts)
    tables: dict[str, list[Row]] = {
        "outlets": sorted(
            (d.id, d.name, d.role, d.medium, d.country or "", d.wikidata or "") for d in drafts
        ),
        "names": sorted(row for draft in drafts for row in _names(draft)),
        "domains": [row for draft in sorted(drafts, key=lambda d: d.id) for row in _domains(draft)],
        "control": sorted(row for draft in drafts for row in _control(draft)),
        "assessments": sorted(row for draft in drafts for row in _assessments(draft)),
        "networks": sorted(networks),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for kind, rows in tables.items():
        title = f"# framescope registry {kind}, version {version}"
        lines = [title, "\t".join(COLUMNS[kind]), *("\t".join(row) for row in rows)]
        path = folder / f"{kind}.tsv"
        path.write_bytes(("\n".join(lines) + "\n").encode())
    return {kind: len(rows) for kind, rows in tables.items()}


def _names(draft: Draft) -> Iterable[Row]:
    if draft.main_ambiguous:  # a main name has no row here unless there is this to say of it
        yield (draft.id, draft.name, NameKind.MAIN, "", "1")
    for name in draft.names:
        yield (draft.id, name.text, name.kind, name.lang or "", "1" if name.ambiguous else "")


def _domains(draft: Draft) -> Iterable[Row]:
    def order(row: Row) -> tuple[bool, Row]:
        return row[2] != DomainRole.MAIN, row

    return sorted(((draft.id, d.host, d.role) for d in draft.domains), key=order)


def _control(draft: Draft) -> Iterable[Row]:
    if (control := draft.control) is not None:
        yield (
            draft.id,
            control.funding,
            control.governance,
            control.editorial,
            control.code or "",
            control.owner or "",
            *_evidence(control.evidence),
        )


def _assessments(draft: Draft) -> Iterable[Row]:
    for given in draft.assessments:
        evidence = _evidence(given.evidence)
        yield (draft.id, given.claim, given.value, *evidence, f"{given.confidence:g}")


def _evidence(evidence: Evidence) -> tuple[str, str, str]:
    return evidence.source, evidence.url or "", evidence.date or ""
