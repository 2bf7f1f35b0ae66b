"""The words and phrases that the rules know: lexicon, verbs, tokens, source phrases."""
