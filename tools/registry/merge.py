"""Rows by hand (`tools/registry/hand/*.tsv`), and one draft of all that is said of an outlet."""

import re
from collections import Counter, defaultdict
from pathlib import Path

from framescope.classifier.outlets import addresses, schema, slug
from framescope.classifier.outlets import fold_name as fold
from framescope.classifier.records import About, Domain, DomainRole, Medium, Name, NameKind, Role

from tools.registry.material import Draft, EvidenceError, host_of, rows_by_hand

#: Where the rows lie.
FOLDER = Path(__file__).parent / "hand"
#: How the names of files begin whose outlets are known for their towns or trades.
LESSER = "more-"
#: What follows the names are hints for whoever looks for a source; nothing of them is shipped.
COLUMNS = (
    *("id", "name", "role", "medium", "country", "wikidata", "domains", "names"),
    *("code", "owner", "source", "url", "note"),
)
_KINDS = "|".join(kind for kind in NameKind if kind is not NameKind.MAIN)
_NAME = re.compile(rf"(.+?) \((?:({_KINDS}))(?:, ([A-Za-z-]+))?\)")


def read_hand(folder: Path = FOLDER) -> list[Draft]:
    """Read every row, in the order of the files."""
    drafts = []
    named: dict[str, tuple[str, str]] = {}
    for where, row in rows_by_hand(folder, "*.tsv", COLUMNS):
        draft = _draft(where, row)
        name, first = named.setdefault(draft.id, (draft.name, where))
        # Two outlets under one id would be shown as the one that is read first.
        if draft.name != name:
            raise EvidenceError(
                f"{where}, field 'name': {draft.name!r} has the id of {name!r} ({first}); "
                "give the outlet an id of its own, or the same outlet the same name"
            )
        draft.lesser = Path(where).name.startswith(LESSER)
        drafts.append(draft)
    return drafts


def _draft(where: str, row: dict[str, str]) -> Draft:
    row |= {"role": row["role"] or Role.PUBLISHER, "medium": row["medium"] or Medium.OTHER}

    def refuse(field: str, reason: str | None) -> None:
        if reason:
            raise EvidenceError(f"{where}, field '{field}': {reason}")

    for field in schema.FIELDS["outlets"].keys() & row.keys():
        refuse(field, schema.FIELDS["outlets"][field].reason(row[field]))
    draft = Draft(row["name"], "hand", id=row["id"], country=row["country"] or None)
    draft.wikidata = row["wikidata"] or None
    draft.role, draft.medium = Role(row["role"]), Medium(row["medium"])
    for index, cell in enumerate(row["domains"].split()):
        text, _, role = cell.partition("=")
        role = role or (DomainRole.EDITION if index else DomainRole.MAIN)
        host = host_of(text)
        refuse("domains", None if host else f"{text!r} is no host")
        refuse("domains", schema.FIELDS["domains"]["role"].reason(role))
        draft.add_domain(Domain(str(host), DomainRole(role)))
    for text in filter(None, map(str.strip, row["names"].split("|"))):
        name = _name(text)
        refuse("names", schema.FIELDS["names"]["name"].reason(name.text))
        refuse("names", schema.FIELDS["names"]["lang"].reason(name.lang or ""))
        if name.text == draft.name:
            draft.main_ambiguous |= name.ambiguous
        draft.add_name(name)
    return draft


def _name(text: str) -> Name:
    ambiguous = text.startswith("!")
    text = text.removeprefix("!").strip()
    match = _NAME.fullmatch(text)
    if match:
        return Name(match[1], NameKind(match[2]), match[3], ambiguous)
    return Name(text, ambiguous=ambiguous)


def merge(hand: list[Draft], evidence: list[Draft], log: list[str]) -> list[Draft]:
    """Merge evidence into the rows by hand, which both change; the log gets what was in doubt."""
    outlets = _merge_hand(hand, log)
    by_host = {domain.host: draft for draft in outlets for domain in draft.domains}
    by_name: dict[tuple[str, str], Draft] = {}
    for draft in outlets:
        for key in draft.folded():
            by_name.setdefault((key, draft.country or ""), draft)
    for draft in outlets:  # a main name before another's alias
        by_name[(fold(draft.name), draft.country or "")] = draft
    codes: dict[Draft, list[tuple[bool, Draft]]] = defaultdict(list)
    for found in evidence:
        given = {domain.host for domain in found.domains}
        owners = dict.fromkeys(by_host[d.host] for d in found.domains if d.host in by_host)
        named = _by_name(found, by_name)
        into = next(iter(owners), named)
        if named is not None and (named in owners or fold(named.name) == fold(found.name)):
            into = named
        if into is None:
            outlets.append(found)
            for domain in found.domains:
                by_host[domain.host] = found
            by_name.setdefault((fold(found.name), found.country or ""), found)
            continue
        if into.country and found.country and into.country != found.country:
            log.append(f"country: {found.name} is {into.id}'s; {found.country}, not {into.country}")
        if found.statements or found.held:
            main = any(domain.host in given for domain in into.domains[:1])
            plain = main or fold(found.name) in into.folded()
            for owner in dict.fromkeys((into, *owners)):
                codes[owner].append((owner is into and plain, found))
        _unite(into, found, by_host, by_name)
        if fold(found.name) != fold(into.name):
            log.append(f"merged: {found.name} ({found.country}, {found.origin}) into {into.id}")
    for draft in outlets:
        _settle_codes(draft, codes[draft], log)
    _give_ids(outlets)
    _part(outlets, log)
    return sorted(outlets, key=lambda draft: draft.id)


def _by_name(found: Draft, by_name: dict[tuple[str, str], Draft]) -> Draft | None:
    """Find who is called so in the same country: by the main name, or a house by any of its."""
    country = found.country or ""
    named = by_name.get((fold(found.name), country))
    if named is None and not found.domains:
        others = {by_name[(key, country)] for key in found.folded() if (key, country) in by_name}
        named = others.pop() if len(others) == 1 else None
    return named


def _part(outlets: list[Draft], log: list[str]) -> None:
    """Give an outlet what a larger one lists as its own: "TRT World" and trtworld.com in TRT's."""
    mains: dict[tuple[str, str], Draft] = {}
    for draft in outlets:
        mains.setdefault((fold(draft.name), draft.country or ""), draft)
    for larger in outlets:
        country = larger.country or ""
        parts = {
            other.id: other
            for name in larger.names
            if (other := mains.get((fold(name.text), country))) is not None and other is not larger
        }
        for part in parts.values():
            shared = part.folded() - {fold(larger.name)}
            larger.names = [name for name in larger.names if fold(name.text) not in shared]
            titles = {slug(name).replace("-", "") for name in shared if name.isascii()}
            for domain in list(larger.domains[1:]):
                if (
                    not part.domains
                    and addresses.host_label(domain.host).replace("-", "") in titles
                ):
                    larger.domains.remove(domain)
                    part.add_domain(Domain(domain.host))
            log.append(f"parted: {part.id} from {larger.id}")


def _merge_hand(hand: list[Draft], log: list[str]) -> list[Draft]:
    by_id: dict[str, Draft] = {}
    by_host: dict[str, Draft] = {}
    for draft in hand:
        main = next((d.host for d in draft.domains if d.role is DomainRole.MAIN), None)
        into = by_id.setdefault(draft.id, draft)
        if into is not draft:
            log.append(f"merged: hand row {draft.id} into {into.id}")
            _unite(into, draft, {}, {})
            into.lesser &= draft.lesser
            into.wikidata = into.wikidata or draft.wikidata
        if main:
            by_host.setdefault(main, into)
    for draft in by_id.values():  # what is one outlet's main host is no other's edition
        for domain in list(draft.domains):
            if (owner := by_host.setdefault(domain.host, draft)) is not draft:
                raise EvidenceError(
                    f"rows by hand: {domain.host} is a host of {owner.id} and of {draft.id}; leave "
                    "it to the one whose it is"
                )
    return list(by_id.values())


def _unite(
    into: Draft, found: Draft, by_host: dict[str, Draft], by_name: dict[tuple[str, str], Draft]
) -> None:
    country = into.country or found.country or ""
    for name in (Name(found.name), *found.names):
        other = by_name.get((fold(name.text), country))
        if other is None or other is into:
            known = {fold(text) for text in (into.name, *(n.text for n in into.names))}
            if fold(name.text) not in known:
                into.add_name(name)
    for domain in found.domains:
        if by_host.get(domain.host, into) is into:
            first = not any(d.role is DomainRole.MAIN for d in into.domains)
            role = domain.role
            if role is DomainRole.MAIN and not first:
                role = DomainRole.EDITION
            into.add_domain(Domain(domain.host, role))
            by_host[domain.host] = into
    into.lesser &= found.lesser
    into.country = into.country or found.country
    if into.medium is Medium.OTHER:
        into.medium = found.medium


def _settle_codes(draft: Draft, given: list[tuple[bool, Draft]], log: list[str]) -> None:
    """Take the matrix's word, of the row that is most plainly this outlet, and its owner."""
    if not given:
        return
    given.sort(key=lambda entry: not entry[0])
    plain, chosen = given[0]
    codes = {
        one.value: found.name
        for near, found in given
        for one in found.statements
        if near or not plain
    }
    if len(codes) > 1:
        listed = ", ".join(f"{code} ({name})" for code, name in codes.items())
        log.append(f"control: {draft.id} has several codes: {listed}; the first stands")
    draft.statements = [one for one in draft.statements if one.about is not About.CODE]
    draft.statements += chosen.statements
    for held in chosen.held:
        draft.hold(held)


def _give_ids(drafts: list[Draft]) -> None:
    """Make ids of the names; namesakes get their country's code, each of them."""
    taken = {draft.id for draft in drafts if draft.id}
    rest = sorted((d for d in drafts if not d.id), key=lambda d: (d.name, d.country or ""))
    bases = [slug(draft.name) or slug(draft.domains[0].host) for draft in rest]
    shared = Counter(bases)
    for draft, base in zip(rest, bases, strict=True):
        tried = [base] if shared[base] == 1 else []
        tried.append(f"{base}-{(draft.country or 'x').lower()}")
        tried += [f"{tried[-1]}-{number}" for number in range(2, 10)]
        draft.id = next(id for id in tried if id not in taken)
        taken.add(draft.id)
