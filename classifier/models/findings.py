"""What the rules find of a sentence, as features beside its text.

Who is cited takes knowledge that no sentence holds: who is in office, which outlet is a state's,
whom "he" stands for. The rules of `classifier.attribution` have it; both models
learn how far to trust them, for the signals that are about sourcing and no others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from classifier.models.placeholders import TextForm, form_of
from classifier.values import Sentence, SourceKind, Voice

FINDINGS: tuple[str, ...] = (
    *(kind.value for kind in SourceKind),
    "government",
    "state_media",
    Voice.REPORTED.value,
    Voice.QUOTED.value,
)


def findings(sentences: Sequence[Sentence]) -> NDArray[np.float32]:
    """Lay out what was found, shape (n_sentences, n_findings): 1 where it was, else 0.

    Columns are `FINDINGS`: the kinds of source cited, whether any is a government or state media,
    and the voice: that within the republished article, where it is one.
    """
    found = np.zeros((len(sentences), len(FINDINGS)), np.float32)
    column = {name: number for number, name in enumerate(FINDINGS)}
    for row, sentence in enumerate(sentences):
        for citation in sentence.citations:
            found[row, column[citation.kind]] = 1
            if citation.government:
                found[row, column["government"]] = 1
            if citation.state_media:
                found[row, column["state_media"]] = 1
        spoken = sentence.inner_voice or sentence.voice
        if spoken is not Voice.OWN:
            found[row, column[spoken]] = 1
    return found


def reads_findings(signals: Sequence[str]) -> NDArray[np.bool_]:
    """Tell which signals read them, shape (n_signals,): those that are about sourcing."""
    return np.array([form_of(signal) is TextForm.TYPED for signal in signals], np.bool_)
