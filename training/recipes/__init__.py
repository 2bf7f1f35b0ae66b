"""How a bundle is made, in one small TOML file.

In: the name of a recipe that ships, or a file. Out: a `Recipe`, validated.
"""

from framescope.training.recipes.recipe import SHIPPED as SHIPPED_RECIPES
from framescope.training.recipes.recipe import (
    TEACHING,
    BaselineSettings,
    Recipe,
    TeacherRecipe,
    TransformerSettings,
    plain_name,
    read_recipe,
)
