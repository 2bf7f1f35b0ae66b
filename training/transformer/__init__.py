"""The label matrix in, a fine-tuned encoder out, exported and quantised.

Training resumes where it was interrupted.
"""

from training.transformer.finetune import Progress, TransformerRecipe
from training.transformer.lessons import in_spans, marked
from training.transformer.network import default_folder as default_encoder
from training.transformer.network import describe as describe_encoder
from training.transformer.network import export as export_encoder
from training.transformer.run import Settings, read_settings
