"""What to label next: a run or files in, the sentences that are worth a label out, with why.

`methods` rank candidates, `choosing` keeps the outlets' shares, `candidates` reads what may be
picked; `simulation` and `savings` measure on labelled corpora how many labels a method saves.
"""

from annotation.picking.choosing import Quotas
from annotation.picking.picking import Wish, pick
from annotation.picking.savings import WRITERS
from annotation.picking.simulation import Trial
from annotation.picking.simulation import run as run_simulation
