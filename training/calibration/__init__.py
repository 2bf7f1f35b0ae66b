"""Predictions on rows that nothing was learned from in, what decides out.

Calibration, thresholds, how spans are read off tags, how articles are told from their sentences.
"""

from framescope.training.calibration.articles import fit_articles
from framescope.training.calibration.decisions import (
    Decisions,
    fit_decisions,
    mean_average_precision,
    once_an_article,
)
from framescope.training.calibration.decisions import thresholds as choose_thresholds
from framescope.training.calibration.domain import extend_domain, fit_domain
from framescope.training.calibration.refit import (
    Line,
    Reached,
    lacking,
    moved,
    refit_line,
    threshold_reaching,
)
from framescope.training.calibration.tags import fit_tags
