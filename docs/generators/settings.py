"""docs/settings.md from the dataclasses in retention/settings.py."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from typing import Any

from retention.settings import Settings

INTRODUCTION = """# Settings

Every business number, with its default and its reason. To change one, write it in `retention.toml` in the project folder
(or in the file that `RETENTION_SETTINGS` names), one TOML table per group:

```toml
[campaigns]
contact_cap_days = 14

[lifecycle]
loyal_orders = 5
```

A name that does not exist, or a value of the wrong type, stops with the name and the nearest known one. A change takes
effect with the next run; what was published stays as it was decided.

Generated from `retention/settings.py` by `make docs`.
"""

DEPLOYMENT = """
## Deployment

Facts of one installation come from the environment, and what is not set there from `<home>/env`.

| variable | meaning | default |
|---|---|---|
| `RETENTION_HOME` | folder of everything that is written locally | `.retention` in the project |
| `RETENTION_WAREHOUSE_URL` | warehouse, `postgresql://user:password@host:port/database` | the embedded server |
| `RETENTION_CONSOLE_URL` | the warehouse for the [console](console.md), by an account of `ret_console` | the warehouse's |
| `RETENTION_MARKETING_URL` | marketing database, possibly on another server | the embedded server |
| `RETENTION_SOURCE_<ID>_URL` | source system: any SQLAlchemy URL; for files a folder or object-store URL | the sample company |
| `RETENTION_SOURCES_DIR` | folder of the source descriptions | `include/sources` |
| `RETENTION_PLAYS_DIR` | folder of the company's own plays, read beside the shipped ones | none |
| `RETENTION_PEPPER_FILE` | key of the pseudonyms; keep a backup elsewhere | `<home>/secrets/pepper` |
| `RETENTION_ALERT_…` | channels by which people are told: [observability](observability.md#channels) | the log alone |
| `RETENTION_SETTINGS` | file of changed business numbers | `retention.toml` in the project |
| `RETENTION_POSTGRES_PORT` | port of the embedded server at its first start | a free one |
"""


def reasons(cls: type) -> dict[str, str]:
    """Return the text under each field of a dataclass."""
    tree = ast.parse(inspect.getsource(cls)).body[0]
    assert isinstance(tree, ast.ClassDef)
    found: dict[str, str] = {}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        is_field = isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if is_field and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[field.target.id] = " ".join(str(text.value.value).split()).replace("``", "`")
    return found


def shown(value: Any) -> str:
    """Write a default as one would write it in TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return "<br>".join(f"{level.name} {level.name_zh} from {level.from_spend:,}" for level in value)
    return str(value)


def page() -> str:
    """Return the page."""
    parts = [INTRODUCTION]
    for group in dataclasses.fields(Settings):
        defaults = getattr(Settings(), group.name)
        cls = type(defaults)
        text = reasons(cls)
        parts.append(f"\n## [{group.name}]\n\n{(cls.__doc__ or '').strip()}\n\n| setting | default | why |\n|---|---|---|\n")
        parts += [
            f"| `{field.name}` | {shown(getattr(defaults, field.name))} | {text.get(field.name, '')} |\n"
            for field in dataclasses.fields(defaults)
        ]
    parts.append(DEPLOYMENT)
    return "".join(parts)


def undocumented() -> list[str]:
    """Return the settings without a line of why."""
    return [
        f"{group.name}.{field.name}"
        for group in dataclasses.fields(Settings)
        for field in dataclasses.fields(getattr(Settings(), group.name))
        if field.name not in reasons(type(getattr(Settings(), group.name)))
    ]
