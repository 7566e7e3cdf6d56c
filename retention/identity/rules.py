"""The rules: which compared pairs are one person, which cannot be, and which a person should look at.

Read from top to bottom they are the whole policy. Deterministic links come first and need a shared address; splink's
probability decides about everybody else, within the same vetoes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from retention.identity import comparisons as c

DECIDED = 9
"""Strength of what a person has decided: above every rule."""


def judge(scored: pd.DataFrame, uses: pd.DataFrame, model_link: float, model_review: float) -> pd.DataFrame:
    """Decide about compared pairs.

    Parameters
    ----------
    scored : DataFrame
        By :func:`retention.identity.scoring.score`.
    uses : DataFrame, aligned with ``scored``
        ``same_source``, ``other_script`` (one name in Chinese, one in letters), and ``email_use``/``phone_use``: how many use
        the shared address (:data:`.comparisons.PRIVATE` …).
    model_link, model_review : float
        Probability from which a pair is linked, and shown to people.

    Returns
    -------
    ``scored`` with ``strength`` (8 strongest; 1 by probability, 0 not linked), ``rule`` and ``state``: ``link``, ``review`` or
    ``apart``.
    """
    name, birth, gender = scored["gamma_name"], scored["gamma_birth"], scored["gamma_gender"]
    email, phone = scored["gamma_email"] == c.EMAIL_SAME, scored["gamma_phone"] == c.PHONE_SAME
    # A private address may speak for itself; one that a larger family or an office shares needs the same name beside it.
    private = (email & (uses["email_use"] == c.PRIVATE)) | (phone & (uses["phone_use"] == c.PRIVATE))
    shared, both = email | phone, email & phone
    vetoed = contradicts(scored, uses["same_source"])
    same_name = (name >= c.NAME_SOUND) & ~((name == c.NAME_SOUND) & (gender == c.GENDER_OTHER))
    # A name in Chinese and one in letters may be one person's or two people's: an address alone does not tell.
    unnamed, near = (name == c.UNKNOWN) & ~uses["other_script"], name == c.NAME_NEAR
    unclear = unnamed | near | uses["other_script"]
    # A name is as rare as the model believes; in a company whose names it has never met, that and a city link strangers. So
    # something that is the person's own has to agree as well.
    own = (birth > c.BIRTH_OTHER) | (scored["gamma_email"] > c.EMAIL_OTHER) | (scored["gamma_phone"] > c.PHONE_OTHER)
    own |= scored["gamma_wedding"] == c.WEDDING_SAME
    likely = (scored["probability"] >= model_link) & own
    strength = np.select(
        [
            vetoed,
            shared & same_name & (birth == c.BIRTH_SAME),
            both & same_name,
            shared & same_name & (birth != c.BIRTH_OTHER),
            private & unclear & (birth == c.BIRTH_SAME),
            both & private & (unnamed | near),
            private & unnamed,
            likely & ((name >= c.NAME_NEAR) | ((name == c.NAME_GIVEN) & (birth == c.BIRTH_SAME))),
            likely & (unnamed | uses["other_script"]) & (birth == c.BIRTH_SAME),
        ],
        [0, 8, 7, 6, 5, 4, 3, 1, 1],
        default=0,
    )
    rule = np.select(
        [(strength > 1) & both, (strength > 1) & email, (strength > 1) & phone, strength == 1],
        ["email+phone", "email", "phone", "similar"],
        default="",
    )
    # One character apart may be a slip or a twin: a person has to look.
    open_question = ~vetoed & (strength == 0) & (scored["probability"] >= model_review)
    state = np.select([strength > 0, open_question], ["link", "review"], default="apart")
    return scored.assign(strength=strength, rule=rule, state=state)


def contradicts(scored: pd.DataFrame, same_source: pd.Series) -> npt.NDArray[np.bool_]:
    """Return which pairs cannot be one person, whatever they share.

    Different days of birth that are no slip; different given names (relatives, twins, colleagues); a company and a person;
    different genders unless the name is the very same; two numbers of one source with different days of birth.
    """
    name, birth, gender = scored["gamma_name"], scored["gamma_birth"], scored["gamma_gender"]
    return np.asarray(
        (birth == c.BIRTH_OTHER)
        | ((birth == c.BIRTH_NEAR) & same_source)
        | name.isin([c.NAME_OTHER, c.NAME_FAMILY])
        | ((gender == c.GENDER_OTHER) & (name < c.NAME_SAME))
    )
