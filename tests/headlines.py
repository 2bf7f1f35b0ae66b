"""Labelled articles about invented places, half of them under a headline that baits."""

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SIGNAL = "clickbait_headline"
DEFINED = """\
[clickbait_headline]
label = "clickbait"
family = "framing"
level = "sentence"
meaning = "a headline that keeps back what the article says, so that readers open it"
origin = "style book 4.2"
"""
BAIT = (
    "You won't believe what this {thing} in {place} did next",
    "{number} secrets of the {thing} of {place} that nobody tells you",
    "This one trick of a {thing} keeper in {place} will shock you",
    "What happened at the {thing} in {place} will leave you speechless",
)
PLAIN = (
    "Council of {place} approves repair of the {thing}",
    "{place} to close its {thing} for {number} days",
    "{place} opens a new {thing} after {number} months",
    "Costs of the {thing} in {place} rise by {number} crowns",
)
_PLACES = ("Orrin", "Vesk", "Talmere", "Quill Bay", "Dunholt", "Marrow", "Sable Point")
_THINGS = ("ferry", "mill", "harbour", "school", "bridge", "market", "tram", "library")
_BODY = (
    "The council of {place} met on Tuesday to talk about the {thing}.",
    "Repairs of the {thing} in {place} will cost {number} crowns, the mayor said.",
    "About {number} people of {place} use the {thing} every day.",
    "The {thing} of {place} stood empty for {number} weeks.",
)


def records(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Articles of five lines in the exchange format; the first is the headline."""
    draw = random.Random(seed)

    def said(templates: tuple[str, ...]) -> str:
        return draw.choice(templates).format(
            place=draw.choice(_PLACES), thing=draw.choice(_THINGS), number=draw.randrange(3, 900)
        )

    found = []
    for number in range(count):
        bait = number % 2
        lines = [said(BAIT if bait else PLAIN), *(said(_BODY) for _ in range(4))]
        units: list[dict[str, Any]] = []
        start = 0
        for index, line in enumerate(lines):
            labels = {SIGNAL: int(bait and not index)}
            units.append({"start": start, "end": start + len(line), "labels": labels})
            start += len(line) + 1
        found.append({
            "id": f"a{number}",
            "title": lines[0],
            "outlet": f"Post {'abcdefghijkl'[number % 12]}",
            "date": "2031-05-06",
            "text": "\n".join(lines),
            "sentences": units,
        })  # fmt: skip
    return found


def write(path: Path, count: int = 60, seed: int = 1) -> Path:
    """Write such articles, one a line."""
    lines = (json.dumps(record) + "\n" for record in records(count, seed))
    path.write_text("".join(lines), encoding="utf-8")
    return path


def unlabelled(record: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what a person said of an article."""
    return {key: record[key] for key in ("id", "title", "outlet", "date", "text")}
