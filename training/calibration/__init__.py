"""Predictions on rows that nothing was learned from in, what decides out.

Calibration and thresholds, spans from tags, articles from sentences, the training domain.
"""
