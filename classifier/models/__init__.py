"""Sentences in, calibrated probabilities and the words that speak for them out.

Both models keep one contract, `Model`; nothing outside this room asks which of them it is.
"""

from framescope.classifier.models.articles import ArticleStage
from framescope.classifier.models.articles import features as article_features
from framescope.classifier.models.articles import of_articles as features_of_articles
from framescope.classifier.models.base import (
    Calibration,
    Model,
    Prediction,
    pool_articles,
    time_limit,
)
from framescope.classifier.models.citations import Said, Words
from framescope.classifier.models.citing import FusionFeatures, Resolved, features_of
from framescope.classifier.models.citing import resolve as resolve_said
from framescope.classifier.models.domain import DOMAIN, FAR, TrainingDomain
from framescope.classifier.models.domain import FEWEST as FEWEST_SENTENCES
from framescope.classifier.models.domain import of_articles as vectors_of_articles
from framescope.classifier.models.fusion import (
    CITATION_FEATURES,
    KIND_FEATURES,
    SENTENCE_FEATURES,
    Fusion,
    Regressions,
)
from framescope.classifier.models.ngrams import BothForms, Ngrams, count, weigh
from framescope.classifier.models.ngrams import pool as pool_counts
from framescope.classifier.models.outputs import PassageCache
from framescope.classifier.models.passages import (
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
from framescope.classifier.models.placeholders import Reader, TextForm, form_of
from framescope.classifier.models.placeholders import digest as digest_of_names
from framescope.classifier.models.roles import (
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
from framescope.classifier.models.spans import likely, log_odds_of_span, stretches
from framescope.classifier.models.stored import MAX_FILE, read_arrays, read_json
from framescope.classifier.models.tfidf import FILES as TFIDF_FILES
from framescope.classifier.models.tfidf import TfidfModel, beside
from framescope.classifier.models.tfidf import load as load_tfidf
from framescope.classifier.models.transformer import FILES as TRANSFORMER_FILES
from framescope.classifier.models.transformer import TOKENIZER, VECTOR, TransformerModel
from framescope.classifier.models.transformer import load as load_transformer
