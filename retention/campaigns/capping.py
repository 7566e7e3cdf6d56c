"""The contact caps within a day: what one play of the day uses is not there for another.

Eligibility counts the contacts of the days before. On the day itself promotions cannot pass the caps by themselves, since a
customer gets one of them; but a service or staff play that is not exempt from the caps may meet a promotion, another such play,
or what was handed out today before the day was planned again, taken back or not. These plays come first, by priority, then
promotion takes what room is left.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from numpy.typing import NDArray

from retention.campaigns.eligibility import CHANNELS
from retention.campaigns.plays import Play
from retention.settings_campaigns import CampaignSettings
from retention.warehouse import Run, sql_file


@dataclass
class Contacts:
    """What one customer has had that the caps count, the day included."""

    by_channel: dict[str, int] = field(default_factory=dict)
    promotions_today: dict[str, int] = field(default_factory=dict)
    """Of these, promotions handed out on the day itself, by channel."""

    def has_room(self, channel: str, limits: CampaignSettings, *, beside_promotion: bool) -> bool:
        """Whether one more contact through a channel is within the caps; ``beside_promotion`` leaves today's promotions out."""
        less = self.promotions_today if beside_promotion else {}
        total = sum(self.by_channel.values()) - sum(less.values())
        return (
            total < limits.contact_cap
            and self.by_channel.get(channel, 0) - less.get(channel, 0) < limits.contact_cap_per_channel
        )


def read_contacts(run: Run, plays: Sequence[Play], contender_table: str) -> dict[int, Contacts]:
    """Return the contacts of the customers of whom the day might make too many; empty where no such play is among the plays.

    Parameters
    ----------
    run : Run
        The day.
    plays : sequence of Play
        In the order of their positions.
    contender_table : str
        Staging of the day's contenders.
    """
    positions = [position for position, play in enumerate(plays, 1) if play.is_capped and play.kind != "promotional"]
    query = re.sub(r"\bcampaigns\.contender\b", contender_table, sql_file("campaigns/_contacts"))
    binds = {
        "as_of_date": run.as_of_date,
        "positions": positions,
        "contact_cap_days": run.settings.campaigns.contact_cap_days,
    }
    found: dict[int, Contacts] = defaultdict(Contacts)
    with run.warehouse.connect() as connection:
        for row in connection.execute(sa.text(query), binds):
            contacts = found[row.customer_key]
            if row.channel is not None:
                contacts.by_channel[row.channel] = contacts.by_channel.get(row.channel, 0) + row.contacts
                if row.is_promotion_of_today:
                    contacts.promotions_today[row.channel] = row.contacts
    return dict(found)


def over_the_cap(
    table: pa.Table,
    plays: Sequence[Play],
    begins: NDArray[np.bool_],
    contacts: Mapping[int, Contacts],
    limits: CampaignSettings,
) -> NDArray[np.bool_]:
    """Return which contenders the caps keep out because of what else the day brings their customers.

    Parameters
    ----------
    table : Table
        Rows of ``campaigns.contender`` of one day.
    plays : sequence of Play
        In the order of their positions.
    begins : array of bool
        Rows that would begin on the day and are not handed out yet.
    contacts : mapping
        By customer; who is not in it meets no cap within the day.
    limits : CampaignSettings
        The caps.
    """
    is_over = np.zeros(len(table), dtype=bool)
    if not contacts:
        return is_over
    customer = table.column("customer_key").to_numpy()
    concerned = np.flatnonzero(begins & np.isin(customer, np.fromiter(contacts, np.int64, len(contacts))))
    position = table.column("position").to_numpy()
    channel = table.column("channel_number").to_numpy()
    is_control = table.column("is_control").to_numpy(zero_copy_only=False)

    def place(row: int) -> tuple[bool, int, int]:
        play = plays[position[row] - 1]
        return play.kind == "promotional", -play.priority, int(position[row])

    for row in sorted(concerned.tolist(), key=place):
        play, had = plays[position[row] - 1], contacts[int(customer[row])]
        if not play.is_capped:
            continue
        through = CHANNELS[channel[row]]
        promotes = play.kind == "promotional"
        # Whether another promotion of today has the customer's day is settled by the contest. Control takes no room, and is
        # judged as it was before anything was handed out, so that a day planned again keeps it.
        if not had.has_room(through, limits, beside_promotion=promotes or bool(is_control[row])):
            is_over[row] = True
        elif not promotes and not is_control[row]:
            had.by_channel[through] = had.by_channel.get(through, 0) + 1
    return is_over
