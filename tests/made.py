"""Outputs of an encoder that marks who says what, made by hand."""

import numpy as np
from framescope.classifier import models
from framescope.classifier.models.passages import Tokens
from framescope.classifier.models.raw_citations import PassageOutputs, PassageReader
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
        self.roles = np.zeros((at, models.ROLE_COLUMNS), np.float32)
        self.roles[:, models.TAGS.index("outside") :: len(models.TAGS)] = SURE
        self.links = np.zeros((at, models.LINK_COLUMNS), np.float32)
        self.kinds = np.zeros((at, models.KIND_COLUMNS), np.float32)
        self._asked = 0

    def span(self, row: int, words: str) -> tuple[int, int]:
        text, at = self.rows[row].text, self.places[row][1]
        start = text.index(words)
        first = text[:start].count(" ")
        return at + first, at + first + len(words.split(" "))

    def tag(self, role: str, row: int, words: str) -> tuple[int, int]:
        start, end = self.span(row, words)
        column = models.ROLES.index(role) * len(models.TAGS)
        self.roles[start:end, column : column + len(models.TAGS)] = 0.0
        self.roles[start, column + models.TAGS.index("begins")] = SURE
        self.roles[start + 1 : end, column + models.TAGS.index("inside")] = SURE
        return start, end

    def link(self, role: str, asks: tuple[int, int], answers: tuple[int, int] | None) -> None:
        """Let some words look for others, or for none: both point along an axis of their own."""
        axis, number = self._asked, models.LINKED.index(role)
        self._asked += 1
        self.links[asks[0] : asks[1], number * models.LINK_SIZE + axis] = SURE
        start, end = answers or (0, 1)
        base = (len(models.LINKED) + number) * models.LINK_SIZE
        self.links[start:end, base + axis] = SURE

    def kind(self, role: str, span: tuple[int, int], name: str) -> None:
        column = models.SPEAKING.index(role) * len(models.KINDS) + models.KINDS.index(name)
        self.kinds[span[0] : span[1], column] = SURE

    def read(self) -> list[list[models.RawCitation]]:
        outputs = PassageOutputs(self.places, self.roles, self.links, self.kinds)
        return [found for _, found in PassageReader(outputs, self.tokens, self.rows).read()]

    def words(self, words: models.RowSpan | None) -> str | None:
        return words and self.rows[words.row].text[words.start : words.end]
