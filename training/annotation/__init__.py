"""Articles for annotation tools: in, files with labels; out, a tool's folder; and its labels back.

`send` writes what a tool imports, with its labelling configuration; `bring` reads what it exports
into records of the exchange format, one an article and annotator.
"""

from framescope.training.annotation.bringing import Bringing, bring
from framescope.training.annotation.catalogue import tool_named
from framescope.training.annotation.sending import Sending, send
