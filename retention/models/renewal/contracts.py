"""Contracts as of any date: which are due, what is known of them, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.settings import Settings
from retention.warehouse import Run, read_frame, sql_file

# A renewal this shortly before its date is already the answer; an earlier one belongs to the term before.
EARLY_RENEWAL_DAYS = 90
COLUMNS = (
    "days_to_renewal",
    "contract_age_days",
    "days_since_last_renewal",
    "count_renewals",
    "contract_fee",
    "count_other_contracts",
    "count_ended_contracts",
)
TIMES = ("started_at", "renewed_at", "cancelled_at", "updated_at", "deleted_at")


@dataclass(frozen=True)
class Contracts:
    """All states of all contracts that were known before `known_until`; one row per contract and state, oldest first."""

    states: pd.DataFrame
    known_until: date
    settings: Settings

    @classmethod
    def read(cls, run: Run) -> Contracts:
        """Read them as of the run's date."""
        states = read_frame(run.warehouse, sql_file("scores/_contracts"), {"as_of": run.as_of})
        return cls.of(states, run.as_of_date, run.settings)

    @classmethod
    def of(cls, states: pd.DataFrame, known_until: date, settings: Settings) -> Contracts:
        """Take the rows of the query."""
        times = {name: pd.to_datetime(states[name], utc=True) for name in TIMES}
        return cls(states.assign(**times, renewal_date=pd.to_datetime(states["renewal_date"])), known_until, settings)

    @property
    def span_days(self) -> int:
        """Days from a date until every contract due as of it is decided."""
        return self.settings.churn.contract_lookahead_days + self.settings.churn.contract_grace_days

    @property
    def first_known(self) -> date:
        """Date of the start of the first contract; the date known until where there is none."""
        first = self.states["started_at"].min()
        return self.known_until if pd.isna(first) else first.date()

    def due(self, as_of: date) -> pd.DataFrame:
        """Contracts up for renewal as of a date: renewal date from the grace period before it to the end of the look-ahead.

        Contracts already renewed or cancelled by then are left out.

        Returns
        -------
        DataFrame, index customer_key, by contract: contract_key, renewal_date and `COLUMNS` as floats.
        """
        now = self._instant(as_of)
        known = self._known(pd.Series(now, index=self.states["contract_key"].unique()))
        gone = known["deleted_at"].notna() | (known["started_at"] >= now)
        known, renewals = known[~gone], self._renewals(now)
        ended = known["cancelled_at"].notna()
        open_contracts, ended_contracts = (known.loc[rows, "customer_key"].value_counts() for rows in (~ended, ended))
        day, churn = pd.Timestamp(as_of), self.settings.churn
        since = (known["renewal_date"] - day).dt.days
        near = (since >= -churn.contract_grace_days) & (since < churn.contract_lookahead_days)
        renewed = known["renewed_at"] >= self._midnights(known["renewal_date"]) - timedelta(days=EARLY_RENEWAL_DAYS)
        due = known[near & ~ended & ~renewed]
        table = pd.DataFrame(
            {
                "contract_key": due.index.to_numpy(),
                "renewal_date": due["renewal_date"].to_numpy(),
                "days_to_renewal": since[due.index].to_numpy(),
                "contract_age_days": _days(now - due["started_at"]),
                "days_since_last_renewal": _days(now - due["renewed_at"]),
                "count_renewals": renewals.reindex(due.index).fillna(0).to_numpy(),
                "contract_fee": due["fee"].to_numpy(),
                "count_other_contracts": due["customer_key"].map(open_contracts).fillna(1).to_numpy() - 1,
                "count_ended_contracts": due["customer_key"].map(ended_contracts).fillna(0).to_numpy(),
            },
            index=pd.Index(due["customer_key"].to_numpy(), name="customer_key"),
        ).astype(dict.fromkeys(COLUMNS, np.float64))
        return table.sort_values("contract_key", kind="stable")

    def churned(self, due: pd.DataFrame, as_of: date) -> NDArray[np.float64]:
        """Whether these contracts, due as of a date, were not renewed within their grace period.

        Returns
        -------
        1.0 or 0.0; nan where the source deleted the contract before it was decided.

        Raises
        ------
        ValueError when some are not decided yet.
        """
        grace = timedelta(days=self.settings.churn.contract_grace_days)
        decided = due["renewal_date"] + grace
        if len(due) and decided.max() > pd.Timestamp(self.known_until):
            raise ValueError(f"contracts due as of {as_of} are decided by {decided.max().date()}, known is {self.known_until}")
        after = self._known(pd.Series(self._midnights(decided).array, index=due["contract_key"].to_numpy()))
        moved_on = (after["renewal_date"].to_numpy() > due["renewal_date"].to_numpy()) | (
            after["renewed_at"] >= self._instant(as_of)
        ).to_numpy()
        last_word = after["cancelled_at"].to_numpy() > after["renewed_at"].fillna(after["started_at"]).to_numpy()
        churned = np.where(moved_on & ~last_word, 0.0, 1.0)
        return np.where(after["deleted_at"].notna().to_numpy(), np.nan, churned)

    def _known(self, instants: pd.Series) -> pd.DataFrame:
        """The state of each contract (index) as known at an instant of its own; what lies at or after it had not happened.

        Where a source overwrites the renewal date without history, the day of the renewal stands in for the date it had:
        else only contracts that were not renewed would be remembered as due.
        """
        wanted = instants.rename("instant").rename_axis("contract_key").reset_index()
        states = self.states.merge(wanted, on="contract_key", how="inner")
        states["late"] = states["updated_at"].fillna(pd.Timestamp(0, tz="UTC")) >= states["instant"]
        # The last state before the instant; where there is none, the first after it.
        before = states[~states["late"]].groupby("contract_key").last(skipna=False) if (~states["late"]).any() else None
        first = states.groupby("contract_key").nth(0).set_index("contract_key")
        known = first if before is None else pd.concat([before, first.loc[first.index.difference(before.index)]])
        known = known.reindex(wanted["contract_key"])
        zone = self.settings.company.business_timezone
        ahead = known["renewed_at"] >= known["instant"]
        renewed_on = known["renewed_at"].dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
        overwritten = ahead & (known["renewal_date"] - renewed_on > timedelta(days=EARLY_RENEWAL_DAYS))
        known["renewal_date"] = known["renewal_date"].mask(overwritten, renewed_on)
        for name in ("renewed_at", "cancelled_at", "deleted_at"):
            known[name] = known[name].mask(known[name] >= known["instant"])
        return known

    def _renewals(self, now: pd.Timestamp) -> pd.Series:
        known = self.states[self.states["renewed_at"] < now]
        return known.groupby("contract_key")["renewed_at"].nunique()

    def _midnights(self, days: pd.Series) -> pd.Series:
        """Beginnings of business days."""
        zone = self.settings.company.business_timezone
        utc: pd.Series = days.dt.tz_localize(zone, ambiguous=True, nonexistent="shift_forward").dt.tz_convert("UTC")
        return utc

    def _instant(self, day: date) -> pd.Timestamp:
        return pd.Timestamp(self.settings.day_start(day)).tz_convert("UTC")


def _days(span: pd.Series) -> NDArray[np.float64]:
    return np.asarray(span.dt.total_seconds().to_numpy(dtype=np.float64) // 86_400)
