"""From the rows of a run to a bundle: fitted, calibrated, written with its card.

In: rows, settings, an encoder. Out: a bundle's folder, and beside it that of the run, which holds
all that shaped it.
"""

from framescope.training.runs.curves import need_tracker
from framescope.training.runs.makers import Teaching, make_baseline, make_transformer
from framescope.training.runs.retraining import retrain_transformer
from framescope.training.runs.run_folder import TrainingRun, check_run_folder
