"""A run or files in; out: the sentences that are most worth labelling, with the reason."""

from framescope.training.picking.picking import pick
