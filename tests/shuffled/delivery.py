"""Deliver the month's files in an order drawn at random, by real runs, and say what core has become."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import sqlalchemy as sa

from retention.conform import publish_core
from retention.deployment import Secrets
from retention.quality import replay, validate
from retention.settings import IngestSettings, Settings
from retention.sources import extract, load_specs
from retention.warehouse import Attempt, Run, Warehouse, all_contracts
from retention.warehouse.identifiers import quote

ENTITIES = {
    "shop": (
        "market_indicator", "customer", "product", "order", "order_line", "customer_tag", "consent", "referral", "points_entry",
        "contract", "holding",
    ),
    "desk": ("complaint", "survey_answer", "interaction"),
}  # fmt: skip
LAST_DAY = date(2026, 3, 31)
# Small and uneven batches, many refused for what has not come yet: here that is no sign of a broken source.
SETTINGS = Settings(ingest=IngestSettings(volume_minimum_rows=10**9))

NOT_SAID_BY_SOURCES = {
    "batch_id": "the delivery that brought the row",
    "linked_at": "when linking wrote the row",
    "recorded_at": "when the decision was written down",
}
"""Columns that say when, or by which delivery, a row arrived: the only ones that may depend on the order."""

TRAILS = {
    "core.identity_": "what linking decided on the way, and when: a person parted late was one for a while",
}
"""Tables that record what happened on the way, by the beginning of their names."""


@dataclass(frozen=True)
class Plan:
    """In which order files are dropped, and how many before each run."""

    first_day: date
    order: tuple[str, ...]
    cuts: tuple[int, ...]
    """After how many files each run takes place; the last one takes what is left."""

    @property
    def days(self) -> list[tuple[str, ...]]:
        """The files of each business day."""
        return [self.order[a:b] for a, b in zip((0, *self.cuts), (*self.cuts, len(self.order)), strict=True)]

    def sorted_up_to(self, position: int) -> Plan:
        """Return the plan with the first files brought, by swaps, into the order of their days; the rest as it is."""
        order = list(self.order)
        for place, name in enumerate(sorted(order, key=by_day)[:position]):
            found = order.index(name, place)
            order[place], order[found] = order[found], order[place]
        return Plan(self.first_day, tuple(order), self.cuts)


def by_day(name: str) -> tuple[str, str]:
    """Return the day of a file, and its name: the order in which the sources wrote them."""
    return name.rsplit("/", 1)[1], name


def in_order(files: Mapping[str, str], runs: int = 4) -> Plan:
    """Every file in the order of its day, over a few runs."""
    names = sorted(files, key=by_day)
    return Plan(LAST_DAY, tuple(names), tuple(len(names) * run // runs for run in range(1, runs)))


def shuffled(files: Mapping[str, str], generator: random.Random, runs: int | None = None) -> Plan:
    """All files in random order over a few runs; some of the runs are older than what the files tell of."""
    names = sorted(files)
    generator.shuffle(names)
    count = runs or generator.randint(3, 6)
    cuts = sorted(generator.sample(range(1, len(names)), count - 1))
    return Plan(LAST_DAY - timedelta(days=generator.randint(-1, count)), tuple(names), tuple(cuts))


def deliver(warehouse: Warehouse, folder: Path, files: Mapping[str, str], plan: Plan, pepper: bytes) -> None:
    """Run extraction, validation and publication of core for each day of a plan; replay what was refused at the end."""
    _describe(folder)
    specs = {spec.source: spec for spec in load_specs(folder / "sources")}
    day = plan.first_day
    for dropped in plan.days:
        run = _run(warehouse, day, pepper)
        for name in dropped:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[name], encoding="utf-8")
        for source, entity in sorted({tuple(name.split("/")[:2]) for name in dropped}):
            extract(run, specs[source], entity, url=str(folder / source))
        if dropped:
            validate(run)
            publish_core(run)
        day += timedelta(days=1)
    # What was refused for somebody or something not delivered yet, or for being from the future, can come in now.
    for later in range(2):
        run = _run(warehouse, max(day, LAST_DAY) + timedelta(days=1 + later), pepper)
        if replay(run):
            validate(run)
            publish_core(run)


def core_state(warehouse: Warehouse) -> dict[str, str]:
    """Return the MD5 of every table of core, of personal data and of consent, over its ordered rows."""
    state = {}
    with warehouse.connect() as connection:
        for table, columns in compared_columns().items():
            row = ", ".join(f"t.{quote(column)}" for column in columns)
            state[table] = str(
                connection.execute(
                    sa.text(
                        f"select count(*) || ' rows ' || coalesce(md5(string_agg(row({row})::text, '|' "
                        f"order by row({row})::text collate \"C\")), '-') from {_quoted(table)} as t"
                    )
                ).scalar_one()
            )
    return state


def rows_that_differ(left: Warehouse, right: Warehouse, table: str, limit: int = 5) -> list[str]:
    """Return rows of a table that only one of two warehouses has."""
    row = ", ".join(f"t.{quote(column)}" for column in compared_columns()[table])
    found = []
    for warehouse in (left, right):
        with warehouse.connect() as connection:
            found.append(set(connection.execute(sa.text(f"select row({row})::text from {_quoted(table)} as t")).scalars()))
    return [f"- {text}" for text in sorted(found[0] - found[1])[:limit]] + [
        f"+ {text}" for text in sorted(found[1] - found[0])[:limit]
    ]


def compared_columns() -> dict[str, list[str]]:
    """Return the tables that must not depend on the order of arrival, with the columns that are compared."""
    return {
        name: [column for column in contract.column_names if column not in NOT_SAID_BY_SOURCES]
        for name, contract in all_contracts().items()
        if (contract.schema in ("core", "pii") or name == "privacy.consent")
        and contract.kind == "table"
        and not name.startswith(tuple(TRAILS))
    }


def _run(warehouse: Warehouse, day: date, pepper: bytes) -> Run:
    return Run(
        business_date=day,
        warehouse=warehouse,
        marketing=None,
        settings=SETTINGS,
        attempt=Attempt("test", f"shuffled-{day}", "day", 1),
        secrets=Secrets(pepper=pepper),
    )


def _describe(folder: Path) -> None:
    target = folder / "sources"
    target.mkdir(parents=True, exist_ok=True)
    for source, entities in ENTITIES.items():
        (folder / source).mkdir(exist_ok=True)
        (target / f"{source}.yml").write_text(_description(source, entities), encoding="utf-8")


def _description(source: str, entities: Sequence[str]) -> str:
    lines = [f"source: {source}", "kind: files", f"connection: {source.upper()}", "timezone: Asia/Shanghai", "entities:"]
    for entity in entities:
        contract = all_contracts()[f"landing.{entity}"]
        key = next(check.arguments["columns"] for check in contract.checks if check.rule == "unique_version")
        lines += [
            f"  {entity}:", f'    path: "{entity}/*.csv"', "    format: csv", f"    key: [{', '.join(key)}]",
            "    columns: same", "    expect: {empty_day: ok, missing_file: ok, min_rows_first: 0}",
        ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _quoted(table: str) -> str:
    schema, _, name = table.partition(".")
    return f"{schema}.{quote(name)}"
