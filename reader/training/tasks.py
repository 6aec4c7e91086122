"""The tasks that a reader can be trained for: answer spans, or judgements on pairs of texts.

The run (`run.train`) is the same for all tasks. To remove pair tasks, delete the folder ``pairs``
and their lines here.
"""

from .lesson import Task
from .pairs.task import PairTask
from .recipe import Recipe
from .spans import SpanTask


def task_of(recipe: Recipe) -> Task:
    """The task that a recipe trains for.

    Args:
        recipe: Any recipe.
    """
    if recipe.task is not None:
        return PairTask(recipe, recipe.task)
    return SpanTask(recipe)
