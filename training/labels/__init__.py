"""The house corpus in, and out whether its labels hold: offsets, contradictions, agreement."""

from training.labels.agreement import agreement as measure_agreement
from training.labels.agreement import passes
from training.labels.agreement import read as read_annotators
from training.labels.alignment import citation_agreement, citation_passes
from training.labels.checking import LabelCheck, check_files, check_house, check_standoff
