"""Who says what: citations as annotators marked them, held against those that were found.

`judged` lays both beside each other, `pairs` says which are the same, `tallies` counts article by
article, `groups` says which articles are counted together, and `study` makes the tables.
"""
