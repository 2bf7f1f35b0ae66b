"""Sentences in, calibrated probabilities and the words that speak for them out.

Both models keep one contract, `Model`; nothing outside this room asks which of them it is.
"""

from classifier.models.articles import ArticleStage
from classifier.models.articles import features as article_features
from classifier.models.articles import of_articles as features_of_articles
from classifier.models.base import Calibration, Model, Prediction, pool_articles, time_limit
from classifier.models.citations import Said, Words
from classifier.models.citing import FusionFeatures, Resolved, features_of
from classifier.models.citing import resolve as resolve_said
from classifier.models.domain import DOMAIN, FAR, TrainingDomain
from classifier.models.domain import FEWEST as FEWEST_SENTENCES
from classifier.models.domain import of_articles as vectors_of_articles
from classifier.models.fusion import (
    CITATION_FEATURES,
    KIND_FEATURES,
    SENTENCE_FEATURES,
    Fusion,
    Regressions,
)
from classifier.models.ngrams import BothForms, Ngrams, count, weigh
from classifier.models.ngrams import pool as pool_counts
from classifier.models.outputs import PassageCache
from classifier.models.passages import (
    EMBEDDINGS,
    HEADS,
    Batch,
    Embeddings,
    Heads,
    Packer,
    Passage,
    Tokens,
    by_length,
    with_rows,
)
from classifier.models.placeholders import Reader, TextForm, form_of
from classifier.models.placeholders import digest as digest_of_names
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
from classifier.models.spans import likely, log_odds_of_span, stretches
from classifier.models.stored import MAX_FILE, read_arrays, read_json
from classifier.models.tfidf import FILES as TFIDF_FILES
from classifier.models.tfidf import TfidfModel, beside
from classifier.models.tfidf import load as load_tfidf
from classifier.models.transformer import FILES as TRANSFORMER_FILES
from classifier.models.transformer import TOKENIZER, VECTOR, TransformerModel
from classifier.models.transformer import load as load_transformer
