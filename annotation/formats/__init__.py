"""Tasks for annotation tools: in, labelled articles; out, files of the tool's own format, and back."""
