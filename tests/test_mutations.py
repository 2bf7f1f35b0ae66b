"""Damaged inputs: articles or one line each, never a traceback."""

import io
from collections.abc import Iterable

import mutator
import pytest
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import read_input
from framescope.classifier.inputs.reading import read_stream
from framescope.classifier.records import Article, Skipped
from hypothesis import given, settings
from hypothesis import strategies as st

DAMAGED = dict(mutator.damaged(16))


def check(items: Iterable[Article | Skipped]) -> None:
    try:
        for item in items:
            said = item.reason if isinstance(item, Skipped) else item.id
            assert "\n" not in said
    except InputError as error:
        if "\n" in str(error):
            raise


PIECES = st.one_of(st.binary(max_size=40), st.sampled_from([b"\r\n\r\n", b"\0", b"<", b'"', b"["]))
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 2000), PIECES), min_size=1, max_size=5)


@given(st.sampled_from(sorted(mutator.SOUND)), EDITS)
@settings(max_examples=60, deadline=None)
def test_any_damage_gives_articles_or_one_line(suffix, edits):
    data = mutator.SOUND[suffix]
    for share, length, piece in edits:
        at = round(share * len(data))
        data = data[:at] + piece + data[at + length :]
    check(read_stream(io.BytesIO(data), "a"))


@pytest.mark.parametrize("name", DAMAGED)
def test_each_kind_of_damage_gives_articles_or_one_line(tmp_path, name):
    (tmp_path / name).write_bytes(DAMAGED[name])
    check(read_input(str(tmp_path / name)))
