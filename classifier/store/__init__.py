"""A folder of bundles, as it is over time.

In: bundles' folders, decisions about them. Out: versions under a name, which of them is current, a
history that is only ever added to, and bundles copied to and from a folder or an address.
"""

from framescope.classifier.store.archive import pack, read_archive, unpack
from framescope.classifier.store.keys import write_key
from framescope.classifier.store.listing import described, listed
from framescope.classifier.store.moving import SUFFIXES, pull, push
from framescope.classifier.store.shelf import Shelf, ShelfError, Writer, roll_back
