"""Sentences in; calibrated probabilities, citations and evidence out.

Both models keep one contract, `Model`; nothing outside this package asks which of them it is.
"""

from framescope.classifier.models.base import (
    MAX_FILE,
    Calibration,
    Model,
    Prediction,
    Reader,
    TextForm,
    digest_of_names,
    form_of,
    read_arrays,
    read_json,
    time_limit,
    whole,
)
from framescope.classifier.models.citation_scorer import (
    CITATION_FEATURES,
    KIND_FEATURES,
    SENTENCE_FEATURES,
    CitationFeatures,
    CitationScorer,
    Regressions,
    ResolvedCitations,
    features_of,
    laid_out,
    resolve_raw_citations,
)
from framescope.classifier.models.evidence import likely, log_odds_of_span, repeated, stretches
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
)
from framescope.classifier.models.raw_citations import (
    CITED,
    CLASSES,
    FEATURES,
    KIND_COLUMNS,
    KINDS,
    LINK_COLUMNS,
    LINK_SIZE,
    LINKED,
    NOBODY,
    ROLE_COLUMNS,
    ROLES,
    SPEAKING,
    TAGS,
    Asked,
    Links,
    RawCitation,
    Referents,
    RowSpan,
    SpeakerScorer,
)
from framescope.classifier.models.stages import (
    BEFORE,
    DOMAIN,
    FAR,
    FEWEST_SENTENCES,
    ArticleStage,
    HeadedModel,
    LinearHeads,
    TrainingDomain,
    article_features,
    features_of_articles,
    rounds_of_heads,
    vectors_of_articles,
)
from framescope.classifier.models.tfidf import FILES as TFIDF_FILES
from framescope.classifier.models.tfidf import BothForms, Ngrams, TfidfModel, count, weigh
from framescope.classifier.models.tfidf import load as load_tfidf
from framescope.classifier.models.tfidf import neighbours_mean as beside
from framescope.classifier.models.tfidf import pool as pool_counts
from framescope.classifier.models.transformer import FILES as TRANSFORMER_FILES
from framescope.classifier.models.transformer import (
    TOKENIZER,
    VECTOR,
    PassageCache,
    TransformerModel,
)
from framescope.classifier.models.transformer import load as load_transformer
