"""What passes between the rooms: articles, sentences, citations, outlets, source cards, reports.

Frozen values without behaviour, and how texts are made legible, comparable and printable.
They import nothing of ours. Offsets are Unicode code points of ``Article.text``, end-exclusive.
"""

from framescope.classifier.records.article import (
    Article,
    ArticleReading,
    Citation,
    Imprint,
    MarkedCitation,
    Mention,
    Origin,
    Place,
    Republication,
    Sentence,
    SourceKind,
    Span,
    Unit,
    Voice,
)
from framescope.classifier.records.outlet import (
    Assessment,
    Domain,
    DomainRole,
    Found,
    Medium,
    Name,
    NameKind,
    Outlet,
    Role,
)
from framescope.classifier.records.scored import (
    ArticleEvidence,
    ArticleReport,
    Basis,
    BatchReport,
    Link,
    Publication,
    Record,
    Relation,
    SentenceReport,
    Skipped,
    SourceCard,
    SourceCount,
)
from framescope.classifier.records.statements import (
    CODES,
    GENERAL_KNOWLEDGE,
    HOLDERS,
    STEERING,
    VALUES,
    About,
    Account,
    Code,
    Content,
    Control,
    Evidence,
    Holder,
    Holding,
    Network,
    Owner,
    OwnerKind,
    Statement,
    Status,
    in_order,
    present,
)
from framescope.classifier.records.text import count_words, counted, fold, printable, shortened
from framescope.classifier.records.text import distinct as distinct_lines
