"""Scored rows in, whether a bundle may be released, or promoted in the model store, out."""

from framescope.eval.release.promotion import Gate, floors_of, promote
