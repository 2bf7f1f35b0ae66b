"""How far a signal leans on what the rules find, beyond what was learned of them.

Whether an outlet is a state's is knowledge that no text holds. Models learn to know state media by
the way they are cited as well, and on texts like those they learned from that is right; elsewhere
it flags who only looks the part, and the report can name no outlet for it. So the finding weighs
more than was learned, before calibration; docs/training.md says what that was worth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from classifier.models import FINDINGS

LEANS: Mapping[str, tuple[str, float]] = {"state_media_attribution": ("state_media", 4.0)}
"""By signal: the finding, and what it adds to the log-odds."""


def leaning(signals: Sequence[str]) -> NDArray[np.float32]:
    """Lay out what is added to the weights of the findings, shape (n_signals, n_findings)."""
    added = np.zeros((len(signals), len(FINDINGS)), np.float32)
    for row, signal in enumerate(signals):
        if signal in LEANS:
            finding, weight = LEANS[signal]
            added[row, FINDINGS.index(finding)] = weight
    return added
