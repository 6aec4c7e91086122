"""Training of readers: recipes, features, batches, losses and the run (extra ``train``)."""

from itertools import takewhile
from pathlib import Path

from .recipe import Recipe

__all__ = ["Recipe", "recipe_path", "shipped_recipes"]

_RECIPES = Path(__file__).parent / "recipes"


def recipe_path(name: str | Path) -> Path:
    """The file of a recipe.

    Args:
        name: Name of a recipe that ships, without ``.toml``, or the path of any recipe.
    """
    shipped = _RECIPES / f"{name}.toml"
    return shipped if shipped.parent == _RECIPES and shipped.is_file() else Path(name)


def shipped_recipes() -> dict[str, str]:
    """What each recipe that ships is for, by its name: the comment at the head of its file."""
    return {path.stem: _head_comment(path) for path in sorted(_RECIPES.glob("*.toml"))}


def _head_comment(path: Path) -> str:
    """The comment lines before the first key, as one line."""
    lines = takewhile(lambda line: line.startswith("#"), path.read_text("utf-8").splitlines())
    return " ".join(line.lstrip("# ") for line in lines)
