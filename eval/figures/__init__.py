"""Labels and scores in, figures with their intervals out.

And `Section`, the one shape in which figures, tables and plots are shown.
"""

from eval.figures.conformal import LEVEL as COVERAGE_LEVEL
from eval.figures.conformal import Coverage, coverage, coverage_by, expected_range
from eval.figures.conformal import fit as fit_conformal
from eval.figures.metrics import (
    METRICS,
    Bools,
    Floats,
    always_yes_f1,
    auc,
    average_precision,
    brier,
    calibration_error,
    decide,
    differences,
    is_positive,
    macro_f1,
)
from eval.figures.metrics import f1 as f1_score
from eval.figures.metrics import measure as all_metrics
from eval.figures.metrics import precision as precision_score
from eval.figures.metrics import recall as recall_score
from eval.figures.overlap import of_sums as span_figures
from eval.figures.overlap import sums_by_article
from eval.figures.precision_recall import RECALLS, PrecisionRecall
from eval.figures.precision_recall import precision_recall as precision_recall_of
from eval.figures.reliability_curve import ReliabilityCurve
from eval.figures.reliability_curve import reliability_curve as reliability_of
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
from eval.figures.spans import Spans
from eval.figures.techniques import TechniqueFigures, article_figures, classification
from eval.figures.techniques import of_articles as techniques_of_articles

__all__ = [
    "Bools",
    "COVERAGE_LEVEL",
    "Cell",
    "Change",
    "Coverage",
    "Estimate",
    "Floats",
    "Interval",
    "LEVEL",
    "METRICS",
    "MIN_GROUPS",
    "Plot",
    "PrecisionRecall",
    "RECALLS",
    "ReliabilityCurve",
    "RiskCoverage",
    "Section",
    "Share",
    "Spans",
    "Table",
    "TechniqueFigures",
    "UNDEFINED",
    "all_metrics",
    "always_yes_f1",
    "article_figures",
    "auc",
    "average_precision",
    "brier",
    "calibration_error",
    "classification",
    "coverage",
    "coverage_by",
    "decide",
    "differences",
    "draw",
    "expected_range",
    "f1_score",
    "fit_conformal",
    "holm",
    "is_positive",
    "macro_f1",
    "mcnemar",
    "percentile",
    "precision_recall_of",
    "precision_score",
    "recall_score",
    "reliability_of",
    "resample_figures",
    "risk_coverage_of",
    "span_figures",
    "sums_by_article",
    "table",
    "techniques_of_articles",
]
