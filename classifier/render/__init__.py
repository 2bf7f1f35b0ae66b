"""A report as terminal text, JSON, exchange lines and HTML."""
