"""The stages put together: one function per step.

Airflow's tasks and the command line call the same functions, so a day run by hand is the day that the scheduler runs.
Stages are imported inside the functions: a task that only extracts does not pay for scikit-learn.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from retention.deployment import Deployment
from retention.settings import load_settings

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from retention.sources import SourceSpec
    from retention.warehouse import Attempt, Run

    Rows = Iterable[Mapping[str, Any]]

Counts = dict[str, Any]
"""What a step reports: small and JSON-able, never rows."""


# -- opening ------------------------------------------------------------------------------------------------------------
def open_run(business_date: date, attempt: Attempt, connections: Mapping[str, str] | None = None) -> Run:
    """Open the databases for one try of one task.

    Parameters
    ----------
    business_date : date
        B, the closed business day; features and scores are as of the day after.
    attempt : Attempt
        Which try of which task this is; the writing protocol fences by it.
    connections : mapping, optional
        URLs that take the place of the deployment's own: ``warehouse``, ``marketing``, ``source_crm``, ``source_sales`` …
        ``target_mirror`` (an Airflow connection, a database of a test), and secrets of a source, ``source_crm.client_id``.
        Sources and further targets are handed on through the environment of this process, where the extractors look them up.

    Returns
    -------
    Run, with both databases opened on first use.
    """
    from retention.warehouse import Run, Warehouse

    given = dict(connections or {})
    for name, url in given.items():
        if name.startswith("target_"):
            os.environ[f"RETENTION_{name}_url".upper()] = url
        if name.startswith("source_"):
            source, _, secret = name.partition(".")
            os.environ[f"RETENTION_{source}_{secret or 'url'}".upper()] = url
    deployment = Deployment.from_env()
    application = f"retention {attempt.dag_id}.{attempt.task_id}"[:60]
    marketing_url = given.get("marketing") or deployment.marketing_url
    return Run(
        business_date=business_date,
        warehouse=Warehouse(given.get("warehouse") or deployment.warehouse_url, application_name=application),
        marketing=Warehouse(marketing_url, application_name=application) if marketing_url else None,
        settings=load_settings(),
        attempt=attempt,
        secrets=deployment.secrets(),
    )


def entities() -> list[dict[str, str]]:
    """Return what there is to extract, in a stable order: ``[{"source": "crm", "entity": "customer"}, …]``."""
    return [{"source": spec.source, "entity": entity} for spec in _specs() for entity in spec.entities]


def _specs() -> list[SourceSpec]:
    from retention.sources import load_specs

    return sorted(load_specs(Deployment.from_env().sources_dir), key=lambda spec: spec.source)


def source_place(source: str, entity: str) -> str | None:
    """Return where an entity is read, as lineage names it and without a login; None where that has no such name.

    ``postgres://host:port/database/schema/table`` for a table of PostgreSQL, ``file://…`` for files.
    """
    from sqlalchemy import make_url

    spec = next((spec for spec in _specs() if spec.source == source and entity in spec.entities), None)
    address = Deployment.from_env().source_urls.get(spec.connection.upper()) if spec is not None else None
    if spec is None or not address:
        return None
    described = spec.entities[entity]
    if described.path is not None:
        return f"file://{address.rstrip('/')}/{described.path}" if "://" not in address else None
    if described.table is None or "://" not in address or not address.startswith("postgres"):
        return None
    url = make_url(address)
    schema, _, table = described.table.rpartition(".")
    return f"postgres://{url.host or 'localhost'}:{url.port or 5432}/{url.database}/{schema or 'public'}/{table}"


# -- the steps of a day ---------------------------------------------------------------------------------------------------
def extract(run: Run, source: str, entity: str) -> Counts:
    """Land what one source has new of one entity."""
    from retention import sources
    from retention.warehouse import RetentionError

    for spec in _specs():
        if spec.source == source and entity in spec.entities:
            return sources.extract(run, spec, entity)
    raise RetentionError(
        f"no source {source} with an entity {entity} under {Deployment.from_env().sources_dir.name}/. Nothing extracted.",
        runbook="unknown-source",
    )


def validate(run: Run) -> Counts:
    """Check the landed batches of the day; refused rows go to quarantine, a wrong delivery stops the day.

    What was found is written as pages to ``<home>/validation``, of a day that was stopped as well.
    """
    from retention import quality

    try:
        return quality.validate(run)
    finally:
        quality.write_pages(run, Deployment.from_env().home / "validation")


def publish_core(run: Run) -> Counts:
    """Link people, conform the valid rows and publish all of core in one transaction; sum what features never look back at."""
    from retention import conform, features
    from retention.warehouse.statistics import refresh_statistics

    published = conform.publish_core(run)
    refresh_statistics(run.warehouse, "core")
    return {**published, **features.keep_past(run)}


def build_features(run: Run) -> Counts:
    """Build and publish the feature tables as of the day after the business day."""
    from retention import features

    return features.build(run)


def compare_features(run: Run) -> Counts:
    """Compare the published feature tables with a full computation, on the days on which that is due."""
    from retention import features

    return features.compare(run) if features.is_due(run) else {"not_compared": "not due on this date"}


def train(run: Run) -> Counts:
    """Fit the models, compare them with the champions and promote what is better."""
    from retention import models

    return models.train(run)


def score(run: Run) -> Counts:
    """Publish all scores of the date, by the champions or by marked fallbacks."""
    from retention import models

    return models.score(run)


def assign_segments(run: Run) -> Counts:
    """Publish RFM, value matrix, service tier, lifecycle stage and membership level."""
    from retention import segments

    return segments.assign(run)


def plan_audience(run: Run) -> Counts:
    """Decide for each play and customer: selected, control or excluded, with reasons."""
    from retention import campaigns

    return campaigns.plan(run)


def push_audience(run: Run) -> Counts:
    """Bring the marketing database to the plan; days older than the newest push are left alone."""
    from retention import campaigns

    return campaigns.push(run)


def push_approved(run: Run, approved_by: str, reason: str) -> Counts:
    """Approve what the day's push held back, by name and with a reason, and push again up to the counts approved."""
    from retention import campaigns

    return campaigns.push_approved(run, approved_by, reason)


def feed_targets(run: Run) -> Counts:
    """Bring further targets to what the marketing database holds; one that is down does not stop the others."""
    from retention.campaigns.targets import feed_targets as feed

    return feed(run, Deployment.from_env().target_urls)


def export_lists(run: Run, now: datetime) -> Counts:
    """Write the lists that the settings name to files, from what may be contacted at this moment."""
    from retention.campaigns.files import export_configured

    return export_configured(run, Deployment.from_env().home / "exports" / "audiences", now)


def measure(run: Run) -> Counts:
    """Compute the KPIs and effects of the day and the review of complaints; once a week, write the strategy review."""
    from retention import measurement
    from retention.measurement.review import is_due

    counts: Counts = {**measurement.measure(run), **measurement.review_complaints(run)}
    return {**counts, **review_strategy(run)} if is_due(run) else counts


def review_strategy(run: Run) -> Counts:
    """Find the groups that fall behind and write the strategy review of the weeks before the run's date."""
    from retention.measurement.review import review_strategy as review

    return review(run, Deployment.from_env().home / "reports" / "review")


# -- the streams that do not wait for the day -----------------------------------------------------------------------------
def sync_consent(run: Run, now: datetime) -> Counts:
    """Bring consent changes to the ledger and to the marketing database, with a heartbeat even when nothing changed.

    A source that cannot be read raises before the heartbeat: marketing tools then see nobody after a while, rather than
    somebody who said no.
    """
    from retention import privacy
    from retention.streams import read_stream

    pepper = run.secrets.pepper

    def record(connection: Connection, source: str, rows: Rows, customer_source: str) -> Mapping[str, int]:
        return privacy.record_consents(connection, pepper, source, rows, customer_source).as_counts()

    counts = {**read_stream(run, _specs(), "consent", now, record), **privacy.sync_consent(run, now)}
    return {**counts, **hold_promotion(run, now)}


def hold_promotion(run: Run, now: datetime) -> Counts:
    """Bring to the marketing database to whom no promotion goes because of a complaint, open or resolved a short while ago."""
    from retention.campaigns.holds import hold_promotion as hold

    return hold(run, now).counts()


def complaint_clock(run: Run, now: datetime) -> Counts:
    """Read new and changed complaints; find those past the time for acknowledgement or first reply."""
    from retention import measurement
    from retention.streams import read_stream

    pepper = run.secrets.pepper

    def record(connection: Connection, source: str, rows: Rows, customer_source: str) -> Mapping[str, int]:
        return measurement.record_complaints(connection, pepper, source, rows, customer_source)

    return {**read_stream(run, _specs(), "complaint", now, record), **measurement.check_complaint_clock(run, now)}


def tell_teams(run: Run, now: datetime) -> Counts:
    """Run the complaint clock and tell the responsible teams, as the DAG does: a day run by hand leaves nobody untold.

    Told first and noted after. Where no channel took a message the breach stays untold, and the next run says it again.
    """
    from retention.alerts import Message, tell_configured

    found = complaint_clock(run, now)
    messages = complaint_messages(run, found)
    told = [tell_configured(Message(message.partition(":")[0], message)) for message in messages]
    if told and all(one.arrived or not one.failed for one in told):
        complaints_told(run, now)
    return _numbers(found)


def _numbers(found: Counts) -> Counts:
    """Return the counts alone: the names of teams are text of a source."""
    return {name: value for name, value in found.items() if isinstance(value, int)}


def complaint_messages(run: Run, found: Counts) -> list[str]:
    """Return what the responsible teams must be told of what :func:`complaint_clock` found; mostly nothing."""
    from retention import measurement

    return measurement.alert_messages(found, run.settings.complaints) if found.get("waiting") else []


def complaints_told(run: Run, now: datetime) -> int:
    """Note that the teams were told of every breach found up to now; until then each run says it again."""
    from retention import measurement

    return measurement.confirm_alerted(run, now)


def check_health(run: Run, now: datetime) -> Counts:
    """Look at pipeline and audiences, beside their objectives; tell nobody yet.

    While the daily schedule is held back (``RETENTION_SCHEDULE_FROM`` lies ahead), days are released by hand: the newest of
    them is looked at, whichever day it is by the clock, and none is late.
    """
    from retention.measurement.health import check_health as check
    from retention.measurement.health import newest_day

    held_until = os.environ.get("RETENTION_SCHEDULE_FROM", "").strip()
    is_held = bool(held_until) and run.settings.day_start(date.fromisoformat(held_until)) > now
    if is_held:
        run = replace(run, business_date=newest_day(run) or run.business_date)
    return check(run, now, is_live=not is_held)


def tell_health(run: Run, now: datetime, tell: Callable[[str, str, tuple[str, ...]], Any]) -> int:
    """Tell people what is newly missed, still missed or well again, and note who was told; return how many messages.

    Parameters
    ----------
    tell : callable
        Takes text, subject and the names of the channels that are owed it (none: all), and returns what
        :func:`retention.alerts.tell` does.
    """
    from retention.measurement.health import confirm_told, pending_news

    news = pending_news(run, now)
    for message in news:
        told = tell(message.text, message.subject, message.only)
        if "configuration" in told.failed:  # no channel could be made: said again at every look, until one can
            continue
        confirm_told(run, message, list(told.failed), now)
    return len(news)


def health(run: Run, now: datetime) -> Counts:
    """Look at pipeline and audiences, and tell people by the channels of the environment: a step of a day by hand."""
    from retention.alerts import Message, tell_configured

    def say(text: str, subject: str, only: tuple[str, ...]) -> Any:
        return tell_configured(Message(subject, text), only=only)

    counts = check_health(run, now)
    return {**counts, "messages": tell_health(run, now, say)}


def privacy(run: Run, now: datetime) -> Counts:
    """Carry out erasure and access requests and delete what is older than it may be kept."""
    from retention import privacy as stage

    return stage.handle_requests(run, now)


def close(run: Run) -> None:
    """Close the connections of a run."""
    run.warehouse.dispose()
    if run.marketing is not None:
        run.marketing.dispose()
