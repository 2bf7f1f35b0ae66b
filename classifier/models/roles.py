"""What the encoder says of who says what: the layout of its outputs.

Of every token: whether it begins, goes on with or lies outside of a source, a cue, a content, and a
content within another; questions and answers, by whose products a content finds the source and the
cue that belong to it, and a source the words that name it; and what kind of source it speaks of, as
part of a source and as part of a cue.
"""

from __future__ import annotations

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
