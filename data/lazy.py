"""Names of a package that are imported when they are first used.

An import of PyTorch and of transformers takes seconds, which commands that only look at an index
need not wait for.
"""

from collections.abc import Callable, Mapping
from importlib import import_module


def lazy_attributes(
    package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """What a package's ``__getattr__`` and ``__dir__`` are to be.

    Source: PEP 562 (https://peps.python.org/pep-0562/).

    Args:
        package: Its ``__name__``.
        modules: The module of the package, by the name that is imported from it.

    Returns:
        What finds a name, or raises AttributeError if there is none; and what lists all names.
    """

    def find(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f".{modules[name]}", package), name)

    return find, lambda: sorted(modules)
