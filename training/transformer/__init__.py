"""The label matrix in, a fine-tuned encoder out, exported and quantised.

Training resumes where it was interrupted.
"""

from training.transformer.encoder import default_folder as default_encoder
from training.transformer.encoder import describe as describe_encoder
from training.transformer.encoder import export as export_encoder
from training.transformer.finetune import Progress, TransformerRecipe
from training.transformer.fusion import Heard, fit_fusion
from training.transformer.lessons import Lessons
from training.transformer.run import Settings
from training.transformer.start import Start
from training.transformer.targets import in_spans, marked
from training.transformer.teacher import TEACHING, Teacher
from training.transformer.teacher import label as label_by_teacher
