"""The attributions of one sentence, by rules for English over its tokens."""
