"""The scores of two models on the same rows in; how far they differ, and where, out."""

from framescope.eval.compare.comparison import (
    ALIKE,
    ALPHA,
    DIGITS,
    FEW,
    LOST,
    NEW,
    Compared,
    Comparison,
    Difference,
    Progress,
    SignalChange,
    benchmarks_of,
    changes_of,
    compare_models,
    count_tests,
    decision_of,
    draws_needed,
    record_of_comparison,
    section_of_comparison,
    table_of_changes,
)
from framescope.eval.compare.footprint import METHOD, Footprint, measure_footprint
from framescope.eval.compare.slices import (
    Axis,
    Error,
    error_records,
    genres_of,
    originals,
    slice_figures,
    worst_errors,
)
