"""Queries over a run: its folder in; SQL over ready views, a page, or DataFrames out."""

from framescope.classifier.batch.reading.database import Database, RunFrames, open_run, read_run
from framescope.classifier.batch.reading.overview import overview_html
from framescope.classifier.batch.reading.views import View
