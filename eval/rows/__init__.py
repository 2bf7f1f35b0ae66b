"""A benchmark and bundles in; its rows, and what each model gives them, out: scored once.

All that the harness says is a function of these values.
"""

from framescope.eval.rows.benchmarks import BENCHMARKS, Benchmark
from framescope.eval.rows.benchmarks import BY_NAME as BENCHMARK_BY_NAME
from framescope.eval.rows.held_out import FILE_PART, HeldOut
from framescope.eval.rows.held_out import of_corpora as held_out_of_corpora
from framescope.eval.rows.held_out import of_files as held_out_of_files
from framescope.eval.rows.scored import (
    HELD_OUT,
    Bools,
    Evaluation,
    Floats,
    Given,
    Sample,
    ScoredRows,
    Single,
    blocks,
    is_positive,
    rows_of,
    told_apart,
)
