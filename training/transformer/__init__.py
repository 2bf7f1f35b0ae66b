"""The label matrix in, a fine-tuned encoder out, exported and quantised.

An interrupted training resumes from its checkpoint.
"""

from framescope.training.transformer.encoder import (
    StartingBundle,
    choose_device,
    describe_encoder,
    export,
    is_base_size,
    quantise,
    without_labels,
)
from framescope.training.transformer.multilingual import find_encoder
from framescope.training.transformer.scorers import fit_citation_scorer, fit_speakers
from framescope.training.transformer.targets import DistillationTargets, in_spans, marked
from framescope.training.transformer.teacher import Teacher, make_targets
from framescope.training.transformer.training import Progress, TransformerTrainer
