"""A bundle and a desk's own labels in, the bundle with calibration and thresholds of these out.

Nothing is learned: the weights stay, to the byte. What else speaks of chances goes along, so that
it decides as before. What is said of the new thresholds is cross-fitted: each article is judged by
what was fitted without it.
"""

from framescope.eval.calibration.refits import CalibrationError, Wish, recalibrate
from framescope.eval.calibration.rewriting import check_source, write_recalibrated
