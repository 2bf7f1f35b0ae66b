"""Scored rows in, sections out: controls, other splits, uncertainty, techniques, citations."""

from eval.studies.axes import Axes
from eval.studies.axes import chosen as chosen_axes
from eval.studies.axes_section import note as axes_note
from eval.studies.axes_section import refitted as refitted_axes
from eval.studies.axes_section import section as section_of_axes
from eval.studies.axes_section import table as axes_table
from eval.studies.citations import measure as measure_citations
from eval.studies.citations import section as section_of_citations
from eval.studies.controls import Controlled, Probed
from eval.studies.controls import run as run_controls
from eval.studies.controls_section import laid_out as controls_laid_out
from eval.studies.controls_section import record as record_of_controls
from eval.studies.controls_section import section as section_of_controls
from eval.studies.placeholders import run as measure_placeholders
from eval.studies.sourcing import measure as measure_sourcing
from eval.studies.technique_tasks import section as section_of_techniques
from eval.studies.uncertainty import section as section_of_uncertainty
from eval.studies.unresolved import measure as measure_unresolved
from eval.studies.unresolved import read as read_articles
from eval.studies.unresolved import section as section_of_unresolved
from eval.studies.unresolved import tally as tally_unresolved
