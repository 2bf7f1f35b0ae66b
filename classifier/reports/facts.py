"""What is on record of an outlet, in words: who owns, funds and steers it, and how it is rated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

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

NOTHING = "nothing on record, which is not the same as independent"
_LABELS = {
    About.FUNDING: "funding",
    About.GOVERNANCE: "governance",
    About.EDITORIAL: "editorial line",
    About.OWNER_KIND: "kind of owner",
}
_CHAIN = 8  # owners of owners that are shown


class Fact(NamedTuple):
    """Something on record, in words; without a label it belongs to the fact before it."""

    label: str
    said: str
    evidence: Evidence


def facts(outlet: Outlet) -> Iterator[Fact]:
    """Yield what is on record: whether it publishes, what it carries, whose it is, who steers it.

    Older statements stand behind those that hold, with their years.
    """
    yield from _status(outlet)
    if content := outlet.said(About.CONTENT):
        said = ", ".join(dict.fromkeys(words(one.value) for one in content))
        yield Fact("content", said, content[0].evidence)
    yield from _owners(outlet.holdings)
    yield from _codes(outlet.said(About.CODE))
    for about, label in _LABELS.items():
        if statements := outlet.said(about):
            yield Fact(label, _with_history(statements), statements[0].evidence)


def _status(outlet: Outlet) -> Iterator[Fact]:
    said = outlet.said(About.STATUS)
    if not said or outlet.status is Status.ACTIVE:
        return
    text = said[0].value
    if said[0].evidence.date and said[0].evidence.url:
        text += f" ({said[0].evidence.date})"
    if successor := outlet.said(About.SUCCESSOR):
        text += f"; succeeded by {successor[0].value}"
    yield Fact("status", text, said[0].evidence)


def _owners(holdings: tuple[Holding, ...]) -> Iterator[Fact]:
    now = present(holdings)
    if not now:
        return
    yield Fact("owner", "; ".join(map(_held, now)), now[0].evidence)
    for one in now:
        yield from _above(one.owner)
    shown = {held.owner.id for held in now}
    for held in holdings:
        if held.owner.id not in shown:
            year = f" ({held.evidence.date})" if held.evidence.date else ""
            yield Fact("", f"elsewhere: {_held(held)}{year}", held.evidence)


def _above(owner: Owner) -> Iterator[Fact]:
    """Yield who owns an owner, one fact for each owner up to the top."""
    waiting, shown, seen = [owner], 0, {owner.id}
    while waiting and shown < _CHAIN:
        one = waiting.pop(0)
        now = present(one.holdings)
        if now:
            yield Fact("", f"{one.name} belongs to {', '.join(map(_held, now))}", now[0].evidence)
            shown += 1
        for held in now:
            if held.owner.id not in seen:
                seen.add(held.owner.id)
                waiting.append(held.owner)


def _held(held: Holding) -> str:
    about = [str(held.owner.kind)] if held.owner.kind else []
    about += [held.owner.country] if held.owner.country else []
    about += [f"{held.share:g}%"] if held.share is not None else []
    return held.owner.name + (f" ({', '.join(about)})" if about else "")


def _codes(said: tuple[Statement, ...]) -> Iterator[Fact]:
    if not said:
        return
    now, *older = said
    code = Code(now.value)
    text = f"{CODES[code]} ({code}"
    text += f", {now.evidence.date})" if now.evidence.date else ")"
    text += _through(now)
    if older:
        before = (f"{one.value} {one.evidence.date or ''}".strip() for one in older)
        text += f"; before: {', '.join(dict.fromkeys(before))}"
    yield Fact("state media", text, now.evidence)
    steered = zip(STEERING, HOLDERS[code], strict=True)
    text = ", ".join(f"{_LABELS[about]} {holder}" for about, holder in steered)
    yield Fact("", text, now.evidence)


def _with_history(said: tuple[Statement, ...]) -> str:
    now, *older = said
    before = [f"{one.value} ({one.evidence.date})" for one in older if one.value != now.value]
    return now.value + _through(now) + (f"; before: {', '.join(before)}" if before else "")


def _through(statement: Statement) -> str:
    return f", as {statement.through}, which owns it" if statement.through else ""


def words(value: str) -> str:
    """Return a value of an enumeration as it is read."""
    return value.replace("_", " ")


def assessed(
    outlet: Outlet, network_called: Callable[[str], Network | None]
) -> Iterator[tuple[str, Evidence]]:
    """Yield what others found of an outlet: each source's newest finding, with its older ones."""
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
    """Say that something is part of a network, and who says who runs it."""
    said = f"part of {network.name}"
    if network.operator and network.attributed_by:
        said += f", attributed to {network.operator} by {network.attributed_by}"
    elif network.operator:
        said += f", run by {network.operator}"
    return said + (f" ({network.evidence.date})" if network.evidence.date else "")
