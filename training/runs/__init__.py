"""From the rows of a run to a bundle: fitted, calibrated, written with its card.

In: rows, settings, an encoder. Out: a bundle's folder, and beside it that of the run.
"""

from framescope.training.runs.folder import TrainingRun, check_run_folder, need_tracker
from framescope.training.runs.training import continue_training, train_baseline, train_transformer
