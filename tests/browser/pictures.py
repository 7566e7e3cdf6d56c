"""Pictures of the console on the made-up company: `python -m tests.browser.pictures folder`.

Those of overview and customers in docs/images are of the sample company after `make demo KEEP=1` and `make day`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.browser.conftest import Visitor

PICTURES: dict[str, dict[str, Any]] = {
    "console-overview": {"view": "#/overview", "height": 1000},
    "console-overview-zh-dark": {"view": "#/overview", "height": 1000, "locale": "zh-CN", "dark": True},
    "console-customers": {"view": "#/customers", "height": 1180},
    "console-play": {"view": "#/plays/churn_rescue", "height": 1180},
    "console-models": {"view": "#/models", "height": 1000},
    "console-customer-zh": {"view": "#/customer/-123456789012345678", "height": 1000, "locale": "zh-CN"},
    "console-approvals": {"view": "#/approvals", "height": 760},
    "console-phone-zh": {"view": "#/overview", "width": 390, "height": 844, "locale": "zh-CN"},
}


def take(visitor: Visitor, name: str, folder: Path) -> None:
    """One picture."""
    picture = PICTURES[name]
    page = visitor.page
    page.set_viewport_size({"width": picture.get("width", 1360), "height": picture["height"]})
    visitor.open(picture["view"])
    visitor.drawn()
    page.screenshot(path=folder / f"{name}.png")


def main(folder: Path) -> None:
    """All pictures."""
    import shutil

    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import FLAGS, NAMES, Visitor
    from tests.browser.site import Company, application, serving

    path = next(filter(None, map(shutil.which, NAMES)))
    folder.mkdir(parents=True, exist_ok=True)
    with serving(application(Company())) as base, sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=path, args=FLAGS)
        for name, picture in PICTURES.items():
            context = chromium.new_context(
                locale=picture.get("locale", "en-GB"),
                color_scheme="dark" if picture.get("dark") else "light",
                reduced_motion="reduce",
            )
            take(Visitor(context, base), name, folder)
            context.close()
        chromium.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
