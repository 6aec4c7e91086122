"""Lazy imports: names of a package that are imported when they are first used.

Importing PyTorch and transformers takes seconds, and commands that only look at an index do not
need them.
"""

from collections.abc import Callable, Mapping
from importlib import import_module


def lazy_attributes(
    package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Make ``__getattr__`` and ``__dir__`` of a package.

    Args:
        package: The package's ``__name__``.
        modules: For each public name, the module of the package that defines it.

    Returns:
        ``__getattr__``, which imports a name and raises AttributeError for any other, and
        ``__dir__``, which lists the names.

    Source: PEP 562 (https://peps.python.org/pep-0562/).
    """

    def find(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f".{modules[name]}", package), name)

    return find, lambda: sorted(modules)
