"""What to label next: a run or files in, the sentences that are worth a label out, with why.

`gathering` reads the candidates, `methods` rank them, `choosing` keeps the outlets' shares;
`simulation` and `savings` measure on labelled corpora how many labels a method saves.
"""

from annotation.picking.choosing import Quotas
from annotation.picking.picking import PickRequest, pick
from annotation.picking.savings import WRITERS
from annotation.picking.simulation import SimulationPlan
from annotation.picking.simulation import run as run_simulation
