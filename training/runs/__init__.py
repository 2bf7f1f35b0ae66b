"""From the rows of a run to a bundle: fitted, calibrated, written with its card.

In: rows, settings, an encoder. Out: a bundle's folder, and beside it the run's, which keeps
everything that shaped it.
"""

from framescope.training.runs.folder import TrainingRun, check_run_folder, need_tracker
from framescope.training.runs.training import continue_training, train_baseline, train_transformer
