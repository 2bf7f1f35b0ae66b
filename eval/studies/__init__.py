"""Scored rows in, sections out: marks, controls, persuasion techniques, sourcing."""

from framescope.eval.studies.controls import study as study_controls
from framescope.eval.studies.languages import section as section_of_languages
from framescope.eval.studies.marks import section as section_of_marks
from framescope.eval.studies.sourcing import section as section_of_sourcing
from framescope.eval.studies.techniques import section as section_of_techniques
