"""A run of `framescope batch`, and an earlier run or a bundle, in; what has changed out."""

from framescope.eval.drift.report import compare_runs
