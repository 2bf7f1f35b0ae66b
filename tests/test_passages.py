"""Sentences packed into passages, and passages into batches."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from framescope.classifier.models.passages import LANE, Packer, Passage, by_length
from framescope.classifier.records.article import Sentence
from tokenizers import Tokenizer, models, pre_tokenizers, processors

WORDS = ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "the", "ferry", "left", "orrin", "at", "noon", '"')
CLS, SEP = WORDS.index("[CLS]"), WORDS.index("[SEP]")


@pytest.fixture
def tokenizer() -> Tokenizer:
    found = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, "[UNK]"))
    found.pre_tokenizer = pre_tokenizers.Whitespace()
    found.post_processor = processors.BertProcessing(("[SEP]", SEP), ("[CLS]", CLS))
    # Its own settings, which are turned off.
    found.enable_truncation(4)
    found.enable_padding(length=64)
    return found


def sentence(words: int, index: int = 0, article: str = "a") -> Sentence:
    text = " ".join((WORDS[4:10] * words)[:words])
    return Sentence(text, 100 * index, 100 * index + len(text), article, index)


FOUR = [sentence(4, index) for index in range(5)]
APART = [sentence(2, 0), sentence(2, 1), sentence(2, 3), sentence(2, 4, "b"), sentence(2, 5)]


@pytest.mark.parametrize(
    ("rows", "most", "context", "expected"),
    [
        (FOUR, 11, True, [(0, 1), (2, 3), (4,)]),
        (FOUR, 10, True, [(0,), (1,), (2,), (3,), (4,)]),
        (FOUR, 100, True, [(0, 1, 2, 3, 4)]),
        (FOUR, 100, False, [(0,), (1,), (2,), (3,), (4,)]),
        (APART, 100, True, [(0, 1), (2,), (3,), (4,)]),  # gaps and other articles
        ([], 100, True, []),
    ],
)
def test_neighbours_share_a_passage_until_it_is_full(
    tokenizer, rows, most, context, expected
) -> None:
    packer = Packer(tokenizer, most, context)
    tokens = packer.tokenize_both(rows)[0]
    assert [p.rows for p in packer.pack(rows, tokens)] == expected


def test_a_passage_is_as_long_as_it_says_and_never_too_long(tokenizer) -> None:
    sizes = np.random.default_rng(0).integers(0, 30, 60).tolist()
    rows = [sentence(n, index) for index, n in enumerate(sizes)]
    packer = Packer(tokenizer, 16)
    tokens = packer.tokenize_both(rows)[0]
    assert [len(one.ids) for one in tokens] == [min(n, 14) for n in sizes]
    passages = packer.pack(rows, tokens)
    assert [row for p in passages for row in p.rows] == list(range(60))
    for passage in passages:
        assert passage.length == 1 + sum(len(tokens[row].ids) + 1 for row in passage.rows) <= 16
    for last, following in pairwise(passages):  # greedy
        assert last.length + len(tokens[following.rows[0]].ids) + 1 > 16


def test_a_batch_closes_each_sentence_and_says_where_it_lies(tokenizer) -> None:
    rows = [sentence(3, 0), replace(sentence(1, 1), text=" "), sentence(4, 0, "b")]
    packer = Packer(tokenizer, 100)
    tokens = packer.tokenize_both(rows)[0]
    batch = packer.batch(packer.pack(rows, tokens), tokens)
    lines = [[CLS, *tokens[0].ids, SEP, SEP], [CLS, *tokens[2].ids, SEP]]
    assert batch.ids.tolist() == [line + [0] * (LANE - len(line)) for line in lines]
    assert batch.mask.sum(axis=1).tolist() == [6, 6]
    # A sentence without tokens has an empty place.
    assert batch.places.tolist() == [[0, 0, 1, 4], [0, 1, 5, 5], [1, 2, 1, 5]]


def test_batches_keep_to_their_budget_and_hold_everything_once() -> None:
    sizes = np.random.default_rng(1).integers(3, 60, 200).tolist()
    batches = list(by_length([Passage((i,), n) for i, n in enumerate(sizes)], 128))
    assert sorted(p.rows[0] for b in batches for p in b) == list(range(200))
    assert all(len(b) * max(p.length for p in b) <= 128 for b in batches)
    lengths = [p.length for b in batches for p in b]
    assert lengths == sorted(lengths)
    small, big = Passage((0,), 10), Passage((1,), 500)
    assert list(by_length([big, small], 100)) == [[small], [big]]
    assert list(by_length([], 100)) == []
