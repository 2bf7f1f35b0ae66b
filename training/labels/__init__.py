"""Labels in, out whether they hold: every fault and contradiction, what is there twice, balance.

Likely errors by confident learning, annotators' agreement, and their labels merged into one record
an article. The house corpus' own passes are kept here too.
"""

from framescope.training.labels.agreement import agreement as measure_agreement
from framescope.training.labels.agreement import passes
from framescope.training.labels.alignment import citation_agreement, citation_passes
from framescope.training.labels.annotators import as_records, read_annotators
from framescope.training.labels.balance import class_balance
from framescope.training.labels.checking import (
    LabelCheck,
    check_house,
    check_labelled,
    check_standoff,
)
from framescope.training.labels.labelled import LabelledFiles, LabelProblem, read_labelled
from framescope.training.labels.merging import merge as merge_annotators
from framescope.training.labels.repeats import in_benchmarks, labelled_otherwise, read_benchmarks
from framescope.training.labels.suspects import Suspects, find_suspects
