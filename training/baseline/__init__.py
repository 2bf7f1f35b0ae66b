"""The label matrix in, a fitted baseline out: a logistic regression a signal, on n-grams."""

from framescope.training.baseline.baseline import BaselineRecipe
from framescope.training.baseline.counted import MIXES
