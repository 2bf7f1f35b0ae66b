"""A benchmark and bundles in; its rows, and what each model gives them, out: scored once.

All that the harness says is a function of these values.
"""

from eval.rows.benchmarks import BENCHMARKS, Benchmark
from eval.rows.benchmarks import BY_NAME as BENCHMARK_BY_NAME
from eval.rows.held_out import FILE_PART, HeldOut
from eval.rows.held_out import of_corpora as held_out_of_corpora
from eval.rows.held_out import of_files as held_out_of_files
from eval.rows.judged import Judged
from eval.rows.scored import Scored, articles_of, rows_of
from eval.rows.scored import score as score_rows

__all__ = [
    "BENCHMARKS",
    "BENCHMARK_BY_NAME",
    "Benchmark",
    "FILE_PART",
    "HeldOut",
    "Judged",
    "Scored",
    "articles_of",
    "held_out_of_corpora",
    "held_out_of_files",
    "rows_of",
    "score_rows",
]
