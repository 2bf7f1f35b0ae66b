"""Scored rows in, a verdict out: floors, cards, other seeds, two outputs compared exactly."""

from eval.release.card import records as card_records
from eval.release.card import table as card_table
from eval.release.card import write as write_card
from eval.release.gate import FLOORS, Gate
from eval.release.gate import measured as measure_benchmarks
from eval.release.same import DifferenceError
from eval.release.same import same as compare_exactly
from eval.release.seeds import median as median_of_seeds
from eval.release.seeds import record_of as record_of_seeds
from eval.release.seeds import section as section_of_seeds
