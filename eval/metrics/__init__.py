"""Labels and scores in, figures with their intervals out.

And `Section`, the one shape in which figures, tables and plots are shown.
"""

from framescope.eval.metrics.resample import (
    MIN_GROUPS,
    DrawnMean,
    MeanPart,
    draw,
    estimates,
    estimates_of_sums,
    holm,
    mcnemar,
    mean_of_figures,
    mean_of_means,
    percentile,
    ratio,
    resample_figures,
)
from framescope.eval.metrics.scores import (
    LEVEL,
    METRIC_BY_NAME,
    METRICS,
    RECALLS,
    PrecisionRecall,
    ReliabilityCurve,
    all_metrics,
    always_yes_f1,
    decide,
    differences,
    precision_recall,
    reliability_curve,
    single_figure,
)
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
