"""What the tiny company must come to, worked out by hand from its stories, the plays and the documented rules.

Nothing here was copied from a run. How the figures arise:

* recency: days from the last paid order to the as-of date; churn: recency over recency + 90; value of the coming year: net
  amount of 365 days times the chance of staying.
* Eleven people have bought (Mei cancelled, Ivo never paid, Noa is a test account). A score is 1 + 5 x (people strictly
  worse) / 11, rounded down. A value is high above the 8th of the 11 in order (quantile 0.7).
* First day: the 8th current value is 4,000.00 (Dai and Li share it), the 8th predicted one Hana's 2,735.29: Chen and Jin
  are strategic, Li is growth, all others are marginal. Second day: 4,000.00 and Dai's 1,988.95, the same classes.
* Who competes for a day: Dai's rescue (5 % of 1,000.00 at risk) brings more than the bulletin (0.2 % of an order of 800.00),
  Ana's second order (6 % of 300.00) and Kai's welcome (4 % of 260.00) more than theirs, Chen's birthday (3 %) and Jin's next
  level (5 %) more than asking for a referral (2 %), and so does Li's higher range (6 %). The referral comes the day after, by
  the next channel: one contact per channel in seven days.
* Li is in three more: the membership is up for renewal on 1 May, in 30 days, Kai's referral converted the day before, and of
  two contracts decided in the year one was renewed, which is no reason for a discount (0.5, asked for are 0.6). The tea of
  2026-03-10 is due about 9 April, in eight days, with too few histories to tell the spread: no reminder yet.
* Calls: Chen, Jin and Li are loyal, last bought 14 days ago or more and were last in touch 7 days ago or more. Bo may not be
  asked; Gao telephoned two days ago. Gao's 3 of 10 is called about within two days.
* Nia is in the universal control group of 2026: nothing promotional. Labour Day is a month away: no holiday play.
* Fang was ordinary on the first day (RFM class potential); on the second the class is general, which is marginal, but a
  lower tier waits for seven days. Ana moves up to ordinary at once.

Money is in fen, as the tables hold it.
"""

from __future__ import annotations

from dataclasses import dataclass

PEOPLE = {
    "Ana": "C001", "Bo": "C002", "Chen": "C003", "Dai": "C004", "Emma": "C005", "Fang": "C006", "Gao": "C007", "Hana": "C008",
    "Ivo": "C009", "Jin": "C010", "Kai": "C011", "Li": "C012", "Mei": "C013", "Noa": "C014", "Nia": "C016",
}  # fmt: skip
"""The customer number of the CRM that names each person; Hana's second one is C108."""

#  person  recency  paid orders ever  net of 365 days   churn    clv       rfm
PURCHASERS = {
    "first": """
    Ana        9     1     30000     9/99     27273     411 low_value  promising
    Bo        40     2    120000    40/130    83077     122 low_value  hibernating
    Chen      17     5   4700000    17/107  3953271     345 high_value loyal
    Dai       90     5    400000    90/180   200000     144 general    at_risk
    Emma     446     2         0   446/536        0     111 low_value  lost
    Fang       6     3    195000     6/96    182812     533 potential  potential_loyalist
    Gao       27     2     93000    27/117    71538     222 low_value  hibernating
    Hana      12     3    310000    12/102   273529     433 general    potential_loyalist
    Jin       20     4   2190000    20/110  1791818     345 high_value loyal
    Kai        1     1     26000     1/91     25714     511 low_value  new
    Li        22    10    400000    22/112   321429     254 general    at_risk
    """,
    "second": """
    Ana        1     2    120000     1/91    118681     512 potential  new
    Bo        41     2    120000    41/131    82443     112 low_value  lost
    Chen      18     5   4700000    18/108  3916667     345 high_value loyal
    Dai       91     5    400000    91/181   198895     144 general    at_risk
    Emma     447     2         0   447/537        0     111 low_value  lost
    Fang       7     3    195000     7/97    180928     433 general    potential_loyalist
    Gao       28     2     93000    28/118    70932     211 low_value  hibernating
    Hana      13     3    220000    13/103   192233     333 general    need_attention
    Jin        1     5   2310000     1/91   2284615     545 high_value champions
    Kai        2     1     26000     2/92     25435     411 low_value  promising
    Li        23    10    400000    23/113   318584     254 general    at_risk
    """,
}

#  person  stage   value class  tier      at risk  level    spend    next    missing  points
EVERYBODY = {
    "first": """
    Ana   new       marginal   marginal   no     basic    30000   silver   970000    30
    Bo    repeat    marginal   marginal   no     basic    70000   silver   930000   120
    Chen  loyal     strategic  vip        no     gold   2700000   -             -  4700
    Dai   at_risk   marginal   marginal   yes    basic    80000   silver   920000   400
    Emma  lost      marginal   marginal   yes    basic        0   silver  1000000     0
    Fang  repeat    marginal   ordinary   no     basic   135000   silver   865000   195
    Gao   repeat    marginal   marginal   no     basic    93000   silver   907000    93
    Hana  repeat    marginal   marginal   no     basic   210000   silver   790000   310
    Ivo   prospect  marginal   marginal   no     basic        0   silver  1000000     0
    Jin   loyal     strategic  vip        no     silver 1890000   gold     110000  2190
    Kai   new       marginal   marginal   no     basic    26000   silver   974000    26
    Li    loyal     growth     potential  no     basic   120000   silver   880000   360
    Mei   prospect  marginal   marginal   no     basic        0   silver  1000000     0
    """,
    "second": """
    Ana   repeat    marginal   ordinary   no     basic   120000   silver   880000   120
    Bo    repeat    marginal   marginal   no     basic    70000   silver   930000   120
    Chen  loyal     strategic  vip        no     gold   2700000   -             -  4700
    Dai   at_risk   marginal   marginal   yes    basic    80000   silver   920000   400
    Emma  lost      marginal   marginal   yes    basic        0   silver  1000000     0
    Fang  repeat    marginal   ordinary   no     basic   135000   silver   865000   195
    Gao   repeat    marginal   marginal   no     basic    93000   silver   907000    93
    Hana  repeat    marginal   marginal   no     basic   120000   silver   880000   310
    Ivo   prospect  marginal   marginal   no     basic        0   silver  1000000     0
    Jin   loyal     strategic  vip        no     gold   2010000   -             -  2310
    Kai   new       marginal   marginal   no     basic    26000   silver   974000    26
    Li    loyal     growth     potential  no     basic   120000   silver   880000   360
    Mei   prospect  marginal   marginal   no     basic        0   silver  1000000     0
    Nia   prospect  marginal   marginal   no     basic        0   silver  1000000     0
    """,
}

# Nobody of these was drawn as control: every bucket lies above its play's share (DRAWS).
#  play                person  state     first rule         channel  offer                                 joined on
DECISIONS = {
    "first": """
    base_care            Fang  excluded  complaint_hold     -        -                                     -
    birthday             Chen  selected  -                  sms      birthday_double_points                2026-04-01
    churn_rescue         Dai   selected  -                  app      rescue_50_yuan                        2026-04-01
    complaint_call       Gao   selected  -                  staff    medium_settlement                     2026-04-01
    complaint_recovery   Fang  selected  -                  sms      full_refund_and_20_yuan               2026-04-01
    detractor_follow_up  Gao   selected  -                  staff    listen_and_repair                     2026-04-01
    growth_upgrade       Li    selected  -                  wechat   higher_range_trial                    2026-04-01
    low_cost_care        Ana   excluded  beaten             -        -                                     -
    low_cost_care        Bo    excluded  no_consent         -        -                                     -
    low_cost_care        Dai   excluded  beaten             -        -                                     -
    low_cost_care        Gao   excluded  complaint_hold     -        -                                     -
    low_cost_care        Hana  selected  -                  email    bulletin                              2026-04-01
    low_cost_care        Kai   excluded  beaten             -        -                                     -
    prospect_nurture     Ivo   selected  -                  email    sample_with_first_order               2026-04-01
    prospect_nurture     Mei   excluded  no_consent         -        -                                     -
    referral             Chen  excluded  beaten             -        -                                     -
    referral             Jin   excluded  beaten             -        -                                     -
    referral             Li    excluded  beaten             -        -                                     -
    referral_reward      Li    selected  -                  wechat   referral_reward_20_yuan               2026-04-01
    regular_call_back    Chen  selected  -                  staff    next_best_advice                      2026-04-01
    regular_call_back    Jin   selected  -                  staff    next_best_advice                      2026-04-01
    regular_call_back    Li    selected  -                  staff    next_best_advice                      2026-04-01
    renewal              Li    selected  -                  wechat   renewal_reminder                      2026-04-01
    second_purchase      Ana   selected  -                  app      second_order_10_percent               2026-04-01
    strategic_care       Chen  selected  -                  staff    priority_shipping_and_exclusive_price 2026-04-01
    strategic_care       Jin   selected  -                  staff    priority_shipping_and_exclusive_price 2026-04-01
    tier_nudge           Jin   selected  -                  email    level_benefits                        2026-04-01
    welcome              Kai   selected  -                  email    first_purchase_gift                   2026-04-01
    win_back             Emma  selected  -                  sms      come_back_15_percent                  2026-04-01
    """,
    # Dai has said no, to everything; Ana has bought again and is ordinary now: nobody has asked her how satisfied she is. Kai has
    # no address but e-mail, by which the welcome came yesterday. Jin bought yesterday: no call is due.
    "second": """
    base_care            Ana   selected  -                  email    greeting_5_yuan                       2026-04-02
    base_care            Fang  excluded  complaint_hold     -        -                                     -
    birthday             Chen  selected  -                  sms      birthday_double_points                2026-04-01
    churn_rescue         Dai   excluded  no_consent         -        -                                     -
    complaint_recovery   Fang  selected  -                  sms      full_refund_and_20_yuan               2026-04-01
    complaint_recovery   Gao   selected  -                  sms      replacement_and_10_yuan               2026-04-02
    detractor_follow_up  Gao   selected  -                  staff    listen_and_repair                     2026-04-01
    growth_upgrade       Li    selected  -                  wechat   higher_range_trial                    2026-04-01
    low_cost_care        Bo    excluded  no_consent         -        -                                     -
    low_cost_care        Dai   excluded  no_consent         -        -                                     -
    low_cost_care        Gao   excluded  complaint_hold     -        -                                     -
    low_cost_care        Hana  selected  -                  email    bulletin                              2026-04-01
    low_cost_care        Kai   excluded  frequency_cap      -        -                                     -
    prospect_nurture     Ivo   selected  -                  email    sample_with_first_order               2026-04-01
    prospect_nurture     Mei   excluded  no_consent         -        -                                     -
    prospect_nurture     Nia   excluded  universal_control  -        -                                     -
    referral             Chen  selected  -                  email    referral_20_yuan                      2026-04-02
    referral             Jin   selected  -                  sms      referral_20_yuan                      2026-04-02
    referral             Li    selected  -                  email    referral_20_yuan                      2026-04-02
    referral_reward      Li    selected  -                  wechat   referral_reward_20_yuan               2026-04-01
    regular_call_back    Chen  selected  -                  staff    next_best_advice                      2026-04-01
    regular_call_back    Li    selected  -                  staff    next_best_advice                      2026-04-01
    renewal              Li    selected  -                  wechat   renewal_reminder                      2026-04-01
    strategic_care       Chen  selected  -                  staff    priority_shipping_and_exclusive_price 2026-04-01
    strategic_care       Jin   selected  -                  staff    priority_shipping_and_exclusive_price 2026-04-01
    welcome              Kai   selected  -                  email    first_purchase_gift                   2026-04-01
    win_back             Emma  selected  -                  sms      come_back_15_percent                  2026-04-01
    """,
}


@dataclass(frozen=True)
class Draw:
    """One drawing of the control group; an event is named as ``source:number`` of what it is, and whatever follows."""

    play: str
    period: str
    person: str
    share: float


DRAWS = (
    Draw("base_care", "2026-Q2", "Ana", 0.1),
    Draw("birthday", "2026-04-04", "Chen", 0.1),
    Draw("churn_rescue", "2026-04", "Dai", 0.1),
    Draw("complaint_call", "service_desk:X02", "Gao", 0.0),
    Draw("complaint_recovery", "service_desk:X01", "Fang", 0.0),
    Draw("complaint_recovery", "service_desk:X02", "Gao", 0.0),
    Draw("detractor_follow_up", "service_desk:V03", "Gao", 0.0),
    Draw("growth_upgrade", "2026-Q2", "Li", 0.1),
    Draw("low_cost_care", "2026-Q2", "Hana", 0.1),
    Draw("prospect_nurture", "2026-04", "Ivo", 0.1),
    Draw("referral", "2026-Q2", "Chen", 0.1),
    Draw("referral", "2026-Q2", "Jin", 0.1),
    Draw("referral", "2026-Q2", "Li", 0.1),
    Draw("referral_reward", "crm:R01", "Li", 0.0),
    Draw("regular_call_back", "2026-Q2", "Chen", 0.1),
    Draw("regular_call_back", "2026-Q2", "Jin", 0.1),
    Draw("regular_call_back", "2026-Q2", "Li", 0.1),
    Draw("renewal", "crm:M01/2026-05-01", "Li", 0.0),
    Draw("second_purchase", "once", "Ana", 0.1),
    Draw("strategic_care", "2026-04", "Chen", 0.05),
    Draw("strategic_care", "2026-04", "Jin", 0.05),
    Draw("tier_nudge", "2026-04", "Jin", 0.1),
    Draw("welcome", "once", "Kai", 0.05),
    Draw("win_back", "2026-04", "Emma", 0.1),
)

#  campaign            person  number  kind         channel  valid until (day, 00:00 in Shanghai)
AUDIENCE = {
    "first": """
    birthday             Chen  C003    promotional  sms      2026-04-09
    churn_rescue         Dai   C004    promotional  app      2026-04-15
    complaint_recovery   Fang  C006    service      sms      2026-04-15
    growth_upgrade       Li    C012    promotional  wechat   2026-04-15
    low_cost_care        Hana  C008    promotional  email    2026-04-22
    prospect_nurture     Ivo   C009    promotional  email    2026-04-22
    referral_reward      Li    C012    service      wechat   2026-04-15
    renewal              Li    C012    service      wechat   2026-05-31
    second_purchase      Ana   C001    promotional  app      2026-04-10
    tier_nudge           Jin   C010    promotional  email    2026-04-15
    welcome              Kai   C011    promotional  email    2026-04-08
    win_back             Emma  C005    promotional  sms      2026-04-22
    """,
    "second": """
    base_care            Ana   C001    promotional  email    2026-04-23
    birthday             Chen  C003    promotional  sms      2026-04-09
    complaint_recovery   Fang  C006    service      sms      2026-04-15
    complaint_recovery   Gao   C007    service      sms      2026-04-16
    growth_upgrade       Li    C012    promotional  wechat   2026-04-15
    low_cost_care        Hana  C008    promotional  email    2026-04-22
    prospect_nurture     Ivo   C009    promotional  email    2026-04-22
    referral             Chen  C003    promotional  email    2026-05-02
    referral             Jin   C010    promotional  sms      2026-05-02
    referral             Li    C012    promotional  email    2026-05-02
    referral_reward      Li    C012    service      wechat   2026-04-15
    renewal              Li    C012    service      wechat   2026-05-31
    welcome              Kai   C011    promotional  email    2026-04-08
    win_back             Emma  C005    promotional  sms      2026-04-22
    """,
}

#  change   campaign            person  reason
CHANGES = {
    "first": """
    added    birthday            Chen   -
    added    churn_rescue        Dai    -
    added    complaint_recovery  Fang   -
    added    growth_upgrade      Li     -
    added    low_cost_care       Hana   -
    added    prospect_nurture    Ivo    -
    added    referral_reward     Li     -
    added    renewal             Li     -
    added    second_purchase     Ana    -
    added    tier_nudge          Jin    -
    added    welcome             Kai    -
    added    win_back            Emma   -
    """,
    # Ana has bought again, Jin has no level left to reach, Dai has said no.
    "second": """
    removed  churn_rescue        Dai    no_consent
    removed  second_purchase     Ana    not_in_audience
    removed  tier_nudge          Jin    not_in_audience
    added    base_care           Ana    -
    added    complaint_recovery  Gao    -
    added    referral            Li     -
    added    referral            Jin    -
    added    referral            Chen   -
    """,
}

#  campaign            person  state      owner  opening midpoint ceiling  due until
TASKS = {
    "first": """
    complaint_call       Gao   open       -      1000    2000     3000     2026-04-08
    detractor_follow_up  Gao   open       -         -       -        -     2026-04-03
    regular_call_back    Chen  open       Wu        -       -        -     2026-04-15
    regular_call_back    Jin   open       Wu        -       -        -     2026-04-15
    regular_call_back    Li    open       -         -       -        -     2026-04-15
    strategic_care       Chen  open       Wu        -       -        -     2026-04-29
    strategic_care       Jin   open       Wu        -       -        -     2026-04-29
    """,
    "second": """
    complaint_call       Gao   withdrawn  -      1000    2000     3000     2026-04-08
    detractor_follow_up  Gao   open       -         -       -        -     2026-04-03
    regular_call_back    Chen  open       Wu        -       -        -     2026-04-15
    regular_call_back    Jin   withdrawn  Wu        -       -        -     2026-04-15
    regular_call_back    Li    open       -         -       -        -     2026-04-15
    strategic_care       Chen  open       Wu        -       -        -     2026-04-29
    strategic_care       Jin   open       Wu        -       -        -     2026-04-29
    """,
}

# Two plays for everybody, planned beside the shipped ones for the second day. `greeting` goes first and holds half back, so
# `bulletin` reaches those whom the draw has held back there; whom a rule keeps out, it keeps out of both. One contact per channel
# in seven days: Hana and Kai have had one by e-mail, and so has Ivo, who consented to nothing else. What began today and was
# handed out keeps its customer.
#  person   first rule         channel  beaten by
PROMOTIONS = """
    Ana    beaten             -         base_care
    Bo     no_consent         -         -
    Chen   beaten             -         referral
    Dai    no_consent         -         -
    Emma   -                  email     -
    Fang   complaint_hold     -         -
    Gao    complaint_hold     -         -
    Hana   -                  sms       -
    Ivo    frequency_cap      -         -
    Jin    beaten             -         referral
    Kai    -                  sms       -
    Li     beaten             -         referral
    Mei    no_consent         -         -
    Nia    universal_control  -         -
    Noa    test_or_staff      -         -
"""
UNIVERSAL_CONTROL = ("Nia",)
"""Kept back from all promotion in 2026: their bucket lies below 0.05."""


def table(text: str) -> list[tuple[str | None, ...]]:
    """Return the rows of one of the tables above; ``-`` is null."""
    return [tuple(None if cell == "-" else cell for cell in line.split()) for line in text.strip().splitlines()]
