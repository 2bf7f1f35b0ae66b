"""Labelled corpora in, a model bundle out."""
