"""Predictions on rows that nothing was learned from in, what decides out.

Calibration and thresholds, spans from tags, articles from sentences, the training domain.
"""

from framescope.training.calibration.articles import (
    answer_limits,
    extend_domain,
    fit_articles,
    fit_domain,
)
from framescope.training.calibration.decisions import (
    Decisions,
    best_threshold,
    fit_decision,
    fit_decisions,
    fit_tags,
    once_an_article,
    refit_line,
)
from framescope.training.calibration.decisions import thresholds as choose_thresholds
