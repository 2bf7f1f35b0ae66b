"""Whose words a sentence is, and where quotations begin and end."""
