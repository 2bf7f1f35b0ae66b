"""A folder of bundles, as it is over time.

In: bundles' folders, decisions about them. Out: versions under a name, which of them is current, a
history that is only ever added to, what two bundles differ in, and bundles on their way: to and
from a folder, an address or a signed archive.
"""

from upkeep.shelf.archive import pack, read_archive, unpack
from upkeep.shelf.differing import differing_sections
from upkeep.shelf.keys import write_key
from upkeep.shelf.listing import described, listed
from upkeep.shelf.moving import SUFFIXES, pull, push
from upkeep.shelf.shelf import Shelf, ShelfError, Writer
