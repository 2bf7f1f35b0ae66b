"""A run of `framescope batch`, and another or a bundle, in; what has changed since, out.

Scores, flags, words, outlets, the distance to the training data, and where there are labels the
calibration; with a verdict in plain words, and as a page.
"""

from framescope.eval.drift.drift_page import to_html as drift_to_html
from framescope.eval.drift.verdicts import compare as compare_runs
