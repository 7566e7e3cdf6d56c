"""What two records are compared in, and by which steps: the part of the splink model that is written, not learned.

Every comparison is a list of levels from the strongest agreement down; ``gamma_<name>`` of a pair is the number of the level,
counted from 0 (nothing agrees) up, and -1 where one side says nothing. The rules (:mod:`.rules`) read the same levels, so a
level means the same to both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from splink import SettingsCreator

# Levels of the comparisons, by the numbers that splink gives them.
UNKNOWN = -1
NAME_SAME, NAME_SOUND, NAME_NEAR, NAME_ONE_CHARACTER, NAME_GIVEN, NAME_FAMILY, NAME_OTHER = 6, 5, 4, 3, 2, 1, 0
BIRTH_SAME, BIRTH_NEAR, BIRTH_OTHER = 2, 1, 0
EMAIL_SAME, EMAIL_MAILBOX, EMAIL_NEAR, EMAIL_OTHER = 3, 2, 1, 0
PHONE_SAME, PHONE_NEAR, PHONE_OTHER = 2, 1, 0
GENDER_SAME, GENDER_OTHER = 1, 0
WEDDING_SAME = 1

PRIVATE, SHARED, GENERIC = 0, 1, 2
"""How many people use an address: few, more than a family, so many that it says nothing."""

COMPARED = ("name", "birth", "email", "phone", "gender", "place", "wedding")

# Surnames of letters differ in small ways; given names only in ways that keep the first letter: Marina is not Karina.
_NEAR_NAME = """script_l = 'latin' and script_r = 'latin' and (
    (surname_l = surname_r and left(given_l, 1) = left(given_r, 1) and (
        length(given_l) = 1 or length(given_r) = 1
        or (least(length(given_l), length(given_r)) >= 4 and damerau_levenshtein(given_l, given_r) = 1)))
    or (given_l = given_r and least(length(surname_l), length(surname_r)) >= 4
        and damerau_levenshtein(surname_l, surname_r) = 1)
)"""
_ONE_CHARACTER = """script_l = 'han' and script_r = 'han' and surname_l = surname_r
    and length(given_l) = 2 and length(given_r) = 2
    and (substr(given_l, 1, 1) = substr(given_r, 1, 1) or substr(given_l, 2, 1) = substr(given_r, 2, 1))"""
# A company and a person are two; a name in Chinese and one in letters cannot be compared; 王先生 may be any 王, and Hana alone
# may be Hana Lin.
_NAME_UNKNOWN = """name_full_l is null or name_full_r is null
    or (script_l <> script_r and script_l <> 'company' and script_r <> 'company')
    or (script_l = script_r and script_l <> 'company' and (given_l is null or given_r is null)
        and (surname_l = surname_r or surname_l = given_r or given_l = surname_r))"""

_LEVELS: dict[str, list[tuple[str, str]]] = {
    "name": [
        ("null", _NAME_UNKNOWN),
        ("the same name", "name_full_l = name_full_r"),
        ("the same sound, nickname or order", "sound_l = sound_r and script_l = script_r"),
        ("an initial or a slip", _NEAR_NAME),
        ("one Chinese character apart", _ONE_CHARACTER),
        ("the same given name", "script_l = 'latin' and script_r = 'latin' and given_l = given_r"),
        ("the same family name", "surname_l = surname_r"),
    ],
    "birth": [
        ("null", "birth_l is null or birth_r is null"),
        ("the same day", "birth_l = birth_r"),
        (
            "one slip: a digit, or day and month",
            "damerau_levenshtein(birth_l, birth_r) = 1 or (left(birth_l, 4) = left(birth_r, 4) "
            "and substr(birth_l, 5, 2) = substr(birth_r, 7, 2) and substr(birth_l, 7, 2) = substr(birth_r, 5, 2))",
        ),
    ],
    # gao.jing12 and gao.jing13 are no slip: the second one came when the first was taken.
    "email": [
        ("null", f"email_l is null or email_r is null or (email_l = email_r and {GENERIC} in (email_use_l, email_use_r))"),
        ("the same address", "email_l = email_r"),
        ("the same mailbox name elsewhere", "email_local_l = email_local_r and length(email_local_l) >= 6"),
        (
            "one slip",
            "email_domain_l = email_domain_r and length(email_local_l) >= 6 "
            "and damerau_levenshtein(email_local_l, email_local_r) = 1 and (regexp_matches(email_local_l, '^[0-9]+$') "
            "or regexp_replace(email_local_l, '[0-9]', '', 'g') <> regexp_replace(email_local_r, '[0-9]', '', 'g'))",
        ),
    ],
    "phone": [
        ("null", f"phone_l is null or phone_r is null or (phone_l = phone_r and {GENERIC} in (phone_use_l, phone_use_r))"),
        ("the same number", "phone_l = phone_r"),
        (
            "one slip, or the last eight digits",
            "damerau_levenshtein(phone_l, phone_r) = 1 or right(phone_l, 8) = right(phone_r, 8)",
        ),
    ],
    "gender": [("null", "gender_l is null or gender_r is null"), ("the same", "gender_l = gender_r")],
    "place": [
        ("null", "(city_l is null or city_r is null) and (region_l is null or region_r is null)"),
        ("the same city", "city_l = city_r"),
        ("the same region", "region_l = region_r"),
    ],
    "wedding": [("null", "wedding_l is null or wedding_r is null"), ("the same day", "wedding_l = wedding_r")],
}  # fmt: skip


LEVEL_COUNTS = {name: len(levels) + 1 for name, levels in _LEVELS.items()}
"""Levels of each comparison, the unknown and the last one ("different") included."""


def level_names(comparison: str) -> dict[int, str]:
    """Return what the numbers of a comparison's levels mean."""
    named = [label for label, _ in _LEVELS[comparison][1:]]
    return {UNKNOWN: "unknown", 0: "different", **{len(named) - place: label for place, label in enumerate(named)}}


def settings() -> SettingsCreator:
    """Return the model before training: comparisons and levels without probabilities."""
    import splink.comparison_level_library as levels
    import splink.comparison_library as comparisons
    from splink import SettingsCreator
    from splink.blocking_rule_library import block_on

    made: list[Any] = []
    for name, conditions in _LEVELS.items():
        creators = []
        for label, condition in conditions:
            level = levels.CustomLevel(condition, label_for_charts=label).configure(is_null_level=label == "null")
            if label == "the same name":
                # Two 王伟 say less than two 欧阳雪梅.
                level = level.configure(tf_adjustment_column="name_full", tf_adjustment_weight=1.0)
            creators.append(level)
        made.append(comparisons.CustomComparison(output_column_name=name, comparison_levels=[*creators, levels.ElseLevel()]))
    return SettingsCreator(
        link_type="dedupe_only",
        comparisons=made,
        blocking_rules_to_generate_predictions=[block_on("phone")],  # pairs are given, never searched for
        retain_matching_columns=True,  # else splink keeps no levels
        retain_intermediate_calculation_columns=False,
        unique_id_column_name="unique_id",
    )
