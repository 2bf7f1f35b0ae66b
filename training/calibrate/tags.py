"""How spans are read off the tags of tokens, fitted on rows that nothing was learned from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from classifier.models import TransformerModel, stretches
from training.calibrate.decisions import best_threshold
from training.data import Examples
from training.transformer import in_spans, marked

Bools = NDArray[np.bool_]

_GAPS = (0, 1, 2, 4, 8, 12, 16)
_TAG_SEED = 0  # of the resamples for tags, which no option sets


def fit_tags(model: TransformerModel, validation: Examples) -> tuple[tuple[float, ...], int]:
    """Choose how spans are read off the tags of tokens.

    Gives, for each span signal in the order of the model's tags, the logit from which a token lies
    in a span: that of the best token-level F1, on the validation rows whose corpus marks spans of
    the signal. And how many tokens outside, between two stretches, a span takes in: of `_GAPS` the
    number with the best F1 of spans, of all signals together, where each span earns the share of
    its tokens that the other side covers (Da San Martino et al., 2019).
    """
    tags = model.heads.tags
    if not tags:
        return (), 0
    known = marked(validation, tags)
    some = np.flatnonzero(known.any(axis=1))
    rows, known = validation.where(some), known[some]
    outputs = model.predict(rows.sentences).neutral
    lengths = [len(tokens) for tokens in outputs.tags]
    given = np.concatenate([np.zeros((0, len(tags)), np.float32), *outputs.tags])
    wanted = np.concatenate(
        [
            np.zeros((0, len(tags)), np.bool_),
            *(
                in_spans(sentence, tokens, spans, tags)
                for sentence, tokens, spans in zip(
                    rows.sentences, outputs.tokens, rows.spans, strict=True
                )
            ),
        ]
    )
    sentence, known = np.repeat(np.arange(len(rows)), lengths), np.repeat(known, lengths, axis=0)
    of_tag = [(given[row, k], wanted[row, k], sentence[row]) for k, row in enumerate(known.T)]
    limits = tuple(
        best_threshold(scores, inside, rows.article[number], macro=False, seed=_TAG_SEED)
        if inside.any()
        else 0.0
        for scores, inside, number in of_tag
    )
    pairs = [
        (scores[first:end] >= np.float32(limit), inside[first:end])
        for limit, (scores, inside, number) in zip(limits, of_tag, strict=True)
        for first, end in pairwise([*np.flatnonzero(np.diff(number, prepend=-1)), len(number)])
    ]
    some_of = [pair for pair in pairs if pair[0].any() or pair[1].any()]
    return limits, max(_GAPS, key=lambda gap: (_span_f1(some_of, gap), -gap))


def _span_f1(pairs: Sequence[tuple[Bools, Bools]], gap: int) -> float:
    """F1 of the spans read off tokens, which were found inside and are, sentence by sentence."""
    earned, counted = np.zeros(2), np.zeros(2)
    for found, truth in pairs:
        sides = stretches(found, gap), stretches(truth, 0)
        for k, (mine, theirs) in enumerate((sides, sides[::-1])):
            counted[k] += len(mine)
            for first, end in mine:
                shared = sum(max(0, min(end, e) - max(first, f)) for f, e in theirs)
                earned[k] += shared / (end - first)
    precision, recall = earned / np.maximum(counted, 1)
    return float(2 * precision * recall / max(precision + recall, 1e-9))
