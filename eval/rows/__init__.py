"""A benchmark and bundles in; its rows with each model's scores out, scored once.

All that the harness measures is a function of these values.
"""

from framescope.eval.rows.benchmarks import BENCHMARK_BY_NAME, BENCHMARKS, Benchmark
from framescope.eval.rows.held_out import (
    FILE_PART,
    HeldOut,
    held_out_of_corpora,
    held_out_of_files,
)
from framescope.eval.rows.scored import (
    HELD_OUT,
    Bools,
    Evaluation,
    Floats,
    Sample,
    ScoredRows,
    Scores,
    Single,
    blocks,
    is_positive,
    rows_of,
    told_apart,
)
