"""Pairs of texts in, what a change to a text does to its scores out. The cases are data."""

from framescope.eval.suite.suite import DRAWS, Suite
from framescope.eval.suite.suite import measure as measure_suite
