"""ANSWERS: a request in, a report out, over HTTP."""
