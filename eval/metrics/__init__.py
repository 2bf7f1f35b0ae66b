"""Labels and scores in, figures with their intervals out.

And `Section`, the one shape in which figures, tables and plots are shown.
"""

from framescope.eval.metrics.means import DrawnMean, MeanPart, mean_of_figures, mean_of_means
from framescope.eval.metrics.resample import MIN_GROUPS, draw, estimates, holm, mcnemar, percentile
from framescope.eval.metrics.resample import resample as resample_figures
from framescope.eval.metrics.scores import (
    LEVEL,
    METRICS,
    RECALLS,
    PrecisionRecall,
    ReliabilityCurve,
    always_yes_f1,
    auc,
    decide,
    differences,
    precision_recall,
    reliability_curve,
)
from framescope.eval.metrics.scores import figure as single_figure
from framescope.eval.metrics.scores import measure as all_metrics
from framescope.eval.metrics.sections import (
    UNDEFINED,
    Cell,
    Change,
    Estimate,
    Interval,
    Plot,
    Section,
    Share,
    Table,
    table,
)
