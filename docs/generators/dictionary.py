"""docs/data-dictionary.md and docs/marketing-contract.md from the comments of a migrated database."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from retention.warehouse import Warehouse, all_contracts, migrate

COMMENTS = """
with

relations as (
    select
        namespace.nspname as schema_name,
        relation.relname as table_name,
        relation.oid as relation_id,
        case when relation.relkind in ('v', 'm') then 'view' else 'table' end as kind,
        obj_description(relation.oid, 'pg_class') as description
    from pg_catalog.pg_class as relation
    inner join pg_catalog.pg_namespace as namespace on relation.relnamespace = namespace.oid
    where
        relation.relkind in ('r', 'p', 'v', 'm')
        and not relation.relispartition
        and namespace.nspname not in ('pg_catalog', 'information_schema', 'public', 'staging')
        and relation.relname <> 'layout_version'
)

select
    relations.schema_name,
    obj_description(to_regnamespace(relations.schema_name), 'pg_namespace') as schema_description,
    relations.table_name,
    relations.kind,
    relations.description,
    attribute.attname as column_name,
    format_type(attribute.atttypid, attribute.atttypmod) as type,
    attribute.attnotnull as is_required,
    col_description(relations.relation_id, attribute.attnum) as column_description
from relations
inner join pg_catalog.pg_attribute as attribute
    on relations.relation_id = attribute.attrelid and attribute.attnum > 0 and not attribute.attisdropped
order by relations.schema_name, relations.table_name, attribute.attnum
"""

ORDER = ["landing", "quarantine", "pii", "core", "features", "scores", "segments", "campaigns", "bi", "privacy", "ops"]

DICTIONARY_HEAD = """# Data dictionary

Every table and column of the warehouse, from the comments in the database itself: `\\d+ core.customer` in psql shows the
same. Money is in minor units of the base currency, times are `timestamptz`, `as_of_date` D is the day after the closed
business day: a row as of D knows what happened before D began.

Generated from a migrated database by `make docs`.
"""

MARKETING_HEAD = """# The marketing contract

What a marketing tool may build on: the tables and views of the `marketing` database. Columns are added, never renamed or
dropped, within a layout version; a change that breaks a reader is announced in CHANGELOG.md and comes with a new view
beside the old one.

## How a tool uses it

1. Connect with a login in the role `marketing_tool`. It may read `sendable` and `audience_change`, insert into
   `campaign_event` and acknowledge; nothing else.
2. Read `marketing.sendable` **at the moment of sending**. It joins consent, suppression and open complaints at read time, so
   a withdrawal works at once, and it keeps quiet hours. When the consent feed has been silent for longer than allowed, it
   shows nobody.
3. Remember `send_key`. It is unique for ever per campaign, channel, period and customer: a tool that refuses a key that
   it has used never sends twice, whatever is re-run. An update with a key not seen before is a new message.
4. Report what happened by inserting into `marketing.campaign_event`: sent, delivered, opened, clicked, converted,
   unsubscribed, bounced, complained. An `unsubscribed` or `complained` event hides the person from `sendable` at once, and
   everybody who is reached at the same address.

Calls and visits are for people: a login in the role `marketing_staff` reads `marketing.task_list`, which leaves out whoever may
not be called at that moment, and marks a task done (`update marketing.task_list set state = 'done' where send_key = …`).

Each push is one transaction: whoever reads sees all of one push or all of the one before, never a mixture. Further databases
that are kept equal to this one: [targets.md](targets.md). Lists as files: [files.md](files.md).

### A tool that polls

```sql
select campaign, customer_key, send_key, channel, offer
from marketing.sendable
order by priority desc, send_key;
```

Send to every key that it has not used, note the key, report `sent`. As often as one likes.

### A tool that follows by difference

```sql
select * from marketing.audience_change where sequence > :sequence order by sequence;   -- the last one applied
select send_key from marketing.sendable where send_key = any(:send_keys);               -- before they are used
```

`added` and `updated` replace the tool's row of that campaign and customer, `removed` drops it; the copy is then
`campaign_audience`, row by row. Pushes take turns, so nothing below a number that was read appears later. Before a message goes
out its key must be in `sendable`: the audience tells who belongs to it, not who may be contacted now. A removal with reason
`erased` comes for every audience the person ever was in: drop it and whatever else the tool holds of that key.

### A tool that claims

```sql
insert into marketing.acknowledgement (send_key, tool) values (:send_key, :tool) on conflict do nothing;  -- one row: it is mine
```

Read `sendable`, claim each row, and put the key into an outbox of its own before the claim commits. Of several workers, and
of several tools, one gets each key. A worker that dies before the commit leaves the row to the others; after it, the outbox
is sent again under the same key. Claim little at a time: a withdrawal stops everything but what is claimed.

All three are in `tests/consumers/tools.py`, with what they promise in `tests/consumers/test_tools.py`.

Generated from a migrated database by `make docs`.
"""


@contextmanager
def databases() -> Iterator[dict[str, Warehouse]]:
    """Migrate two fresh databases on a server that lives as long as the page is written."""
    from retention.warehouse.embedded import EmbeddedPostgres

    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        home = Path(folder)
        home.chmod(0o755)
        server = EmbeddedPostgres(home, durable=False)
        server.start()
        try:
            server.ensure_databases(["warehouse", "marketing"])
            opened = {name: Warehouse(server.url(name)) for name in ("warehouse", "marketing")}
            for name, database in opened.items():
                migrate(database, name)
            yield opened
            for database in opened.values():
                database.dispose()
        finally:
            server.stop()


@cache
def described() -> dict[str, list[dict[str, Any]]]:
    """Return every column of both databases with the comments on schema, table and column."""
    with databases() as opened:
        return {name: columns_of(database) for name, database in opened.items()}


def columns_of(database: Warehouse) -> list[dict[str, Any]]:
    """Return every column of one database."""
    with database.connect() as connection:
        return [dict(row) for row in connection.execute(sa.text(COMMENTS)).mappings()]


def tables(columns: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Group columns by schema and table."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for column in columns:
        grouped.setdefault(f"{column['schema_name']}.{column['table_name']}", []).append(column)
    return grouped


def table_text(name: str, columns: list[dict[str, Any]]) -> str:
    """Return one table's part of a page."""
    contract = all_contracts().get(name)
    keys = f"Key: {', '.join(f'`{key}`' for key in contract.primary_key)}. " if contract and contract.primary_key else ""
    kind = "View. " if columns[0]["kind"] == "view" else ""
    lines = [f"\n### {name}\n", f"{columns[0]['description'] or ''} {kind}{keys}".rstrip() + "\n"]
    # Landing takes everything as text; what a row must have is in its rules.
    needed = {str(check.arguments["column"]) for check in contract.checks if check.rule == "required"} if contract else set()
    lines += ["| column | type | required | meaning |", "|---|---|---|---|"]
    for column in columns:
        meaning = (column["column_description"] or "").replace("|", "\\|").replace("\n", " ")
        required = "yes" if column["is_required"] or column["column_name"] in needed else ""
        lines.append(f"| `{column['column_name']}` | {short(column['type'])} | {required} | {meaning} |")
    return "\n".join(lines) + "\n"


def short(type_name: str) -> str:
    """Write a type as people do."""
    return type_name.replace("timestamp with time zone", "timestamptz").replace("double precision", "float8")


def data_dictionary() -> str:
    """Return the data dictionary of the warehouse."""
    grouped = tables(described()["warehouse"])
    schemas = {columns[0]["schema_name"]: columns[0]["schema_description"] for columns in grouped.values()}
    parts = [DICTIONARY_HEAD, "\n| schema | holds |\n|---|---|\n"]
    ordered = sorted(schemas, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    parts += [f"| [{name}](#{name}) | {schemas[name] or ''} |\n" for name in ordered]
    for schema in ordered:
        parts.append(f"\n## {schema}\n\n{schemas[schema] or ''}\n")
        parts += [table_text(name, columns) for name, columns in grouped.items() if columns[0]["schema_name"] == schema]
    return "".join(parts)


def marketing_contract() -> str:
    """Return the contract of the marketing database: what tools read first, then the rest."""
    grouped = tables(described()["marketing"])
    first = ["marketing.sendable", "marketing.audience_change", "marketing.campaign_event", "marketing.campaign_audience"]
    ordered = [name for name in first if name in grouped] + [name for name in grouped if name not in first]
    return MARKETING_HEAD + "\n## Tables and views\n" + "".join(table_text(name, grouped[name]) for name in ordered)
