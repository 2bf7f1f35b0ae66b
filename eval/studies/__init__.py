"""Scored rows in, sections out: controls, other splits, uncertainty, techniques, who says what."""

from framescope.eval.studies.axes import section as section_of_axes
from framescope.eval.studies.axes import study as study_axes
from framescope.eval.studies.cascade import study as study_cascade
from framescope.eval.studies.controls import section as section_of_controls
from framescope.eval.studies.controls import study as study_controls
from framescope.eval.studies.familiarity import study as study_familiarity
from framescope.eval.studies.placeholders import run as study_placeholders
from framescope.eval.studies.sourcing.study import section as section_of_sourcing
from framescope.eval.studies.sourcing.study import study as study_sourcing
from framescope.eval.studies.technique_tasks import section as section_of_techniques
from framescope.eval.studies.uncertainty import section as section_of_uncertainty
from framescope.eval.studies.unresolved import study as study_unresolved
