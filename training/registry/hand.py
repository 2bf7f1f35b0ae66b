"""Read what was written by hand: rows of `training/registry/hand/*.tsv`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from classifier.sources import FIELDS
from classifier.values import (
    Code,
    Control,
    Domain,
    DomainRole,
    Evidence,
    Holder,
    Medium,
    Name,
    NameKind,
    Role,
)
from training.registry.draft import Draft, host_of
from training.registry.evidence import MATRIX, EvidenceError
from training.registry.matrix import HOLDERS

#: Where the rows lie.
FOLDER = Path(__file__).parent / "hand"
COLUMNS = (
    *("id", "name", "role", "medium", "country", "wikidata", "domains", "names"),
    *("code", "owner", "source", "url", "note"),
)
#: What the tables cite when a row by hand names no source of its own.
BY_HAND = "framescope, by hand"

_KINDS = "|".join(kind for kind in NameKind if kind is not NameKind.MAIN)
_NAME = re.compile(rf"(.+?) \((?:({_KINDS}))(?:, ([A-Za-z-]+))?\)")


def read_hand(folder: Path = FOLDER) -> list[Draft]:
    """Read every row, in the order of the files and the rows.

    Raises
    ------
    EvidenceError
        Naming file, row, field and reason, when a row can't be read, or has the id of another
        outlet.
    """
    drafts = []
    named: dict[str, tuple[str, str]] = {}
    for path in sorted(folder.glob("*.tsv")):
        lines = path.read_text(encoding="utf-8").splitlines()
        if not lines or tuple(lines[0].split("\t")) != COLUMNS:
            raise EvidenceError(f"{path}, row 1: the columns must be {', '.join(COLUMNS)}")
        for number, line in enumerate(lines[1:], 2):
            if line.strip() and not line.startswith("#"):
                where = f"{path}, row {number}"
                draft = _draft(where, line)
                name, first = named.setdefault(draft.id, (draft.name, where))
                # Two outlets under one id would be shown as the one that is read first.
                if draft.name != name:
                    raise EvidenceError(
                        f"{where}, field 'name': {draft.name!r} has the id of {name!r} ({first}); "
                        "give the outlet an id of its own, or the same outlet the same name"
                    )
                drafts.append(draft)
    return drafts


def _draft(where: str, line: str) -> Draft:
    cells = [cell.strip() for cell in line.split("\t")]
    if len(cells) > len(COLUMNS):
        raise EvidenceError(f"{where}: {len(cells)} fields; a row has {len(COLUMNS)}")
    row = dict(zip(COLUMNS, cells + [""] * (len(COLUMNS) - len(cells)), strict=True))
    row["role"] = row["role"] or Role.PUBLISHER
    row["medium"] = row["medium"] or Medium.OTHER

    def refuse(field: str, reason: str | None) -> None:
        if reason:
            raise EvidenceError(f"{where}, field '{field}': {reason}")

    for table in ("outlets", "control"):
        for field in FIELDS[table].keys() & row.keys() - {"source"}:  # a default stands for it
            refuse(field, FIELDS[table][field].reason(row[field]))
    draft = Draft(row["name"], "hand", id=row["id"], country=row["country"] or None)
    draft.wikidata = row["wikidata"] or None
    draft.role, draft.medium = Role(row["role"]), Medium(row["medium"])
    for index, cell in enumerate(row["domains"].split()):
        text, _, role = cell.partition("=")
        role = role or (DomainRole.EDITION if index else DomainRole.MAIN)
        host = host_of(text)
        refuse("domains", None if host else f"{text!r} is no host")
        refuse("domains", FIELDS["domains"]["role"].reason(role))
        draft.add_domain(Domain(str(host), DomainRole(role)))
    for text in filter(None, map(str.strip, row["names"].split("|"))):
        name = _name(text)
        refuse("names", FIELDS["names"]["name"].reason(name.text))
        refuse("names", FIELDS["names"]["lang"].reason(name.lang or ""))
        if name.text == draft.name:
            draft.main_ambiguous |= name.ambiguous
        draft.add_name(name)
    draft.control = _control(row)
    return draft


def _name(text: str) -> Name:
    ambiguous = text.startswith("!")
    text = text.removeprefix("!").strip()
    match = _NAME.fullmatch(text)
    if match:
        return Name(match[1], NameKind(match[2]), match[3], ambiguous)
    return Name(text, ambiguous=ambiguous)


def _control(row: Mapping[str, str]) -> Control | None:
    if not row["code"] and not row["owner"]:
        return None
    if not row["code"]:
        unknown = Holder.UNKNOWN
        evidence = Evidence(row["source"] or BY_HAND, row["url"] or None)
        return Control(unknown, unknown, unknown, None, row["owner"], evidence)
    code = Code(row["code"])
    evidence = Evidence(
        row["source"] or MATRIX.name,
        row["url"] or MATRIX.url,
        None if row["source"] else MATRIX.date,
    )
    return Control(*HOLDERS[code], code, row["owner"] or None, evidence)
