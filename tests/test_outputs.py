from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from framescope.classifier import bundles
from framescope.classifier.attribution import read
from framescope.classifier.models import PassageCache
from framescope.classifier.outlets import load_registry
from framescope.classifier.records import Article

TEXTS = [
    "Ferry fares rise\n\nThe ferry of Orrin will cost more, the mayor said on Tuesday. Observers "
    "expect the price to rise again. A vile scheme, said Ann Ray of the Karst Press.",
    'The council met. According to RT, the bridge was closed. "We were not asked," said Tom Hale.',
    "It rained in Osterhaven. Critics say that the wicked plan will fail.",
]


@pytest.fixture(scope="module")
def shipped():
    registry = load_registry()
    return bundles.load("transformer", registry), registry


def sentences(shipped, *texts: str):
    found, registry = shipped
    rows = []
    for number, text in enumerate(texts):
        reading = read(Article("a", text), registry, found.languages)
        rows += [replace(one, article_id=str(number)) for one in reading.sentences]
    return rows


def same(one, other) -> bool:
    return (
        np.array_equal(one.proba, other.proba)
        and one.citations == other.citations
        and np.array_equal(one.vectors, other.vectors)
    )


def test_what_an_article_scores_is_the_same_to_the_bit_in_any_company(shipped):
    model = shipped[0].model
    together = model.predict(sentences(shipped, *TEXTS))
    at = 0
    for text in TEXTS:
        rows = sentences(shipped, text)
        alone = model.predict(rows)
        assert np.array_equal(alone.proba, together.proba[at : at + len(rows)])
        at += len(rows)


def test_copies_are_encoded_once_and_nothing_changes(shipped):
    model = shipped[0].model
    rows = sentences(shipped, TEXTS[0], TEXTS[1], TEXTS[0], TEXTS[2], TEXTS[1])
    plain = model.predict(rows)
    model.cache = cache = PassageCache(10_000_000)
    try:
        first, again = model.predict(rows), model.predict(rows)
    finally:
        model.cache = None
    assert same(plain, first)
    assert same(plain, again)
    flags = [(row, "state_media_attribution") for row in range(len(rows))]
    assert plain.evidence(flags) == first.evidence(flags) == again.evidence(flags)
    # TEXTS[1] names state media, so that it is read in two forms.
    assert cache.asked == 2 * (5 + 2)
    assert cache.reused == cache.asked - 3 - 1


def test_a_cache_keeps_within_its_bounds(shipped):
    model = shipped[0].model
    rows = sentences(shipped, *TEXTS)
    plain = model.predict(rows)
    model.cache = cache = PassageCache(1)
    try:
        assert same(plain, model.predict(rows))
        assert same(plain, model.predict(rows))
    finally:
        model.cache = None
    assert cache.reused == 0
