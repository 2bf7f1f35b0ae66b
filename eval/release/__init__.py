"""Scored rows in, a verdict out: floors, cards, other seeds, two outputs compared exactly."""

from framescope.eval.release.card import records as card_records
from framescope.eval.release.card import table as card_table
from framescope.eval.release.card import write as write_card
from framescope.eval.release.gate import FLOORS, Gate
from framescope.eval.release.gate import measured as measure_benchmarks
from framescope.eval.release.same import DifferenceError
from framescope.eval.release.same import same as compare_exactly
from framescope.eval.release.seeds import median as median_of_seeds
from framescope.eval.release.seeds import record_of as record_of_seeds
from framescope.eval.release.seeds import section as section_of_seeds
