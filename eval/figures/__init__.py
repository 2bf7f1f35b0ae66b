"""Labels and scores in, figures with their intervals out.

And `Section`, the one shape in which figures, tables and plots are shown.
"""

from eval.figures.conformal import LEVEL as COVERAGE_LEVEL
from eval.figures.conformal import Coverage, coverage, coverage_by, expected_range
from eval.figures.conformal import fit as fit_conformal
from eval.figures.curves import RECALLS, PrecisionRecall, ReliabilityCurve
from eval.figures.curves import precision_recall as precision_recall_of
from eval.figures.curves import reliability_curve as reliability_of
from eval.figures.metrics import METRICS, always_yes_f1, auc, decide, differences
from eval.figures.metrics import figure as single_figure
from eval.figures.metrics import measure as all_metrics
from eval.figures.resample import LEVEL, MIN_GROUPS, Interval, draw, percentile
from eval.figures.resample import resample as resample_figures
from eval.figures.risk_coverage import RiskCoverage
from eval.figures.risk_coverage import of_scores as risk_coverage_of
from eval.figures.sections import (
    UNDEFINED,
    Cell,
    Change,
    Estimate,
    Plot,
    Section,
    Share,
    Table,
    table,
)
from eval.figures.significance import holm, mcnemar
from eval.figures.spans import Spans, of_sums, sums_by_article
from eval.figures.techniques import TechniqueFigures, article_figures, classification
from eval.figures.techniques import of_articles as techniques_of_articles
