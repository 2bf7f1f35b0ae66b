"""The scores of two models on the same rows in, how far they differ out.

In all, by slice, and by their worst errors; the headline, and what each costs.
"""

from framescope.eval.compare.comparison import Compared, Comparison, Difference, Progress
from framescope.eval.compare.comparison import compare as compare_models
from framescope.eval.compare.comparison import record as record_of_comparison
from framescope.eval.compare.comparison import section as section_of_comparison
from framescope.eval.compare.errors import Error, originals
from framescope.eval.compare.errors import records as error_records
from framescope.eval.compare.errors import to_lines as error_lines
from framescope.eval.compare.errors import worst as worst_errors
from framescope.eval.compare.footprint import METHOD, Footprint
from framescope.eval.compare.footprint import footprint as measure_footprint
from framescope.eval.compare.headline import Headline
from framescope.eval.compare.headline import headline as headline_of
from framescope.eval.compare.headline import verdict as verdict_of
from framescope.eval.compare.slices import Axis, genres_of
from framescope.eval.compare.slices import slices as slice_figures
