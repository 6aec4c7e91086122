"""Training: recipes, features, batches, losses, and the run (``preread[train]``)."""

from pathlib import Path

from .recipe import Recipe

__all__ = ["Recipe", "recipe_path"]


def recipe_path(name: str) -> Path:
    """A recipe's file: one of those that ship, by its name without ending, or any path."""
    shipped = Path(__file__).parent / "recipes" / f"{name}.toml"
    return shipped if shipped.parent.name == "recipes" and shipped.is_file() else Path(name)
