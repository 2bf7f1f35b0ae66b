"""Which words are shown as the reason of a score."""

import numpy as np
import pytest
from framescope.classifier.models.reasons import chunks, standing_out, trimmed


def shown(text: str, scores: list[float]) -> list[str]:
    runs = standing_out(text, chunks(text), np.array(scores))
    return [text[start:end] for start, end, _ in runs]


def test_neighbours_that_stand_out_are_one_run_and_the_strongest_comes_first() -> None:
    assert shown("a vile plot, by cowards", [0.1, 1.0, 0.9, 0.0, 3.0]) == ["cowards", "vile plot"]


def test_function_words_alone_are_no_reason() -> None:
    assert shown("the harbour of lies", [0.9, 0.0, 0.8, 1.0]) == ["lies"]


def test_function_words_are_shown_where_there_is_nothing_else() -> None:
    assert shown("it is it", [0.0, 1.0, 0.0]) == ["is"]


@pytest.mark.parametrize("scores", [[], [0.0, -1.0]])
def test_nothing_that_adds_nothing_is_shown(scores: list[float]) -> None:
    assert shown("two words"[: 9 * bool(scores)], scores) == []


@pytest.mark.parametrize(("text", "kept"), [("“lies”,", "lies"), ("!?", "!?"), ("U.S.", "U.S")])
def test_punctuation_is_taken_off_the_ends(text: str, kept: str) -> None:
    start, end = trimmed(text, 0, len(text))
    assert text[start:end] == kept
