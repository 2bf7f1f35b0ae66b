"""Sentences in, calibrated probabilities and the words that speak for them out.

Both models keep one contract, `Model`; nothing outside this room asks which of them it is.
"""

from classifier.models.base import Model, Prediction
from classifier.models.calibration import Calibration, pool_articles
from classifier.models.findings import FINDINGS, reads_findings
from classifier.models.findings import findings as findings_of
from classifier.models.heads import EMBEDDINGS, Embeddings, Heads
from classifier.models.ngrams import BothForms, Ngrams, count, weigh
from classifier.models.ngrams import pool as pool_counts
from classifier.models.passages import Batch, Packer, Passage, Tokens, by_length, with_rows
from classifier.models.placeholders import Reader, TextForm, form_of
from classifier.models.placeholders import digest as digest_of_names
from classifier.models.tfidf import TfidfModel
from classifier.models.tfidf import load as load_tfidf
from classifier.models.transformer import ENCODER, TOKENIZER, TransformerModel
from classifier.models.transformer import load as load_transformer
