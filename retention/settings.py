"""Business numbers with units and reasons.

Business numbers are frozen dataclasses. A team overrides them in ``retention.toml`` (one TOML table per dataclass field of
:class:`Settings`); an unknown name or a wrong type there stops with the name and the nearest known one.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from retention.settings_campaigns import (
    AllocationSettings,
    CampaignSettings,
    ComplaintSettings,
    FileSettings,
    LifecycleSettings,
    MeasurementSettings,
    MembershipLevel,
    MembershipSettings,
    ValueSettings,
)
from retention.settings_health import HealthSettings
from retention.settings_models import (
    AssociationSettings,
    DriftSettings,
    PersonaSettings,
    PreferenceSettings,
    ReasonSettings,
    TextSettings,
    WarningSettings,
)

PROJECT_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class CompanySettings:
    """What holds for the whole company."""

    base_currency: str = "CNY"
    """Currency of every ``_minor`` column."""
    base_currency_minor_digits: int = 2
    """Decimal places of the base currency: 2 means that 100 minor units make one."""
    business_timezone: str = "Asia/Shanghai"
    """Time zone in which the business day is cut."""
    default_phone_region: str = "CN"
    """Region assumed for phone numbers written without a country code."""
    default_language: str = "zh"
    """Language of a message when the customer's own is not known."""
    environment: str = "production"
    """Stamped into the marketing database at its first use; a push from another environment is refused."""


@dataclass(frozen=True)
class IngestSettings:
    """When a delivery is believed."""

    volume_floor_share: float = 0.5
    """A batch below this share of the median of earlier batches stops the day: half a delivery looks like lost customers."""
    volume_ceiling_share: float = 10.0
    """A batch above this multiple of that median stops the day: mostly it is the same rows over and over. 0: no limit."""
    volume_history_batches: int = 8
    """How many earlier batches of the same source and entity the median is taken over."""
    volume_weekday_batches: int = 4
    """From this many earlier batches of the same weekday on, only those are compared with: Sundays differ from Mondays."""
    volume_minimum_rows: int = 20
    """Below this median the volume rule stays silent: small counts halve by chance."""
    quarantine_stop_share: float = 0.1
    """A batch with more than this share of refused rows stops the day: that is a changed source, not a few bad rows."""
    replay_references: bool = True
    """Whether rows refused only because they came too early (they name a customer, order, product or rate that is not known
    yet, or are of a later day) land again by themselves once that has come."""
    replay_limit: int = 100_000
    """At most this many of them land again in one day: what is beyond waits for the next."""
    connections: int = 2
    """Connections that check one big batch side by side: one per core of the database server."""
    deletion_stop_share: float = 0.1
    """A snapshot (or a feed of deletions) that lacks more than this share of the rows kept, and more than ten, stops it:
    that is half a delivery and not so many deletions. Raise it for the day on which a source is really cleared out."""
    shared_address_limit: int = 3
    """An e-mail or phone used by more differently named source customers than this links nobody by itself: it is a large
    family's or a shop's. Those who also have the same name are linked up to ``company_address_limit``."""
    company_address_limit: int = 12
    """An e-mail or phone used under more names than this says nothing at all: it is a switchboard or a form's placeholder."""
    linkage_block_limit: int = 60
    """Records that meet in a larger block (the same common name in the same city) are not compared for meeting there."""
    person_records_limit: int = 50
    """A person has at most this many source customers; where links would make more, the weakest ones are left out."""
    max_file_bytes: int = 20_000_000_000
    """A file larger than this, as it lies there, is refused before it is read."""
    max_unpacked_bytes: int = 100_000_000_000
    """Reading stops where a compressed file unpacks to more than this."""
    max_unpack_ratio: int = 200
    """Reading stops where a compressed file unpacks to more than this many times its size (judged from 64 MB on)."""
    max_document_bytes: int = 64_000_000
    """Limit for what can only be read whole, unpacked: a JSON document, a workbook."""
    max_columns: int = 2_000
    """A file with more columns is refused at its header."""
    max_value_bytes: int = 1_048_576
    """A row with a longer value is set aside by its position; a quotation mark left open is told from a long value by it."""


@dataclass(frozen=True)
class FeatureSettings:
    """How feature tables are built."""

    buckets: int = 2
    """Customer buckets computed side by side, each on its own connection: one per core."""
    range_customers: int = 50_000
    """Customers computed by one statement: so few that their orders are sorted in memory."""
    work_mem_mb: int = 128
    """Memory for each sort or hash of such a statement; twice that for hashes."""
    full_from_share: float = 0.3
    """Where a day touches more than this share of the customers, all are computed: reading all in order is cheaper then."""
    compare_every_days: int = 7
    """How often a slice is compared with a full computation of the same state; 0 is never."""


@dataclass(frozen=True)
class ChurnSettings:
    """What churn means."""

    horizon_days: int = 90
    """No paid order within this many days is churn."""
    contract_grace_days: int = 30
    """A contract not renewed this long after its renewal date is churned."""
    contract_lookahead_days: int = 60
    """Contracts with a renewal date in so many coming days are scored: time enough to speak with their holders."""
    training_dates: int = 4
    """At how many past dates training sets are taken, so that no single season decides."""
    training_step_days: int = 28
    """Days between training dates: whole weeks, so that weekdays weigh the same."""
    minimum_customers: int = 200
    """Fewer purchasers than this and no model is trained."""
    minimum_per_class: int = 30
    """Fewer churned or retained customers than this and no model is trained."""
    minimum_history_days: int = 90
    """Days of orders before the first training date."""
    seed: int = 20260101
    """Seed of everything random in training."""


@dataclass(frozen=True)
class ClvSettings:
    """What customer lifetime value means."""

    horizon_days: int = 365
    """Predicted net value over this many days."""
    annual_discount_rate: float = 0.10
    """Money in a year is worth this much less."""
    interval: float = 0.8
    """Probability that the stated interval is meant to cover."""
    minimum_repeat_customers: int = 50
    """Fewer repeat purchasers than this and no purchase process is fitted."""
    least_costed_share: float = 0.5
    """Value is net margin where unit costs are known for at least this share of the last year's net revenue, else it is net
    revenue. Each row of ``scores.clv`` says which."""
    complaint_cost_minor: int = 5_000
    """What handling one complaint costs (staff, freight) beside its compensation, in minor units of the base currency."""
    return_cost_minor: int = 1_500
    """What taking goods of one order back costs (freight, inspection), in minor units of the base currency."""
    seed: int = 20260102
    """Seed of the boosting part."""


@dataclass(frozen=True)
class KeepSettings:
    """How long data are kept."""

    daily_slices_days: int = 35
    """Every daily slice is kept this long."""
    month_end_slices_days: int = 1096
    """Slices of the first day of a month (the month before, closed) are kept this long."""
    landing_days: int = 35
    """Landed rows are kept this long."""
    quarantine_days: int = 30
    """Refused rows are kept this long."""
    decision_days: int = 7
    """Exclusions are kept this long; selections and controls stay."""
    suppressed_group_size: int = 10
    """Groups smaller than this are not shown to BI tools."""


@dataclass(frozen=True)
class LeaseSettings:
    """Timing of the writing protocol."""

    expires_seconds: float = 60.0
    """A lease not renewed for this long may be taken by another run."""
    renew_seconds: float = 10.0
    """A living writer renews its lease this often."""
    wait_seconds: float = 900.0
    """How long a writer waits for a lease held by another run."""


@dataclass(frozen=True)
class Settings:
    """All business numbers, one group per concern."""

    company: CompanySettings = field(default_factory=CompanySettings)
    ingest: IngestSettings = field(default_factory=IngestSettings)
    features: FeatureSettings = field(default_factory=FeatureSettings)
    churn: ChurnSettings = field(default_factory=ChurnSettings)
    clv: ClvSettings = field(default_factory=ClvSettings)
    drift: DriftSettings = field(default_factory=DriftSettings)
    text: TextSettings = field(default_factory=TextSettings)
    associations: AssociationSettings = field(default_factory=AssociationSettings)
    personas: PersonaSettings = field(default_factory=PersonaSettings)
    preferences: PreferenceSettings = field(default_factory=PreferenceSettings)
    reasons: ReasonSettings = field(default_factory=ReasonSettings)
    warnings: WarningSettings = field(default_factory=WarningSettings)
    value: ValueSettings = field(default_factory=ValueSettings)
    lifecycle: LifecycleSettings = field(default_factory=LifecycleSettings)
    membership: MembershipSettings = field(default_factory=MembershipSettings)
    campaigns: CampaignSettings = field(default_factory=CampaignSettings)
    allocation: AllocationSettings = field(default_factory=AllocationSettings)
    complaints: ComplaintSettings = field(default_factory=ComplaintSettings)
    files: FileSettings = field(default_factory=FileSettings)
    measurement: MeasurementSettings = field(default_factory=MeasurementSettings)
    health: HealthSettings = field(default_factory=HealthSettings)
    keep: KeepSettings = field(default_factory=KeepSettings)
    lease: LeaseSettings = field(default_factory=LeaseSettings)

    def day_start(self, day: date) -> datetime:
        """Return the instant at which a business day begins (aware, in the business time zone)."""
        return datetime.combine(day, time.min, tzinfo=ZoneInfo(self.company.business_timezone))

    def day_end(self, day: date) -> datetime:
        """Return the instant at which a business day ends: the beginning of the next."""
        return self.day_start(day + timedelta(days=1))


class SettingsError(ValueError):
    """A settings file names something that does not exist or has the wrong type."""


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings: the shipped defaults with the overrides of a TOML file.

    Parameters
    ----------
    path : Path, optional
        TOML file; default ``$RETENTION_SETTINGS``, else ``retention.toml`` in the project folder when it exists.

    Raises
    ------
    SettingsError naming file, table and key, with the nearest known name.
    """
    chosen = path or Path(os.environ.get("RETENTION_SETTINGS") or PROJECT_ROOT / "retention.toml")
    if not chosen.exists():
        if path is not None or os.environ.get("RETENTION_SETTINGS"):
            raise SettingsError(f"settings file {chosen} does not exist")
        return Settings()
    with chosen.open("rb") as stream:
        try:
            overrides = tomllib.load(stream)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{chosen.name} is not valid TOML: {error}") from None
    return override_settings(Settings(), overrides, chosen.name)


def override_settings(settings: Settings, overrides: Mapping[str, object], where: str) -> Settings:
    """Return settings with some values put in the place of others: a mapping of groups to mappings of names to values.

    Raises
    ------
    SettingsError naming ``where``, group and key, with the nearest known name.
    """
    groups: dict[str, Any] = {}
    known = {f.name for f in dataclasses.fields(Settings)}
    for name, values in overrides.items():
        if name not in known or not isinstance(values, dict):
            raise SettingsError(f"{where}: [{name}] is no group of settings{_nearest(name, known)}")
        groups[name] = _override(getattr(settings, name), values, f"{where} [{name}]")
    return dataclasses.replace(settings, **groups)


def _override(defaults: Any, values: dict[str, object], where: str) -> Any:
    hints = typing.get_type_hints(type(defaults))
    changed: dict[str, object] = {}
    for key, value in values.items():
        if key not in hints:
            raise SettingsError(f"{where}: {key} is no setting{_nearest(key, set(hints))}")
        default = getattr(defaults, key)
        if key == "levels" and isinstance(value, list):
            changed[key] = tuple(_level(level, f"{where}: {key}") for level in value)
            continue
        if hints[key] == tuple[str, ...] and isinstance(value, list):
            changed[key] = tuple(_text(one, f"{where}: {key}") for one in value)
            continue
        if hints[key] == dict[str, str] and isinstance(value, dict):
            changed[key] = {name: _text(one, f"{where}: {key}.{name}") for name, one in value.items()}
            continue
        if isinstance(default, dict) and isinstance(value, dict):
            changed[key] = {name: _amount(amount, f"{where}: {key}.{name}") for name, amount in value.items()}
            continue
        if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not type(default):
            raise SettingsError(f"{where}: {key} must be {type(default).__name__}, is {type(value).__name__}")
        changed[key] = value
    return dataclasses.replace(defaults, **changed)


def _level(value: object, where: str) -> MembershipLevel:
    fields = typing.get_type_hints(MembershipLevel)
    if not isinstance(value, dict) or set(value) != set(fields):
        raise SettingsError(f"{where}: a level has {', '.join(fields)}, found {value}")
    for name, wanted in fields.items():
        if type(value[name]) is not wanted:
            raise SettingsError(f"{where}.{name} must be {wanted.__name__}, is {type(value[name]).__name__}")
    return MembershipLevel(**value)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise SettingsError(f"{where} must be a text, is {type(value).__name__}")
    return value


def _amount(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SettingsError(f"{where} must be a number, is {type(value).__name__}")
    return float(value)


def _nearest(name: str, known: set[str]) -> str:
    match = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {match[0]}?" if match else f"; known are {', '.join(sorted(known))}"
