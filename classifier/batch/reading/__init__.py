"""A run's answers: to questions in SQL, as one page, as DataFrames.

In: the folder of a run, finished or not. Out: ready views of a database that can be read and
nothing else (`views` says what they are, `shares` what is counted and how sure a share is).
"""

from framescope.classifier.batch.reading.answer import chosen as chosen_format
from framescope.classifier.batch.reading.answer import show_views
from framescope.classifier.batch.reading.answer import write as write_answer
from framescope.classifier.batch.reading.database import MEMORY, Database
from framescope.classifier.batch.reading.database import opened as open_run
from framescope.classifier.batch.reading.frames import RunFrames, read_run
from framescope.classifier.batch.reading.overview import overview_of
from framescope.classifier.batch.reading.overview import to_html as overview_to_html
