"""Pairs of texts in, out what a change to a text did to its scores.

What must hold, and what may change. The cases are data.
"""

from framescope.eval.suite.robustness import DRAWS
from framescope.eval.suite.robustness import measure as measure_suite
from framescope.eval.suite.suite import Suite
from framescope.eval.suite.suite import record as record_of_suite
from framescope.eval.suite.suite import section as section_of_suite
from framescope.eval.suite.suite import verdict as suite_verdict
