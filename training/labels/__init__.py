"""Labelled files in; out: their faults, likely errors, annotators' agreement, merged records."""

from framescope.training.labels.annotators import agreement as measure_agreement
from framescope.training.labels.annotators import citation_agreement, passes
from framescope.training.labels.annotators import merge as merge_annotators
from framescope.training.labels.checking import (
    LabelCheck,
    LikelyErrors,
    check_house,
    check_labelled,
    check_standoff,
    find_errors,
    read_benchmarks,
    refuse_shared,
)
from framescope.training.labels.reading import read_annotators, read_labelled, read_records
