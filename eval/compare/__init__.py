"""The scores of two models on the same rows in; how far they differ, and where, out."""

from framescope.eval.compare.comparison import (
    Compared,
    Comparison,
    Difference,
    Headline,
    Progress,
    compare_models,
    headline_of,
    record_of_comparison,
    section_of_comparison,
    verdict_of,
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
