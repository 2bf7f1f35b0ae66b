"""Many bundles over many benchmarks: a folder of cells in, what each gives and who is best out.

A cell is a bundle on a benchmark, scored once by the call that `framescope eval run` makes and kept
with its scores, so that whatever is compared later needs no model.
"""

from framescope.eval.grid.asked import benchmarks_asked, bundles_asked
from framescope.eval.grid.filling import Wanted
from framescope.eval.grid.filling import fill as fill_grid
from framescope.eval.grid.kept import GridCell
from framescope.eval.grid.tabled import brief_of as brief_of_grid
