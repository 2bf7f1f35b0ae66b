"""Builds the registry that ships from public evidence and from what was written by hand."""
