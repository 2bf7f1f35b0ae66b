"""What users write is checked, and the message names the field and what it may be."""

from typing import Annotated, Literal

import pytest
from framescope.classifier.validation import Checked, validate
from pydantic import Field


class Inner(Checked):
    name: str
    share: Annotated[float, Field(ge=0, le=1)] = 0.0


class Outer(Checked, strict=False):
    kind: Literal["state", "private"]
    owners: tuple[Inner, ...] = ()


def test_valid_data_become_a_model() -> None:
    found = validate(Outer, {"kind": "state", "owners": [{"name": "Tarn", "share": 0.5}]})
    assert (found.kind, found.owners[0].name) == ("state", "Tarn")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "'kind' is missing; add it"),
        ({"kind": "state", "ownrs": []}, "unknown field 'ownrs'; did you mean 'owners'?"),
        ({"kind": "states"}, 'kind: must be one of state, private, not "states"'),
        ({"kind": "state", "owners": [{"name": 3}]}, "owners.0.name: must be text, not 3"),
        (
            {"kind": "state", "owners": [{"name": "a", "share": 2.0}]},
            "owners.0.share: must be at most 1.0, not 2.0",
        ),
        (
            {"kind": "state", "owners": [{"name": "a", "shar": 1.0}]},
            "unknown field 'owners.0.shar'; did you mean 'share'?",
        ),
        ([], "must be an object, not []"),
    ],
)
def test_the_first_fault_is_explained_in_one_line(data, message) -> None:
    with pytest.raises(ValueError, match=r"\S") as raised:
        validate(Outer, data)
    assert str(raised.value) == message
