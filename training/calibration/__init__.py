"""Predictions on rows that nothing was learned from in, what decides out.

Calibration and thresholds, spans from tags, articles from sentences, the training domain.
"""

from framescope.training.calibration.articles import fit_articles
from framescope.training.calibration.decisions import (
    Decisions,
    fit_decisions,
    line_loss,
    once_an_article,
)
from framescope.training.calibration.decisions import thresholds as choose_thresholds
from framescope.training.calibration.domain import extend_domain, fit_domain
from framescope.training.calibration.spans import fit_tags
