"""A model on disk: a folder with a manifest, its files and their digests.

In: what ``--model`` says: a folder, a kind that ships, the name of a promoted bundle, an address.
Out: a `Bundle`, every file of which was held against its digest; and a bundle written whole or not
at all.
"""

from framescope.classifier.bundle.addresses import default_path, pinned, resolve
from framescope.classifier.bundle.hub import (
    failures,
    fetched,
    hub_of,
    is_address,
    parts_of,
    said_of,
)
from framescope.classifier.bundle.loading import Bundle, checked, load
from framescope.classifier.bundle.manifest import (
    CARD,
    FILES,
    FORMAT,
    KINDS,
    MANIFEST,
    digest,
    digest_of,
    read_manifest,
)
from framescope.classifier.bundle.promoted import (
    ENVIRONMENT,
    HISTORY,
    NAME,
    POINTER,
    Promoted,
    home,
    promoted_names,
    split_name,
)
from framescope.classifier.bundle.promoted import promoted as find_promoted
from framescope.classifier.bundle.writing import check_writable, copy, drafted, write
