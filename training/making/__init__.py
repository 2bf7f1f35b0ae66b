"""From the rows of a run to a bundle: fitted, calibrated, written with its card.

In: rows, settings, an encoder. Out: a bundle's folder.
"""

from training.making.makers import Teaching, make_baseline, make_transformer
