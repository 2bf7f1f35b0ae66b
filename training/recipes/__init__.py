"""How a bundle is made, in one small TOML file.

In: the name of a recipe that ships, or a file. Out: a `Recipe`, checked key by key.
"""

from framescope.training.recipes.reading import read as read_recipe
from framescope.training.recipes.recipe import Recipe, TeacherRecipe, plain_name
