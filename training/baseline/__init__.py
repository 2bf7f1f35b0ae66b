"""The label matrix in, a fitted baseline out: a logistic regression a signal, on n-grams."""

from training.baseline.baseline import BaselineRecipe
from training.baseline.counted import MIXES
