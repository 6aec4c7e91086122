"""Sphinx configuration: `make docs` builds the site, `make docs-links` checks outside links."""

import sys
import tomllib
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

project = "preread"
author = "The preread authors"
copyright = author
release = tomllib.loads((DOCS.parent / "pyproject.toml").read_text("utf-8"))["project"]["version"]
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
suppress_warnings = ["ref.python"]  # names that several classes have, such as `to_dict`

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

# Docstrings name objects of the package, and commands, in single backticks.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"preread {release}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_copy_source = False
html_show_sphinx = False

linkcheck_ignore = [r"http://127\.0\.0\.1"]


def setup(app: Sphinx) -> None:
    """Fill the page of commands from the command line; keep colons in attributes' docstrings."""
    from commands import add_commands

    app.connect("source-read", add_commands)
    app.connect("autodoc-process-docstring", keep_colon, priority=400)


def keep_colon(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Keep napoleon from taking what stands before an attribute's first colon for its type.

    Args:
        app: The build; not used.
        what: Kind of the object.
        name: Its name; not used.
        obj: The object; not used.
        options: Of the directive; not used.
        lines: The docstring. Napoleon looks for a type in the first line, so an escaped space, of
            which nothing is shown, takes its place.
    """
    if what in {"attribute", "data", "property"} and lines:
        lines.insert(0, "\\ ")
