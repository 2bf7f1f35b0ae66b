"""Outputs of an encoder that marks who says what, made by hand."""

import numpy as np
from framescope.classifier.models import raw_citations
from framescope.classifier.models.passages import Tokens
from framescope.classifier.records.article import Sentence

SURE = 8.0


def sentences(*texts: str) -> list[Sentence]:
    rows, at = [], 0
    for number, text in enumerate(texts):
        rows.append(Sentence(text, at, at + len(text), "a", number))
        at += len(text) + 1
    return rows


def tokens_of(row: Sentence) -> Tokens:
    """A token a word."""
    offsets, at = [], 0
    for word in row.text.split(" "):
        offsets.append((at, at + len(word)))
        at += len(word) + 1
    return Tokens([7] * len(offsets), offsets)


class Passage:
    """One passage: a first token, then each sentence's words with a separator behind them."""

    def __init__(self, *texts: str) -> None:
        self.rows = sentences(*texts)
        self.tokens = [tokens_of(row) for row in self.rows]
        self.places, at = [], 1
        for row, tokens in enumerate(self.tokens):
            self.places.append((row, at, at + len(tokens.ids)))
            at += len(tokens.ids) + 1
        self.roles = np.zeros((at, raw_citations.ROLE_COLUMNS), np.float32)
        self.roles[:, raw_citations.TAGS.index("outside") :: len(raw_citations.TAGS)] = SURE
        self.links = np.zeros((at, raw_citations.LINK_COLUMNS), np.float32)
        self.kinds = np.zeros((at, raw_citations.KIND_COLUMNS), np.float32)
        self._asked = 0

    def span(self, row: int, words: str) -> tuple[int, int]:
        text, at = self.rows[row].text, self.places[row][1]
        start = text.index(words)
        first = text[:start].count(" ")
        return at + first, at + first + len(words.split(" "))

    def tag(self, role: str, row: int, words: str) -> tuple[int, int]:
        start, end = self.span(row, words)
        column = raw_citations.ROLES.index(role) * len(raw_citations.TAGS)
        self.roles[start:end, column : column + len(raw_citations.TAGS)] = 0.0
        self.roles[start, column + raw_citations.TAGS.index("begins")] = SURE
        self.roles[start + 1 : end, column + raw_citations.TAGS.index("inside")] = SURE
        return start, end

    def link(self, role: str, asks: tuple[int, int], answers: tuple[int, int] | None) -> None:
        """Let some words look for others, or for none: both point along an axis of their own."""
        axis, number = self._asked, raw_citations.LINKED.index(role)
        self._asked += 1
        self.links[asks[0] : asks[1], number * raw_citations.LINK_SIZE + axis] = SURE
        start, end = answers or (0, 1)
        base = (len(raw_citations.LINKED) + number) * raw_citations.LINK_SIZE
        self.links[start:end, base + axis] = SURE

    def kind(self, role: str, span: tuple[int, int], name: str) -> None:
        first = raw_citations.SPEAKING.index(role) * len(raw_citations.KINDS)
        self.kinds[span[0] : span[1], first + raw_citations.KINDS.index(name)] = SURE

    def read(self) -> list[list[raw_citations.RawCitation]]:
        outputs = raw_citations.PassageOutputs(self.places, self.roles, self.links, self.kinds)
        reader = raw_citations.PassageReader(outputs, self.tokens, self.rows)
        return [found for _, found in reader.read()]

    def words(self, words: raw_citations.RowSpan | None) -> str | None:
        return words and self.rows[words.row].text[words.start : words.end]
