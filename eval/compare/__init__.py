"""The scores of two models on the same rows in; how far they differ, and where, out."""
