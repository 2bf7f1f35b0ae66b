"""The label matrix in, a fine-tuned encoder out, exported and quantised.

Training resumes where it was interrupted.
"""

from framescope.training.transformer.encoder import default_folder as default_encoder
from framescope.training.transformer.encoder import describe as describe_encoder
from framescope.training.transformer.encoder import export as export_encoder
from framescope.training.transformer.finetune import Progress, TransformerRecipe
from framescope.training.transformer.fusion import Heard, fit_fusion
from framescope.training.transformer.lessons import Lessons
from framescope.training.transformer.run import Settings
from framescope.training.transformer.start import Start
from framescope.training.transformer.targets import in_spans, marked
from framescope.training.transformer.teacher import TEACHING, Teacher
from framescope.training.transformer.teacher import label as label_by_teacher
