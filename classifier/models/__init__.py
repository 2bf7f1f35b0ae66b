"""Sentences in, calibrated probabilities and the words that speak for them out.

Both models keep one contract, `Model`; nothing outside this room asks which of them it is.
"""

from classifier.models.base import Calibration, Model, Prediction, pool_articles
from classifier.models.ngrams import BothForms, Ngrams, count, weigh
from classifier.models.ngrams import pool as pool_counts
from classifier.models.passages import (
    EMBEDDINGS,
    Batch,
    Embeddings,
    Heads,
    Packer,
    Passage,
    Tokens,
    by_length,
    with_rows,
)
from classifier.models.placeholders import FINDINGS, Reader, TextForm, form_of, reads_findings
from classifier.models.placeholders import digest as digest_of_names
from classifier.models.placeholders import findings as findings_of
from classifier.models.roles import (
    CITED,
    KIND_COLUMNS,
    KINDS,
    LINK_COLUMNS,
    LINK_SIZE,
    LINKED,
    ROLE_COLUMNS,
    ROLES,
    SPEAKING,
    TAGS,
)
from classifier.models.tfidf import TfidfModel
from classifier.models.tfidf import load as load_tfidf
from classifier.models.transformer import ENCODER, TOKENIZER, TransformerModel
from classifier.models.transformer import load as load_transformer
