"""Two bundles and the rows they are judged by: each row is scored once, whatever is read off it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from classifier.bundle import Bundle
from eval.rows.benchmarks import Benchmark
from eval.rows.recorded import Recorded, recording
from eval.rows.scored import Scored
from training.data import Examples


@dataclass(frozen=True, eq=False)
class Judged:
    """What every part of a report is measured on.

    Attributes
    ----------
    bundles : tuple of Bundle
        a and b, with models that keep their scores.
    models : tuple of Recorded
        Theirs.
    examples : Examples
        All rows, of every part.
    parts : tuple of str
        Those that are reported.
    names : tuple of str
        What to call the two, told apart.
    draws, seed : int
        Of the resampling.
    benchmarks : tuple of Benchmark
        Those with rows here.
    dates : mapping of str to str or None
        By article, as the examples name it.
    """

    bundles: tuple[Bundle, Bundle]
    models: tuple[Recorded, Recorded]
    examples: Examples
    parts: tuple[str, ...]
    names: tuple[str, str]
    draws: int
    seed: int
    benchmarks: tuple[Benchmark, ...] = ()
    dates: Mapping[str, str | None] = field(default_factory=dict)

    @classmethod
    def of(
        cls, a: Bundle, b: Bundle, examples: Examples, parts: Sequence[str], draws: int, seed: int
    ) -> Judged:
        """Wrap two bundles, so that what they score is kept."""
        (one, first), (other, second) = recording(a), recording(b)
        names = (a.name, b.name) if a.name != b.name else (f"{a.name} (a)", f"{b.name} (b)")
        return cls((one, other), (first, second), examples, tuple(parts), names, draws, seed)

    def score(self, rows: Examples) -> tuple[Scored, Scored]:
        """Give both models' probabilities of rows: whole articles, sentence by sentence."""
        (a, b), (first, second) = self.bundles, self.models
        return first.of(rows, a), second.of(rows, b)
