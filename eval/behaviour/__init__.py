"""Pairs of texts in, out what a change to a text did to its scores.

What must hold, and what may change. The cases are data.
"""

from framescope.eval.behaviour.robustness import DRAWS
from framescope.eval.behaviour.robustness import measure as measure_suite
from framescope.eval.behaviour.suite import Suite
from framescope.eval.behaviour.suite import record as record_of_suite
from framescope.eval.behaviour.suite import section as section_of_suite
from framescope.eval.behaviour.suite import verdict as suite_verdict
