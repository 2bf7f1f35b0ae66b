"""The commands of scoring and of the registry: options, and one call each."""
