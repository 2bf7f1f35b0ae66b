"""What to label next: a run or files in, the sentences that are worth a label out, with why.

`gathering` reads the candidates, `methods` rank them, `choosing` keeps the outlets' shares;
`simulation` and `savings` measure on labelled corpora how many labels a method saves.
"""

from framescope.training.picking.choosing import Quotas
from framescope.training.picking.picking import PickRequest, pick
from framescope.training.picking.savings import WRITERS
from framescope.training.picking.simulation import SimulationPlan
from framescope.training.picking.simulation import run as run_simulation
