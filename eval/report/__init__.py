"""Sections in; out: terminal, Markdown, JSON and HTML, by one layout."""
