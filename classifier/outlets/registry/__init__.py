"""Outlets by id, host and name: the tables, a user's own file, look-ups, checks."""
