"""One opt-out by address binds everybody who has the address.

A decision is a person's; an address can be several people's: a family's mailbox, a company's telephone. Whoever reads it and
says no has said no for the mailbox. So:

* A person whose own latest decision on a purpose and channel is a withdrawal refuses at every address they have for it
  (email: the e-mail address; sms and phone: the number).
* Nobody else is contacted at that address, for that purpose on that channel, whatever they decided themselves, now or later.
* It ends when the same person grants again. It then never opens more than the others have granted themselves, and leaves
  every other refusal at the address standing.
* When the one who refused no longer has the address, somebody who has it may open it for themselves by a later grant.

What a source's deletions or re-used numbers withdraw is nobody's no, and binds only the person.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.privacy.pseudonyms import address_hash

_HOLDERS = """
    select customer_key, 'email' as channel, email_normalised as address from pii.source_customer
    where email_normalised is not null {and_mine}
    union all
    select customer_key, calls.channel, phone_e164 from pii.source_customer
    cross join (values ('sms'), ('phone')) as calls (channel) where phone_e164 is not null {and_mine}
"""
_MINE = "and customer_key in (select customer_key from pg_temp.touched)"

# What the touched people decided themselves. A wrong date of a withdrawal is read as in privacy.consent_current.
_OWN = """
create temporary table own_decision on commit drop as
select distinct on (customer_key, purpose, channel) customer_key, purpose, channel, decision, decided_at
from (
    select consent.customer_key, consent.purpose, contact.channel, consent.decision,
        case when consent.decided_at > consent.recorded_at + interval '1 day' and consent.decision = 'withdrawn'
            then consent.recorded_at else consent.decided_at end as decided_at
    from privacy.consent
    inner join (values ('email'), ('sms'), ('phone')) as contact (channel) on consent.channel in (contact.channel, 'all')
    where consent.basis = 'decision' and consent.purpose in ('marketing', 'ads')
        and consent.customer_key in (select customer_key from pg_temp.touched)
        and (consent.decision = 'withdrawn' or consent.decided_at <= now() + interval '1 hour')
) as decided
order by customer_key, purpose, channel, decided_at desc, decision desc
"""

_FOLLOW = """
with moved as (
    delete from pii.address_refusal as refusal using core.customer_alias as alias
    where alias.source_customer_key = refusal.customer_key and alias.customer_key <> refusal.customer_key
        and refusal.customer_key in (select customer_key from pg_temp.touched)
    returning refusal.address, refusal.channel, refusal.purpose, alias.customer_key as person, refusal.refused_at,
        refusal.left_at
)
insert into pii.address_refusal (address, channel, purpose, customer_key, refused_at, left_at)
select distinct on (address, channel, purpose, person) address, channel, purpose, person, refused_at, left_at from moved
order by address, channel, purpose, person, refused_at desc
on conflict do nothing
"""

# Granted again, or parted from the record that refused: of somebody who was two people, each keeps their own addresses.
_LIFT = """
delete from pii.address_refusal as refusal
where refusal.customer_key in (select customer_key from pg_temp.touched)
    and (
        not exists (
            select 1 from pg_temp.own_decision as own
            where own.customer_key = refusal.customer_key and own.purpose = refusal.purpose
                and own.channel = refusal.channel and own.decision = 'withdrawn'
        )
        or (
            not exists (
                select 1 from pii.source_customer as own where own.customer_key = refusal.customer_key
                    and refusal.address in (own.email_normalised, own.phone_e164)
            )
            and exists (
                select 1 from core.identity_change as change
                inner join pii.source_customer as other on change.source_customer_key = other.source_customer_key
                where change.old_customer_key = refusal.customer_key and other.customer_key <> refusal.customer_key
                    and refusal.address in (other.email_normalised, other.phone_e164)
            )
        )
    )
"""

_REFUSE = f"""
insert into pii.address_refusal as known (address, channel, purpose, customer_key, refused_at)
select distinct holder.address, holder.channel, own.purpose, holder.customer_key, own.decided_at
from pg_temp.own_decision as own
inner join ({_HOLDERS.format(and_mine=_MINE)}) as holder
    on own.customer_key = holder.customer_key and own.channel = holder.channel
where own.decision = 'withdrawn'
on conflict (address, channel, purpose, customer_key) do update set refused_at = excluded.refused_at, left_at = null
where (known.refused_at, known.left_at) is distinct from (excluded.refused_at, null)
"""

_LEAVE = """
update pii.address_refusal as refusal set left_at = now()
where refusal.left_at is null and refusal.customer_key in (select customer_key from pg_temp.touched)
    and not exists (
        select 1 from pii.source_customer as holder
        where holder.customer_key = refusal.customer_key
            and refusal.address in (holder.email_normalised, holder.phone_e164)
    )
"""

# Whoever shares an address with somebody touched is told to the targets anew as well.
_NEIGHBOURS = """
insert into pg_temp.touched (customer_key)
select customer_key from (
    select other.customer_key from pii.source_customer as mine
    inner join pii.source_customer as other on mine.email_normalised = other.email_normalised
    where mine.customer_key in (select customer_key from pg_temp.touched)
    union
    select other.customer_key from pii.source_customer as mine
    inner join pii.source_customer as other on mine.phone_e164 = other.phone_e164
    where mine.customer_key in (select customer_key from pg_temp.touched)
    union
    select refusal.customer_key from pii.source_customer as mine
    inner join pii.address_refusal as refusal on refusal.address in (mine.email_normalised, mine.phone_e164)
    where mine.customer_key in (select customer_key from pg_temp.touched)
) as neighbour
where customer_key not in (select customer_key from pg_temp.touched)
"""

# Who has an address, and who refused there, is asked once per address: "somebody else" is then the least or the greatest key.
_SHARING = f"""
with holder as materialized (select distinct customer_key, channel, address from ({_HOLDERS.format(and_mine=_MINE)}) as held),
refusing as materialized (select * from pii.address_refusal {_MINE.replace("and", "where", 1)}),
asked as materialized (select address from holder union select address from refusing),
held as materialized (
    select address, min(customer_key) as least_key, max(customer_key) as greatest_key
    from (
        select email_normalised as address, customer_key from pii.source_customer
        where email_normalised in (select address from asked)
        union all
        select phone_e164, customer_key from pii.source_customer where phone_e164 in (select address from asked)
    ) as everybody
    group by address
),
refused as materialized (
    select address, channel, min(customer_key) as least_key, max(customer_key) as greatest_key from pii.address_refusal
    where address in (select address from asked) group by address, channel
)
select 'holder' as what, holder.customer_key, holder.channel, holder.address, null as purpose,
    cast(null as timestamptz) as refused_at, true as is_held
from holder
inner join held on holder.address = held.address
left join refused on holder.address = refused.address and holder.channel = refused.channel
where holder.customer_key <> held.least_key or holder.customer_key <> held.greatest_key
    or holder.customer_key <> refused.least_key or holder.customer_key <> refused.greatest_key
union all
select 'refusal', refusing.customer_key, refusing.channel, refusing.address, refusing.purpose, refusing.refused_at,
    refusing.left_at is null
from refusing
inner join held on refusing.address = held.address
where refusing.customer_key <> held.least_key or refusing.customer_key <> held.greatest_key
"""


@dataclass(frozen=True)
class Sharing:
    """Shared addresses of the touched people, by keyed hash, as the marketing database holds them."""

    holders: list[tuple[int, str, str]]
    """(person, channel, address hash)"""
    refusals: list[tuple[int, str, str, str, object, bool]]
    """(person, channel, address hash, purpose, refused at, whether they still have the address)"""


def follow_refusals(connection: Connection) -> None:
    """Bring ``pii.address_refusal`` up to date for the people in ``pg_temp.touched``, then add their neighbours to it.

    Costs what the touched people and those who share an address with them come to, not what everybody comes to.
    """
    connection.exec_driver_sql("drop table if exists pg_temp.own_decision")
    for step in (_OWN, _FOLLOW, _LIFT, _REFUSE, _LEAVE, _NEIGHBOURS):
        connection.execute(sa.text(step))
    connection.exec_driver_sql("analyze pg_temp.touched")


def read_sharing(connection: Connection, pepper: bytes) -> Sharing:
    """Return the shared addresses of the people in ``pg_temp.touched`` and the refusals there, by keyed hash."""
    holders: list[tuple[int, str, str]] = []
    refusals: list[tuple[int, str, str, str, object, bool]] = []
    for row in connection.execute(sa.text(_SHARING)):
        hashed = address_hash(pepper, row.address)
        if row.what == "holder":
            holders.append((row.customer_key, row.channel, hashed))
        else:
            refusals.append((row.customer_key, row.channel, hashed, row.purpose, row.refused_at, row.is_held))
    return Sharing(holders, refusals)


def write_sharing(target: Connection, sharing: Sharing) -> int:
    """Replace what the marketing database knows of the shared addresses of the people in its ``pg_temp.touched``.

    Returns
    -------
    Refusals that bind somebody else.
    """
    for table in ("marketing.shared_address", "marketing.address_refusal"):
        target.exec_driver_sql(f"delete from {table} where customer_key in (select customer_key from pg_temp.touched)")
    cursor = target.connection.cursor()
    with cursor.copy("copy marketing.shared_address (customer_key, channel, address_hash) from stdin") as copy:
        for holder in sharing.holders:
            copy.write_row(holder)
    with cursor.copy(
        "copy marketing.address_refusal (customer_key, channel, address_hash, purpose, refused_at, is_held) from stdin"
    ) as copy:
        for refusal in sharing.refusals:
            copy.write_row(refusal)
    cursor.close()
    return len(sharing.refusals)
