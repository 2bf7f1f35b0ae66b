"""Models on disk: bundles, which are folders with a manifest and digests, and the model store.

In: what ``--model`` says, or a trained model. Out: a loaded `Bundle`, or a folder written whole.
"""

from framescope.classifier.bundles.bundle import (
    Bundle,
    describe,
    list_bundles,
    list_signals,
    load,
    load_model,
    refuse_seen,
)
from framescope.classifier.bundles.manifest import (
    CARD,
    FORMAT,
    KINDS,
    MANIFEST,
    check_writable,
    digest,
    digest_of,
    read_manifest,
    read_seen,
    text_digest,
    write,
)
from framescope.classifier.bundles.store import (
    DEFAULT,
    ENVIRONMENT,
    HISTORY,
    POINTER,
    ModelStore,
    Promoted,
    defaults,
    home,
    pinned,
    pull,
    push,
    resolve,
    roll_back,
    shipped,
    split_name,
)
