"""Lazy imports: names of a package that are imported when they are first used.

Importing PyTorch and transformers takes seconds, and commands that only look at an index do not
need them.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module


def lazy_attributes(
    package: str, names: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Make ``__getattr__``, ``__dir__`` and ``__all__`` of a package.

    Args:
        package: The package's ``__name__``.
        names: For each module of the package, the public names that it defines.

    Returns:
        ``__getattr__``, which imports a name and raises AttributeError for any other; ``__dir__``,
        which lists the names; and ``__all__``, which is that list.

    Source: PEP 562 (https://peps.python.org/pep-0562/).
    """
    modules = {name: module for module, some in names.items() for name in some}

    def find(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f".{modules[name]}", package), name)

    return find, lambda: sorted(modules), sorted(modules)
