"""Training of readers: recipes, features, batches, losses and the run (extra ``train``)."""

from pathlib import Path

from .recipe import Recipe

__all__ = ["Recipe", "recipe_path"]


def recipe_path(name: str) -> Path:
    """The file of a recipe.

    Args:
        name: Name of a recipe that ships, without ``.toml``, or the path of any recipe.
    """
    shipped = Path(__file__).parent / "recipes" / f"{name}.toml"
    return shipped if shipped.parent.name == "recipes" and shipped.is_file() else Path(name)
