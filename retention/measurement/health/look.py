"""The look at pipeline and audiences: every check's query, its verdict, and the table that people and tools read."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.measurement.health.catalogue import Check, catalogue
from retention.measurement.health.episodes import follow
from retention.measurement.health.judging import Finding, judge
from retention.measurement.health.late import late_rows
from retention.warehouse import Run, Warehouse, lease, sql_file, statement, sweep_abandoned

DATASET = "health"


def check_health(run: Run, now: datetime, *, is_live: bool = True) -> dict[str, int]:
    """Look at everything, judge it, and replace the day's rows of ``bi.health_check``.

    Parameters
    ----------
    run : Run
        Its as-of date is the day of the look; measurements of that date or the newest of the week before are judged.
    now : datetime
        The present instant, aware: ages are counted to it.
    is_live : bool
        Whether business days follow the clock. Where somebody releases them by hand (a sample company, a rehearsal), nothing is
        late because a day has ended.

    Returns
    -------
    Checks made, and how many of them are ``ok``, ``warn``, ``breach`` and ``not_measured``.
    """
    with lease(run, DATASET) as held:
        findings = list(_findings(run, now, expected=run.business_date if is_live else None))
        with held.publishing() as connection:
            _replace(connection, run, findings, now)
            _write_dictionary(connection, run)
            changes = follow(connection, run, findings, now) if _is_newest(connection, run) else {}
            held.record(connection, "bi.health_check", len(findings), run.as_of_date.isoformat())
    states = Counter(finding.state for finding in findings)
    return {"checks": len(findings), **{state: states[state] for state in ("ok", "warn", "breach", "not_measured")}, **changes}


def newest_day(run: Run) -> date | None:
    """Return the newest business day whose core was published; None before the first."""
    with run.warehouse.connect() as connection:
        newest: date | None = connection.execute(
            sa.text("select max(business_date) from ops.run_ledger where dataset = 'core' and state = 'published'")
        ).scalar_one()
    return newest


def _is_newest(connection: Connection, run: Run) -> bool:
    """Whether no later day was looked at: a day of long ago run again begins no alarm and ends none."""
    newest = connection.execute(sa.text("select max(as_of_date) from bi.health_check")).scalar_one()
    return newest is None or newest <= run.as_of_date


def _findings(run: Run, now: datetime, expected: date | None) -> Iterator[Finding]:
    binds = _binds(run, now, expected)
    with run.warehouse.begin() as connection:
        sweep_abandoned(connection)  # a writer that died says so before it is counted
    for check in catalogue().values():
        database = run.warehouse if check.database == "warehouse" else run.marketing
        if database is None:
            continue
        for row in _rows(run, check, database, binds):
            yield judge(check, row, run.settings)


def _rows(run: Run, check: Check, database: Warehouse, binds: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what one check finds: subject, value, objective and parts of its sentence."""
    with database.connect() as connection:
        if check.name == "late_rows":
            return list(late_rows(run, connection))
        found = connection.execute(*statement(sql_file(f"bi/_health_{check.name}"), binds))
        return [dict(row) for row in found.mappings()]


def _binds(run: Run, now: datetime, expected: date | None) -> dict[str, Any]:
    """Everything the queries may ask for: objectives by their names in the settings, the day, the present."""
    settings, company = run.settings, run.settings.company
    minor = 10**company.base_currency_minor_digits
    return {
        **dataclasses.asdict(settings.health),
        "source_hours_by_entity": json.dumps(settings.health.source_hours_by_entity),
        "compute_minor_per_hour": settings.health.compute_hour_cost * minor,
        "compute_budget_minor": settings.health.compute_day_budget * minor,
        "feed_hours": settings.health.consent_feed_hours
        if _runs_by_itself(run, "retention_consent", now)
        else float(settings.campaigns.consent_heartbeat_hours),
        "as_of_date": run.as_of_date,
        "business_date": run.business_date,
        "expected_date": expected,
        "now": now,
        "time_zone": company.business_timezone,
    }


def _runs_by_itself(run: Run, dag_id: str, now: datetime) -> bool:
    """Whether a DAG has run within two days: then it is expected to go on."""
    with run.warehouse.connect() as connection:
        return bool(
            connection.execute(
                sa.text("select exists (select 1 from ops.run_ledger where dag_id = :dag_id and started_at > :since)"),
                {"dag_id": dag_id, "since": now - timedelta(days=2)},
            ).scalar_one()
        )


def _replace(connection: Connection, run: Run, findings: list[Finding], now: datetime) -> None:
    """Replace the rows of the day; a state that goes on keeps the time since when it does."""
    before = {
        (row.check_name, row.subject): row
        for row in connection.execute(
            sa.text(
                "select distinct on (check_name, subject) check_name, subject, state, since from bi.health_check "
                "where as_of_date between cast(:as_of_date as date) - 7 and :as_of_date "
                "order by check_name, subject, as_of_date desc"
            ),
            {"as_of_date": run.as_of_date},
        )
    }
    connection.execute(sa.text("delete from bi.health_check where as_of_date = :as_of_date"), {"as_of_date": run.as_of_date})
    rows = []
    for finding in findings:
        earlier = before.get((finding.check.name, finding.subject))
        rows.append(
            {
                "as_of_date": run.as_of_date,
                "check_name": finding.check.name,
                "subject": finding.subject,
                "area": finding.check.area,
                "value": finding.value,
                "unit": finding.check.unit,
                "objective": finding.objective,
                "is_at_least": finding.check.is_at_least,
                "state": finding.state,
                "since": earlier.since if earlier is not None and earlier.state == finding.state else now,
                "sentence_en": finding.sentence_en,
                "sentence_zh": finding.sentence_zh,
                "checked_at": now,
            }
        )
    if rows:
        names, binds = ", ".join(rows[0]), ", ".join(f":{name}" for name in rows[0])
        connection.execute(sa.text(f"insert into bi.health_check ({names}) values ({binds})"), rows)


def _write_dictionary(connection: Connection, run: Run) -> None:
    """Bring the dictionary of checks to what the file says, and what views need of the settings."""
    columns = ("check_name", "position", "area", "label_en", "label_zh", "advice_en", "advice_zh")
    rows = [
        {"check_name": check.name, **{name: getattr(check, name) for name in columns[1:]}} for check in catalogue().values()
    ]
    connection.execute(
        sa.text("delete from bi.health_definition where check_name <> all(:names)"), {"names": list(catalogue())}
    )
    connection.execute(
        sa.text(
            f"insert into bi.health_definition ({', '.join(columns)}) values ({', '.join(f':{name}' for name in columns)}) "
            f"on conflict (check_name) do update set {', '.join(f'{name} = excluded.{name}' for name in columns[1:])}"
        ),
        rows,
    )
    health, digits = run.settings.health, run.settings.company.base_currency_minor_digits
    connection.execute(
        sa.text(
            "insert into bi.setting (name, value) values (:name, :value) "
            "on conflict (name) do update set value = excluded.value"
        ),
        [
            {"name": "health_kept_share", "value": str(health.kept_share)},
            {"name": "compute_minor_per_hour", "value": str(health.compute_hour_cost * 10**digits)},
        ],
    )
