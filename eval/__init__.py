"""Bundles and benchmarks in, a verdict out."""
