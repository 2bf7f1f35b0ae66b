"""Evidence and the hand-kept tables in, the registry's shipped tables out."""
