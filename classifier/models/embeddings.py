"""The transformer's word embeddings, looked up outside of its exported graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

EMBEDDINGS = "embeddings.npz"


@dataclass(frozen=True)
class Embeddings:
    """Word embeddings as int8, a scale a word.

    Attributes
    ----------
    table : ndarray of int8, shape (n_words, hidden)
    scale : ndarray of float32, shape (n_words,)
    """

    table: NDArray[np.int8]
    scale: NDArray[np.float32]

    @classmethod
    def quantise(cls, weights: NDArray[np.float32]) -> Embeddings:
        """Round each word's embedding to 255 symmetric steps of its own."""
        scale = (np.abs(weights).max(axis=1) / 127.0).astype(np.float32)
        scale[scale == 0] = 1.0
        return cls(np.rint(weights / scale[:, None]).astype(np.int8), scale)

    def look_up(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Embeddings of token ids, of the ids' shape with one more axis."""
        found: NDArray[np.float32] = self.table[ids] * self.scale[ids][..., None]
        return found
