"""The version, which every package and `pyproject.toml` read from here."""

__version__ = "0.4.0"
