"""Whether a bundle may take another's place.

In: a candidate, the bundle that is current, and the rows to judge by: what ships, corpora, a desk's
own held-out labels. Out: a judgement with every figure, and what follows of it in the folder of
bundles: promoted or refused.
"""

from framescope.eval.promotion.judging import Judgement
from framescope.eval.promotion.promoting import Proposal, promote
