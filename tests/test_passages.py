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


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    found = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, "[UNK]"))
    found.pre_tokenizer = pre_tokenizers.Whitespace()
    found.post_processor = processors.BertProcessing(("[SEP]", SEP), ("[CLS]", CLS))
    return found


def sentence(words: int, index: int = 0, article: str = "a") -> Sentence:
    text = " ".join((WORDS[4:10] * words)[:words])
    return Sentence(text, 100 * index, 100 * index + len(text), article, index)


def packed(packer: Packer, sentences: list[Sentence]) -> list[tuple[int, ...]]:
    return [p.rows for p in packer.pack(sentences, packer.tokenize_both(sentences)[0])]


def test_neighbours_share_a_passage_until_it_is_full(tokenizer: Tokenizer) -> None:
    four = [sentence(4, index) for index in range(5)]
    assert packed(Packer(tokenizer, 11), four) == [(0, 1), (2, 3), (4,)]
    assert packed(Packer(tokenizer, 10), four) == [(0,), (1,), (2,), (3,), (4,)]
    assert packed(Packer(tokenizer, 100), four) == [(0, 1, 2, 3, 4)]


def test_articles_and_gaps_are_not_packed_together(tokenizer: Tokenizer) -> None:
    rows = [sentence(2, 0), sentence(2, 1), sentence(2, 3), sentence(2, 4, "b"), sentence(2, 5)]
    assert packed(Packer(tokenizer, 100), rows) == [(0, 1), (2,), (3,), (4,)]


def test_without_context_every_sentence_stands_alone(tokenizer: Tokenizer) -> None:
    rows = [sentence(2, index) for index in range(3)]
    assert packed(Packer(tokenizer, 100, context=False), rows) == [(0,), (1,), (2,)]


def test_a_passage_is_as_long_as_it_says_and_never_too_long(tokenizer: Tokenizer) -> None:
    rng = np.random.default_rng(0)
    rows = [sentence(int(n), index) for index, n in enumerate(rng.integers(0, 30, 60))]
    packer = Packer(tokenizer, 16)
    tokens = packer.tokenize_both(rows)[0]
    passages = packer.pack(rows, tokens)
    assert [row for p in passages for row in p.rows] == list(range(60))
    for passage in passages:
        assert passage.length == 1 + sum(len(tokens[row].ids) + 1 for row in passage.rows)
        assert passage.length <= 16
    # Greedy: what follows would not have fitted.
    for last, following in pairwise(passages):
        assert last.length + len(tokens[following.rows[0]].ids) + 1 > 16


def test_a_long_sentence_is_cut_to_a_passage(tokenizer: Tokenizer) -> None:
    packer = Packer(tokenizer, 10)
    (tokens,), *_ = packer.tokenize_both([sentence(50)])
    assert len(tokens.ids) == len(tokens.offsets) == 8


def test_typography_is_folded_and_offsets_hold(tokenizer: Tokenizer) -> None:
    curly = Sentence("the “ferry” left", 7, 23, "a", 0)
    (tokens,), *_ = Packer(tokenizer).tokenize_both([curly])
    assert [WORDS[i] for i in tokens.ids] == ["the", '"', "ferry", '"', "left"]
    assert [curly.text[a:b] for a, b in tokens.offsets] == ["the", "“", "ferry", "”", "left"]


def test_a_tokenizers_own_padding_and_truncation_are_turned_off(tokenizer: Tokenizer) -> None:
    other = Tokenizer.from_str(tokenizer.to_str())
    other.enable_truncation(4)
    other.enable_padding(length=64)
    packer = Packer(other, 32)
    assert [len(t.ids) for t in packer.tokenize_both([sentence(20), sentence(3)])[0]] == [20, 3]


def test_a_batch_closes_each_sentence_and_says_where_it_lies(tokenizer: Tokenizer) -> None:
    rows = [sentence(3, 0), sentence(2, 1), sentence(4, 0, "b")]
    packer = Packer(tokenizer, 100)
    tokens = packer.tokenize_both(rows)[0]
    batch = packer.batch(packer.pack(rows, tokens), tokens)
    lines = [
        [CLS, *tokens[0].ids, SEP, *tokens[1].ids, SEP],
        [CLS, *tokens[2].ids, SEP],
    ]
    assert batch.ids.tolist() == [line + [0] * (LANE - len(line)) for line in lines]
    assert batch.mask.sum(axis=1).tolist() == [8, 6]
    assert batch.places.tolist() == [[0, 0, 1, 4], [0, 1, 5, 7], [1, 2, 1, 5]]
    assert batch.ids.dtype == batch.mask.dtype == np.int64


def test_a_sentence_without_tokens_has_an_empty_place(tokenizer: Tokenizer) -> None:
    rows = [sentence(2, 0), replace(sentence(1, 1), text=" "), sentence(2, 2)]
    packer = Packer(tokenizer, 100)
    tokens = packer.tokenize_both(rows)[0]
    batch = packer.batch(packer.pack(rows, tokens), tokens)
    assert batch.places.tolist() == [[0, 0, 1, 3], [0, 1, 4, 4], [0, 2, 5, 7]]


def test_nothing_is_no_passage(tokenizer: Tokenizer) -> None:
    packer = Packer(tokenizer)
    assert packer.tokenize_both([])[0] == []
    assert packer.pack([], []) == []
    assert list(by_length([], 100)) == []


def test_batches_keep_to_their_budget_and_hold_everything_once() -> None:
    rng = np.random.default_rng(1)
    passages = [Passage((i,), int(n)) for i, n in enumerate(rng.integers(3, 60, 200))]
    batches = list(by_length(passages, 128))
    assert sorted(p.rows[0] for b in batches for p in b) == list(range(200))
    assert all(len(b) * max(p.length for p in b) <= 128 for b in batches)
    assert len(batches) < 100
    lengths = [p.length for b in batches for p in b]
    assert lengths == sorted(lengths)


def test_a_passage_over_the_budget_is_a_batch_of_its_own() -> None:
    small, big = Passage((0,), 10), Passage((1,), 500)
    assert list(by_length([big, small], 100)) == [[small], [big]]
