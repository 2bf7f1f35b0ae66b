"""What a signal leans on, beyond what was learned."""

from __future__ import annotations

import numpy as np

from classifier.models.placeholders import FINDINGS
from training.data.leaning import LEANS, leaning


def test_state_media_lean_on_the_finding_and_nothing_else_does() -> None:
    signals = ("attributed", "state_media_attribution")
    added = leaning(signals)
    assert added.shape == (2, len(FINDINGS))
    weight = added[1, FINDINGS.index("state_media")]
    assert weight == LEANS["state_media_attribution"][1] > 0
    assert added.sum() == weight


def test_signals_without_a_leaning_are_left_as_they_were_learned() -> None:
    assert not np.any(leaning(("claim", "quoted")))
