"""Scored rows in, sections out: controls, other splits, uncertainty, techniques, who says what."""

from eval.studies.axes import section as section_of_axes
from eval.studies.axes import study as study_axes
from eval.studies.cascade import study as study_cascade
from eval.studies.controls import section as section_of_controls
from eval.studies.controls import study as study_controls
from eval.studies.familiarity import study as study_familiarity
from eval.studies.placeholders import run as study_placeholders
from eval.studies.sourcing.study import section as section_of_sourcing
from eval.studies.sourcing.study import study as study_sourcing
from eval.studies.technique_tasks import section as section_of_techniques
from eval.studies.uncertainty import section as section_of_uncertainty
from eval.studies.unresolved import study as study_unresolved
