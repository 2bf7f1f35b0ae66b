"""Bundles and benchmarks in, a folder of cells and a table of which bundle is best out."""

from framescope.eval.grid.compute import compute_grid
from framescope.eval.grid.folder import parse_benchmarks, parse_bundles
from framescope.eval.grid.table import ranking as ranking_section
