"""The documentation as a site: ``make site``. Pages stay plain Markdown, readable where the project is kept.

Their order is that of :file:`index.md`: each of its sections becomes a part of the contents, each link in it a page. Links that
lead out of this folder become plain text, because what they lead to is not part of the site.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "retention"
copyright = "the authors of retention, Apache-2.0"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["generators", "__pycache__"]
html_theme = "furo"
html_title = "retention"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}
highlight_language = "text"
myst_heading_anchors = 4
myst_links_external_new_tab = False

DOCS = Path(__file__).resolve().parent
_LINK = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)\s]+)\)")
_SECTION = re.compile(r"^## (.+?)\s*$", flags=re.MULTILINE)
_PAGE = re.compile(r"\]\(((?!\.\.)[\w/.-]+\.md)\)")


def contents(text: str) -> list[tuple[str, list[str]]]:
    """Return the sections of the index with the pages that each names, in order."""
    titles = [(match[1], match.end()) for match in _SECTION.finditer(text)]
    ends = [*[match.start() for match in _SECTION.finditer(text)][1:], len(text)]
    return [(title, _PAGE.findall(text[begin:end])) for (title, begin), end in zip(titles, ends, strict=True)]


def read(_: Sphinx, name: str, source: list[str]) -> None:
    """Prepare a page: contents for the index, no links out of the folder."""
    text = source[0]
    if name == root_doc:
        parts = []
        for title, pages in contents(text):
            listed = "\n".join(page.removesuffix(".md") for page in pages)
            parts.append(f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{listed}\n```\n" if pages else "")
        text += "".join(parts)
    depth = name.count("/") + 1
    source[0] = _LINK.sub(lambda match: match[0] if match[2].count("../") < depth else match[1], text)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register what this file adds."""
    app.connect("source-read", read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
