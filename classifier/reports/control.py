"""Who owns, funds and steers an outlet, in words: the same for every output that a person reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from framescope.classifier.records import (
    CODES,
    HOLDERS,
    STEERING,
    About,
    Assessment,
    Code,
    Evidence,
    Holding,
    Network,
    Outlet,
    Owner,
    Statement,
    Status,
    present,
)

_LABELS = {
    About.FUNDING: "funding",
    About.GOVERNANCE: "governance",
    About.EDITORIAL: "editorial line",
    About.OWNER_KIND: "kind of owner",
}
NOTHING = "nothing on record, which is not the same as independent"
_CHAIN = 8  # owners of owners that are shown


@dataclass(frozen=True, slots=True)
class Told:
    """Something that is on record, in words, and where it is from."""

    label: str
    said: str
    evidence: Evidence


def facts(outlet: Outlet) -> Iterator[Told]:
    """Tell what is on record of an outlet: whether it publishes, what, whose it is, who steers it.

    Older statements stand behind those that hold, with their years.
    """
    yield from _status(outlet)
    if content := outlet.said(About.CONTENT):
        said = ", ".join(dict.fromkeys(words(one.value) for one in content))
        yield Told("content", said, content[0].evidence)
    yield from _owners(outlet.holdings)
    yield from _codes(outlet.said(About.CODE))
    for about, label in _LABELS.items():
        if said_of := outlet.said(about):
            yield Told(label, _with_history(said_of), said_of[0].evidence)


def _status(outlet: Outlet) -> Iterator[Told]:
    said = outlet.said(About.STATUS)
    if not said or outlet.status is Status.ACTIVE:
        return
    text = said[0].value
    if said[0].evidence.date and said[0].evidence.url:
        text += f" ({said[0].evidence.date})"
    if successor := outlet.said(About.SUCCESSOR):
        text += f"; succeeded by {successor[0].value}"
    yield Told("status", text, said[0].evidence)


def _owners(holdings: tuple[Holding, ...]) -> Iterator[Told]:
    now = present(holdings)
    if not now:
        return
    yield Told("owner", "; ".join(map(_held, now)), now[0].evidence)
    for one in now:
        for said, evidence in chain_of(one.owner):
            yield Told("", said, evidence)
    shown = {held.owner.id for held in now}
    before = [held for held in holdings if held.owner.id not in shown]
    for held in before:
        year = f" ({held.evidence.date})" if held.evidence.date else ""
        yield Told("", f"elsewhere: {_held(held)}{year}", held.evidence)


def chain_of(owner: Owner) -> Iterator[tuple[str, Evidence]]:
    """Tell who owns an owner, a line for each owner up to the top."""
    waiting, told = [owner], 0
    seen = {owner.id}
    while waiting and told < _CHAIN:
        one = waiting.pop(0)
        now = present(one.holdings)
        if now:
            yield f"{one.name} belongs to {', '.join(map(_held, now))}", now[0].evidence
            told += 1
        for held in now:
            if held.owner.id not in seen:
                seen.add(held.owner.id)
                waiting.append(held.owner)


def _held(held: Holding) -> str:
    about = [str(held.owner.kind)] if held.owner.kind else []
    about += [held.owner.country] if held.owner.country else []
    about += [f"{held.share:g}%"] if held.share is not None else []
    return held.owner.name + (f" ({', '.join(about)})" if about else "")


def _codes(said: tuple[Statement, ...]) -> Iterator[Told]:
    if not said:
        return
    now = said[0]
    code = Code(now.value)
    text = f"{CODES[code]} ({code}"
    text += f", {now.evidence.date})" if now.evidence.date else ")"
    if now.through:
        text += f", as {now.through}, which owns it"
    older = [f"{one.value} {one.evidence.date or ''}".strip() for one in said[1:]]
    if older:
        text += f"; before: {', '.join(dict.fromkeys(older))}"
    yield Told("state media", text, now.evidence)
    three = zip(STEERING, HOLDERS[code], strict=True)
    said_of = ", ".join(f"{_LABELS[about]} {holder}" for about, holder in three)
    yield Told("", said_of, now.evidence)


def _with_history(said: tuple[Statement, ...]) -> str:
    now, *older = said
    text = now.value + (f", as {now.through}, which owns it" if now.through else "")
    before = [f"{one.value} ({one.evidence.date})" for one in older if one.value != now.value]
    return text + (f"; before: {', '.join(before)}" if before else "")


def words(value: str) -> str:
    """A value of an enumeration as it is read."""
    return value.replace("_", " ")


def assessed(
    outlet: Outlet, network_called: Callable[[str], Network | None]
) -> Iterator[tuple[str, Evidence]]:
    """Tell what others found of an outlet: each source's newest word, with its older ones."""
    by_source: dict[tuple[str, str], list[Assessment]] = {}
    for one in sorted(outlet.assessments, key=lambda one: one.evidence.date or "", reverse=True):
        value = one.value if one.claim != "reliability" else ""
        by_source.setdefault((f"{one.evidence.source} {value}", one.claim), []).append(one)
    for now, *older in by_source.values():
        network = network_called(now.value)
        said = part_of(network) if network else f"{words(now.claim)}: {words(now.value)}"
        before = [
            f"{'the same' if one.value == now.value else words(one.value)} in {one.evidence.date}"
            for one in older
        ]
        yield said + (f"; before: {', '.join(before)}" if before else ""), now.evidence


def part_of(network: Network) -> str:
    """Tell of which network something is part, and who says who runs it."""
    said = f"part of {network.name}"
    if network.operator and network.attributed_by:
        said += f", attributed to {network.operator} by {network.attributed_by}"
    elif network.operator:
        said += f", run by {network.operator}"
    return said + (f" ({network.evidence.date})" if network.evidence.date else "")


def proof(evidence: Evidence) -> Iterator[str]:
    """Tell where a fact is from: the source with its date, and the address where there is one."""
    yield f"{evidence.source}, {evidence.date}" if evidence.date else evidence.source
    if evidence.url:
        yield evidence.url
