"""Who is cited in a sentence: the source, the cue, the content, and the kind of source."""
