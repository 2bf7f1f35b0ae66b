"""Bundles and benchmarks in, a folder of cells and a table of which bundle is best out.

A cell is a bundle on a benchmark, scored once, as `framescope eval run` scores it, and kept with
its scores: what is compared later needs no model.
"""

from framescope.eval.grid.compute import compute_grid
from framescope.eval.grid.folder import GridCell, parse_benchmarks, parse_bundles
from framescope.eval.grid.table import ranking as ranking_section
