"""What the encoder says of who says what: the layout of its outputs, and spans read off them.

Of every token: whether it begins, goes on with or lies outside of a source, a cue, a content, and a
content within another; questions and answers, by whose products a content finds the source and the
cue that belong to it, and a source the words that name it; and what kind of source it speaks of, as
part of a source and as part of a cue.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ROLES = ("source", "cue", "content", "nested")
"""What is tagged; nested is the content of who is cited within another content."""
TAGS = ("begins", "inside", "outside")
LINKED = ("source", "cue", "antecedent")
"""What is looked for: the first two by a content, the last by a source."""
LINK_SIZE = 64
KINDS = ("named", "unnamed", "vague", "government", "state_media")

ROLE_COLUMNS = len(ROLES) * len(TAGS)
#: Questions to each of `LINKED`, then their answers.
LINK_COLUMNS = 2 * len(LINKED) * LINK_SIZE
#: Of a source's tokens, then of a cue's.
SPEAKING = LINKED[:2]
KIND_COLUMNS = len(SPEAKING) * len(KINDS)

CITED = ("roles", "links", "kinds")
"""The outputs of the encoder that hold them."""

CITED_COLUMNS = (ROLE_COLUMNS, LINK_COLUMNS, KIND_COLUMNS)

Floats = NDArray[np.float32]


def tags_of(roles: Floats, role: str) -> Floats:
    """Give the logits of one role's tags: of shape (n, 12) those of shape (n, 3)."""
    at = ROLES.index(role) * len(TAGS)
    found: Floats = roles[:, at : at + len(TAGS)]
    return found


def questions(links: Floats, role: str) -> Floats:
    """Give what tokens ask for a role: of shape (n, 384) those of shape (n, 64)."""
    at = LINKED.index(role) * LINK_SIZE
    found: Floats = links[:, at : at + LINK_SIZE]
    return found


def answers(links: Floats, role: str) -> Floats:
    """Give what tokens answer who looks for a role: of shape (n, 384) those of shape (n, 64)."""
    at = (len(LINKED) + LINKED.index(role)) * LINK_SIZE
    found: Floats = links[:, at : at + LINK_SIZE]
    return found


def kinds_of(kinds: Floats, role: str) -> Floats:
    """Give the kinds that tokens of a role speak for: of shape (n, 10) those of shape (n, 5)."""
    at = SPEAKING.index(role) * len(KINDS)
    found: Floats = kinds[:, at : at + len(KINDS)]
    return found


def runs(tags: Sequence[int]) -> list[tuple[int, int]]:
    """Read spans off the tags of tokens: each begins at a beginning, or where none went before."""
    begins, inside = TAGS.index("begins"), TAGS.index("inside")
    found: list[tuple[int, int]] = []
    start: int | None = None
    for at, tag in enumerate(tags):
        if start is not None and tag != inside:
            found.append((start, at))
            start = None
        if tag == begins or (tag == inside and start is None):
            start = at
    if start is not None:
        found.append((start, len(tags)))
    return found
