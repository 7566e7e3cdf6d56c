"""People who appear several times in several sources, with known truth: what identity resolution is measured on.

Nobody's data: names are drawn from frequency tables (王 and 李 are everywhere, as they are in life), people live in families
that share telephones and mailboxes, work in companies with a switchboard, have twins, marry, move, change and recycle
numbers. Each source then writes down its own version with slips of the hand, gaps and placeholders. Everything follows from
the seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from retention.samples import duplicate_names as names

Text = npt.NDArray[np.object_]
_NONE = np.array(None, dtype=object)


@dataclass(frozen=True)
class Noise:
    """How badly sources write things down: shares of records."""

    no_phone: float = 0.05
    no_email: float = 0.30
    no_birth_date: float = 0.15
    no_gender: float = 0.10
    no_city: float = 0.15
    no_name: float = 0.01
    other_phone: float = 0.04
    """Records with an earlier or second number of the person."""
    other_email: float = 0.04
    other_domain: float = 0.02
    """Records with the same mailbox name at another provider."""
    family_phone: float = 0.03
    """Records with the number of somebody else of the household."""
    family_email: float = 0.03
    switchboard: float = 0.01
    """Records with the number and the info@ address of the employer."""
    recycled_phone: float = 0.01
    """People whose number belonged to a stranger before, of whom a record still has it."""
    placeholder: float = 0.01
    """Records with 13800138000, 1900-01-01 and the like where a form wanted something."""
    phone_slip: float = 0.01
    email_slip: float = 0.02
    birth_slip: float = 0.015
    day_month_swapped: float = 0.01
    wrong_gender: float = 0.005
    name_slip: float = 0.012
    """Wrong character (mostly one that sounds alike) or letter."""
    name_variant: float = 0.04
    """Nickname, initial, family name first, title in place of the given name."""
    wrong_city: float = 0.05
    same_source: float = 0.10
    """Duplicates that lie in one and the same source."""


USUAL = Noise()
ROUGH = Noise(
    no_phone=0.12, no_email=0.40, no_birth_date=0.30, no_gender=0.20, no_city=0.25, no_name=0.03, other_phone=0.08,
    other_email=0.08, family_phone=0.08, family_email=0.06, phone_slip=0.03, email_slip=0.03, birth_slip=0.025,
    day_month_swapped=0.02, switchboard=0.02, name_slip=0.03, name_variant=0.08, wrong_city=0.10, recycled_phone=0.02,
    same_source=0.2,
)  # fmt: skip
"""A second company, with worse habits."""


def simulate(people: int, seed: int, noise: Noise = USUAL, western_share: float = 0.15) -> pd.DataFrame:
    """Return source records of simulated people.

    Parameters
    ----------
    people : int
        How many people; about 1.7 records each.
    seed : int
        Everything follows from it.
    noise : Noise
        How badly sources write things down.
    western_share : float
        Share of people with Western names.

    Returns
    -------
    DataFrame, one row per record: ``key`` (source customer key), ``source``, ``customer_id``, ``created_at``, ``name``,
    ``email``, ``phone``, ``birth_date``, ``gender``, ``city``, ``region``, ``wedding_anniversary``, ``customer_kind``; and the
    truth: ``person`` and ``slips`` (what went wrong with the record, separated by commas).
    """
    rng = np.random.default_rng(seed)
    persons = _people(rng, people, western_share, noise)
    copies = rng.choice([1, 2, 3, 4, 5], size=people, p=[0.52, 0.30, 0.12, 0.04, 0.02])
    records = persons.loc[np.repeat(persons.index.to_numpy(), copies)].reset_index(drop=True)
    _write_down(rng, records, persons, noise)
    _number(rng, records, noise)
    columns = [
        "key", "source", "customer_id", "created_at", "name", "email", "phone", "birth_date", "gender", "city", "region",
        "wedding_anniversary", "customer_kind", "person", "slips",
    ]  # fmt: skip
    return records[columns].sample(frac=1.0, random_state=seed).reset_index(drop=True)


# -- people ---------------------------------------------------------------------------------------------------------------
def _people(rng: np.random.Generator, count: int, western_share: float, noise: Noise) -> pd.DataFrame:
    """Draw people household by household, so that relatives stand next to each other."""
    sizes = rng.choice([1, 2, 3, 4], size=count, p=[0.45, 0.25, 0.2, 0.1])
    household = np.repeat(np.arange(count), sizes)[:count]
    place = np.arange(count) - np.searchsorted(household, household)  # 0, 1: the couple; 2, 3: children
    western = (rng.random(count) < western_share)[household]
    female = rng.random(count) < 0.5
    female = np.where(place == 1, ~np.concatenate([[False], female[:-1]]), female)
    family_surname = names.surnames(rng, western)[np.searchsorted(household, household)]
    # Chinese wives keep their family name; children have the father's.
    surname = np.where((place == 1) & ~western, names.surnames(rng, western), family_surname)
    given = names.given_names(rng, western, female)
    birth = _days(rng, count, 1950, 2006)
    head = np.searchsorted(household, household)
    children = place >= 2
    birth = np.where(children, _days(rng, count, 1985, 2008), birth)
    twin = (place == 3) & (rng.random(count) < 0.06)
    previous = np.maximum(np.arange(count) - 1, 0)
    birth = np.where(twin, birth[previous], birth)
    city = rng.choice(len(names.CITIES), size=count, p=names.CITY_SHARES)[head]
    wedding = _days(rng, count, 1975, 2025)[head]
    married = (place <= 1) & (np.bincount(household, minlength=count)[household] > 1)
    persons = pd.DataFrame(
        {
            "person": np.arange(count),
            "household": household,
            "western": western,
            "surname": surname,
            "given": given,
            "female": female,
            "birth": birth,
            "city": np.array([c for c, _, _ in names.CITIES], dtype=object)[city],
            "region": np.array([r for _, r, _ in names.CITIES], dtype=object)[city],
            "wedding": np.where(married & (rng.random(count) < 0.4), wedding, -1),
            "phone": _mobiles(rng, count),
            "phone2": _mobiles(rng, count),
            "email": _mailboxes(rng, western, surname, given),
            "email2": _mailboxes(rng, western, surname, given),
            "employer": rng.integers(0, max(1, count // 40), size=count),
        }
    )
    persons["family_phone"] = persons["phone"].to_numpy()[head]
    persons["family_email"] = persons["email"].to_numpy()[head]
    recycled = np.flatnonzero(rng.random(count) < noise.recycled_phone)
    persons.loc[recycled, "phone2"] = persons["phone"].to_numpy()[rng.integers(0, count, size=len(recycled))]
    company = rng.random(count) < 0.02
    persons["customer_kind"] = np.where(company, "company", "consumer")
    persons["name"] = np.where(
        company,
        names.companies(rng, count, persons["city"].to_numpy()),
        np.where(western, persons["given"] + " " + persons["surname"], persons["surname"] + persons["given"]),
    )
    return persons


def _days(rng: np.random.Generator, count: int, first_year: int, last_year: int) -> npt.NDArray[np.int64]:
    """Draw days between two years, as days since 1970."""
    low, high = (np.datetime64(f"{year}-01-01").astype("datetime64[D]").astype(int) for year in (first_year, last_year))
    return rng.integers(low, high, size=count)


def _mobiles(rng: np.random.Generator, count: int) -> Text:
    prefix = rng.choice(
        np.array(["130", "133", "135", "137", "138", "139", "150", "158", "177", "186", "189", "199"]), size=count
    )
    return np.char.add(prefix, np.char.zfill(rng.integers(0, 10**8, size=count).astype(str), 8)).astype(object)


def _mailboxes(rng: np.random.Generator, western: npt.NDArray[np.bool_], surname: Text, given: Text) -> Text:
    """Draw addresses: numbers at QQ, letters and digits elsewhere, given.family in the West."""
    count = len(western)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    drawn = letters[rng.integers(0, 26, size=(count, 7))]
    local = np.array(["".join(row) for row in drawn], dtype=object)
    digits = rng.integers(0, 10_000, size=count).astype(str).astype(object)
    numbers = rng.integers(10**7, 3 * 10**9, size=count).astype(str).astype(object)
    latin = np.char.lower(surname.astype(str)).astype(object)
    first = np.char.lower(given.astype(str)).astype(object)
    domain = rng.choice(np.array(names.DOMAINS, dtype=object), size=count, p=names.DOMAIN_SHARES)
    chinese = np.where(rng.random(count) < 0.45, numbers + "@qq.com", local + digits + "@" + domain)
    return np.asarray(np.where(western, first + "." + latin + digits + "@" + domain, chinese), dtype=object)


# -- what sources make of them --------------------------------------------------------------------------------------------
def _write_down(rng: np.random.Generator, records: pd.DataFrame, persons: pd.DataFrame, noise: Noise) -> None:
    """Give every record its own version of name, addresses, dates and places, and note what went wrong."""
    count = len(records)
    slips: list[tuple[str, npt.NDArray[np.bool_]]] = []

    def some(share: float, label: str, among: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.bool_]:
        chosen = rng.random(count) < share
        chosen = chosen if among is None else chosen & among
        slips.append((label, chosen))
        return chosen

    person = (records["customer_kind"] == "consumer").to_numpy()
    phone = records["phone"].to_numpy().copy()
    for share, label, other in (
        (noise.other_phone, "other phone", records["phone2"].to_numpy()),
        (noise.family_phone, "family phone", records["family_phone"].to_numpy()),
        (noise.switchboard, "switchboard", ("0755" + (20_000_000 + records["employer"]).astype(str)).to_numpy()),
    ):
        phone = np.where(some(share, label, person), other, phone)
    phone = names.slip(rng, phone, some(noise.phone_slip, "phone slip"), "0123456789")
    phone = np.where(some(noise.placeholder, "placeholder phone"), rng.choice(names.PLACEHOLDER_PHONES, size=count), phone)
    phone = np.where(rng.random(count) < 0.15, "+86 " + phone, phone)
    records["phone"] = np.where(some(noise.no_phone, "no phone"), _NONE, phone)

    email = records["email"].to_numpy().copy()
    email = np.where(some(noise.other_email, "other e-mail"), records["email2"].to_numpy(), email)
    email = np.where(some(noise.family_email, "family e-mail", person), records["family_email"].to_numpy(), email)
    moved = (
        np.array([address.partition("@")[0] for address in email], dtype=object) + "@" + rng.choice(names.DOMAINS, size=count)
    )
    email = np.where(some(noise.other_domain, "other domain"), moved, email)
    email = np.where(slips[2][1], "info@firm" + records["employer"].astype(str).to_numpy() + ".example.cn", email)
    email = names.slip(rng, email, some(noise.email_slip, "e-mail slip"), "abcdefghijklmnopqrstuvwxyz0123456789", until="@")
    email = np.where(rng.random(count) < 0.1, np.char.upper(email.astype(str)).astype(object), email)
    records["email"] = np.where(some(noise.no_email, "no e-mail"), _NONE, email)

    name = records["name"].to_numpy().copy()
    western, alone = records["western"].to_numpy() & person, person
    name = names.slip_names(rng, name, some(noise.name_slip, "name slip", alone), western)
    name = names.vary_names(rng, records, name, some(noise.name_variant, "name variant", alone), western)
    records["name"] = np.where(some(noise.no_name, "no name"), _NONE, name)

    birth = records["birth"].to_numpy().astype("datetime64[D]").astype(str).astype(object)
    birth = names.swap_day_and_month(birth, some(noise.day_month_swapped, "day and month swapped"))
    birth = names.slip_dates(rng, birth, some(noise.birth_slip, "birth slip"))
    birth = np.where(some(noise.placeholder, "placeholder date"), rng.choice(names.PLACEHOLDER_DATES, size=count), birth)
    birth = np.where(some(noise.no_birth_date, "no birth date") | ~person, _NONE, birth)
    records["birth_date"] = pd.to_datetime(pd.Series(birth, dtype="object"), errors="coerce").dt.date
    wedding = records["wedding"].to_numpy()
    days = pd.Series(wedding.astype("datetime64[D]")).dt.date
    records["wedding_anniversary"] = days.where(wedding >= 0, None)
    female = records["female"].to_numpy() ^ some(noise.wrong_gender, "wrong gender")
    gender = np.where(female, "female", "male").astype(object)
    records["gender"] = np.where(some(noise.no_gender, "no gender") | ~person, _NONE, gender)
    elsewhere = some(noise.wrong_city, "other city")
    drawn = rng.choice(len(names.CITIES), size=count, p=names.CITY_SHARES)
    nowhere = some(noise.no_city, "no city")
    for column, part in (("city", 0), ("region", 1)):
        other = np.array([place[part] for place in names.CITIES], dtype=object)[drawn]
        records[column] = np.where(nowhere, _NONE, np.where(elsewhere, other, records[column].to_numpy()))
    marks = np.full(count, "", dtype=object)
    for label, chosen in slips:
        marks[chosen] += label + ","
    records["slips"] = marks


def _number(rng: np.random.Generator, records: pd.DataFrame, noise: Noise) -> None:
    """Spread the records of a person over sources and give them numbers, keys and times of creation."""
    count = len(records)
    order = records.groupby("person").cumcount().to_numpy()
    first = rng.integers(0, 4, size=records["person"].max() + 1)[records["person"].to_numpy()]
    stays = rng.random(count) < noise.same_source
    source = (first + np.where(stays, 0, order)) % 4
    records["source"] = np.array(["crm", "shop", "app", "hotline"], dtype=object)[source]
    records["customer_id"] = [f"n{number}" for number in range(count)]
    records["key"] = rng.permutation(np.arange(1, count + 1, dtype=np.int64) * 7919)
    created = np.datetime64("2018-01-01T00:00:00") + rng.integers(0, 8 * 365 * 86400, size=count).astype("timedelta64[s]")
    records["created_at"] = pd.Series(created).dt.tz_localize("UTC")
