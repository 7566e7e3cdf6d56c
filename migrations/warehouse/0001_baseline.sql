-- Generated from include/sql by `python -m retention.warehouse.ddl --write`. Do not edit.

create schema if not exists landing;
comment on schema landing is 'What a source delivered, as delivered, with batch, file and position.';

create schema if not exists quarantine;
comment on schema quarantine is 'Rows refused, with rule, column and reason; they can be repaired and replayed.';

create schema if not exists pii;
comment on schema pii is 'The only place with names, e-mail addresses and phone numbers.';

create schema if not exists core;
comment on schema core is 'Conformed facts and dimensions, by customer_key (a keyed pseudonym).';

create schema if not exists features;
comment on schema features is 'What is known of a customer as of a date.';

create schema if not exists scores;
comment on schema scores is 'What is predicted of a customer as of a date.';

create schema if not exists segments;
comment on schema segments is 'Classes, tiers, stages and levels as of a date.';

create schema if not exists campaigns;
comment on schema campaigns is 'Decisions: who gets which play and why, who does not and why, what was delivered.';

create schema if not exists bi;
comment on schema bi is 'Views for BI tools: documented, no personal data, small groups suppressed.';

create schema if not exists privacy;
comment on schema privacy is 'Consent ledger, suppression, erasure requests and receipts.';

create schema if not exists ops;
comment on schema ops is 'Run ledger, leases, batches, checks, model registry, audit.';

create schema if not exists slices;
comment on schema slices is 'Partitions of the tables that hold one slice a date; read them through their tables.';

create schema if not exists staging;
comment on schema staging is 'Slices being built, named by the token of their writer; nobody reads them before they are published.';

create table bi.audience_cost (
    as_of_date date not null,
    play text not null,
    channel text not null,
    contacts bigint not null,
    cost_minor bigint not null,
    expected_cost_minor double precision not null,
    primary key (as_of_date, play, channel)
) partition by range (as_of_date);
comment on table bi.audience_cost is 'What each play''s contacts of a day cost, as they were handed out. Grain: one row per play and channel per as_of_date.';
comment on column bi.audience_cost.as_of_date is 'day the memberships began';
comment on column bi.audience_cost.play is 'the play';
comment on column bi.audience_cost.channel is 'channel handed out; staff for tasks';
comment on column bi.audience_cost.contacts is 'contacts handed out';
comment on column bi.audience_cost.cost_minor is 'cost of the touches, minor units of the base currency';
comment on column bi.audience_cost.expected_cost_minor is 'touches and offers as far as they are expected to be used, minor units; the touches alone where it was not kept';

create table bi.audience_delivery (
    as_of_date date not null,
    play text not null,
    channel text not null,
    handed_out bigint not null,
    acknowledged bigint not null,
    sent bigint not null,
    bounced bigint not null,
    silent bigint not null,
    is_reporting boolean not null,
    primary key (as_of_date, play, channel)
) partition by range (as_of_date);
comment on table bi.audience_delivery is 'What became of what tools were given in a week: acknowledged, sent, bounced, or nothing said. The week ends where the time that tools have to report (health.feedback_grace_hours) begins; what was taken back within that time is left out. Grain: one row per audience and channel per as_of_date.';
comment on column bi.audience_delivery.as_of_date is 'first day not included';
comment on column bi.audience_delivery.play is 'the audience';
comment on column bi.audience_delivery.channel is 'channel handed out';
comment on column bi.audience_delivery.handed_out is 'send_keys handed out in the week';
comment on column bi.audience_delivery.acknowledged is 'of them taken over by a tool';
comment on column bi.audience_delivery.sent is 'of them sent, by any event that only a message that was sent can have';
comment on column bi.audience_delivery.bounced is 'of them undeliverable';
comment on column bi.audience_delivery.silent is 'of them nothing was said at all';
comment on column bi.audience_delivery.is_reporting is 'whether any tool said anything on this channel within the days compared with: without, silence says nothing';

create table bi.audience_health (
    as_of_date date not null,
    campaign text not null,
    members bigint not null,
    sendable_members bigint not null,
    permitted_members bigint default 0 not null,
    added bigint not null,
    updated bigint not null,
    removed bigint not null,
    last_push_at timestamptz,
    audience_date date,
    days_behind integer,
    primary key (as_of_date, campaign)
) partition by range (as_of_date);
comment on table bi.audience_health is 'Size, freshness and changes of every campaign audience in the marketing database at the time of measurement. Grain: one row per campaign per as_of_date.';
comment on column bi.audience_health.as_of_date is 'first day not included';
comment on column bi.audience_health.campaign is 'campaign name as the marketing tools see it';
comment on column bi.audience_health.members is 'rows in campaign_audience';
comment on column bi.audience_health.sendable_members is 'rows the tools may use now: consent given, not suppressed, not expired, outside quiet hours';
comment on column bi.audience_health.permitted_members is 'rows the tools may use at some hour of the day: consent given, not suppressed, nothing rests';
comment on column bi.audience_health.added is 'additions by the newest push';
comment on column bi.audience_health.updated is 'updates by the newest push';
comment on column bi.audience_health.removed is 'removals by the newest push';
comment on column bi.audience_health.last_push_at is 'when the newest push was committed; null if there was none';
comment on column bi.audience_health.audience_date is 'as_of_date the audience was built for; null if there was no push';
comment on column bi.audience_health.days_behind is 'days between as_of_date and audience_date; 0 is fresh';

create table bi.audience_mix (
    as_of_date date not null,
    play text not null,
    dimension text not null,
    member text not null,
    members bigint not null,
    primary key (as_of_date, play, dimension, member)
) partition by range (as_of_date);
comment on table bi.audience_mix is 'What every audience is made of at the time of measurement, by service tier, churn band and value band. Grain: one row per audience, dimension and member of it per as_of_date.';
comment on column bi.audience_mix.as_of_date is 'first day not included';
comment on column bi.audience_mix.play is 'the audience';
comment on column bi.audience_mix.dimension is 'service_tier, churn_band or value_band, as they were when the membership began';
comment on column bi.audience_mix.member is 'the tier or band; unknown without a score';
comment on column bi.audience_mix.members is 'people of the audience in it';

create table bi.audience_overlap (
    as_of_date date not null,
    play text not null,
    other_play text not null,
    members bigint not null,
    shared_members bigint not null,
    primary key (as_of_date, play, other_play)
) partition by range (as_of_date);
comment on table bi.audience_overlap is 'How many members two audiences have in common at the time of measurement, and each audience with all others together. Grain: one row per audience and other audience per as_of_date, both ways round; other_play * is all others together.';
comment on column bi.audience_overlap.as_of_date is 'first day not included';
comment on column bi.audience_overlap.play is 'the audience';
comment on column bi.audience_overlap.other_play is 'the audience it is compared with; * for all others together';
comment on column bi.audience_overlap.members is 'members of the audience';
comment on column bi.audience_overlap.shared_members is 'members who are in the other audience too; only pairs that share somebody have a row';

create table bi.cohort_value (
    as_of_date date not null,
    cohort_month date not null,
    month date not null,
    months_since integer not null,
    cohort_customers bigint not null,
    active_customers bigint not null,
    orders bigint not null,
    net_minor bigint not null,
    primary key (as_of_date, cohort_month, month)
) partition by range (as_of_date);
comment on table bi.cohort_value is 'What became of the customers who first bought in a month: how many ordered, and for how much, in each month since. Each date holds the month it closes (to date) and the month before, the first of a month three years; bi.cohort shows the newest figures. Grain: one row per cohort and month per as_of_date.';
comment on column bi.cohort_value.as_of_date is 'first day not included';
comment on column bi.cohort_value.cohort_month is 'first day of the month of the first paid order';
comment on column bi.cohort_value.month is 'first day of the month looked at';
comment on column bi.cohort_value.months_since is 'months from one to the other; 0 is the month of the first order';
comment on column bi.cohort_value.cohort_customers is 'customers who first bought in the cohort''s month';
comment on column bi.cohort_value.active_customers is 'of these, customers who paid an order in the month';
comment on column bi.cohort_value.orders is 'paid orders less cancelled ones, by the date of each entry';
comment on column bi.cohort_value.net_minor is 'net amounts paid less cancelled, refunded and returned, by the date of each entry, minor units';

create table bi.complaint_compensation (
    as_of_date date not null,
    week_start date not null,
    severity text not null,
    team text not null,
    verdict text not null,
    complaints bigint not null,
    expected_minor bigint not null,
    given_minor bigint not null,
    primary key (as_of_date, week_start, severity, team, verdict)
) partition by range (as_of_date);
comment on table bi.complaint_compensation is 'Whether compensation follows the severity, as the play complaint_recovery states it: resolved complaints by week of resolution, severity, team and verdict. Below or missing is owed to somebody; above the ceiling needed a manager. Grain: one row per week, severity, team and verdict per as_of_date.';
comment on column bi.complaint_compensation.as_of_date is 'first day not included';
comment on column bi.complaint_compensation.week_start is 'Monday of the week in which the complaints were resolved';
comment on column bi.complaint_compensation.severity is 'minor, medium or severe; ''unknown'' if not given';
comment on column bi.complaint_compensation.team is 'responsible team; ''unassigned'' if none is named';
comment on column bi.complaint_compensation.verdict is 'right; handed_out (by the play, nothing recorded on the case); pending (resolved so lately that the play may still come); missing; below; above';
comment on column bi.complaint_compensation.complaints is 'resolved complaints';
comment on column bi.complaint_compensation.expected_minor is 'compensation that the play states for them, minor units of the base currency';
comment on column bi.complaint_compensation.given_minor is 'compensation recorded on the cases';

create table bi.complaint_root_cause (
    as_of_date date not null,
    week_start date not null,
    is_complete boolean not null,
    dimension text not null,
    member text not null,
    root_cause text not null,
    complaints bigint not null,
    complaints_before bigint not null,
    severe bigint not null,
    resolved bigint not null,
    median_hours_to_resolve double precision,
    late bigint not null,
    compensation_minor bigint not null,
    mean_satisfaction double precision,
    primary key (as_of_date, week_start, dimension, member, root_cause)
) partition by range (as_of_date);
comment on table bi.complaint_root_cause is 'Why customers complained, week by week (Monday to Sunday of the business time zone, by the day of opening), for the weekly review: per product, product category, kind of complaint, channel and team. Causes are found later than complaints are opened, so every slice counts the last weeks anew (complaints.root_cause_weeks). A complaint about an order counts once for each product in it. Grain: one row per week, dimension, member and cause per as_of_date.';
comment on column bi.complaint_root_cause.as_of_date is 'first day not included';
comment on column bi.complaint_root_cause.week_start is 'Monday of the week in which the complaints were opened';
comment on column bi.complaint_root_cause.is_complete is 'the week has ended';
comment on column bi.complaint_root_cause.dimension is 'all, product, product_category, category (what the complaint is about), channel (how it came in) or team';
comment on column bi.complaint_root_cause.member is 'the product, category, channel or team; ''none'' where the complaint names none';
comment on column bi.complaint_root_cause.root_cause is 'cause found; ''not found yet'' where there is none; ''other'' for causes of a single case; ''all'' for the sum';
comment on column bi.complaint_root_cause.complaints is 'complaints opened in the week';
comment on column bi.complaint_root_cause.complaints_before is 'the same in the week before, by today''s knowledge; 0 in the first week of the slice';
comment on column bi.complaint_root_cause.severe is 'of them severe';
comment on column bi.complaint_root_cause.resolved is 'of them resolved by as_of_date';
comment on column bi.complaint_root_cause.median_hours_to_resolve is 'median time from opening to resolution of the resolved ones, hours; null if none is';
comment on column bi.complaint_root_cause.late is 'of them acknowledged or answered too late, or still waiting past the clock';
comment on column bi.complaint_root_cause.compensation_minor is 'compensation recorded for them, minor units of the base currency';
comment on column bi.complaint_root_cause.mean_satisfaction is 'mean satisfaction with the handling, 1 to 5; null without answers';

create table bi.control_balance (
    as_of_date date not null,
    play text not null,
    service_tier text not null,
    treated_customers bigint not null,
    control_customers bigint not null,
    expected_control double precision not null,
    expected_share double precision,
    observed_share double precision,
    chi_square double precision,
    p_value double precision,
    verdict text not null,
    primary key (as_of_date, play, service_tier)
) partition by range (as_of_date);
comment on table bi.control_balance is 'Sample-ratio check of the control groups: whether as many customers were held back as the draw says, for everybody and by tier. A play counts each customer once per period, on days that were pushed; play * is the universal group among all customers of the day. A share that chance does not explain means that something between draw and delivery treats the groups differently, and that their comparison is not to be trusted. Grain: one row per play and tier per as_of_date.';
comment on column bi.control_balance.as_of_date is 'first day not included; for the universal group the day itself';
comment on column bi.control_balance.play is 'the play; * for the universal group';
comment on column bi.control_balance.service_tier is 'service tier when it began; all for everybody';
comment on column bi.control_balance.treated_customers is 'customers handed out; for the universal group all others';
comment on column bi.control_balance.control_customers is 'customers held back';
comment on column bi.control_balance.expected_control is 'customers that the draw would hold back of them on average';
comment on column bi.control_balance.expected_share is 'the same as a share';
comment on column bi.control_balance.observed_share is 'share held back';
comment on column bi.control_balance.chi_square is 'squared deviation from the expected number over its variance, one degree of freedom; null where nothing can deviate';
comment on column bi.control_balance.p_value is 'probability of such a deviation or a larger one by chance';
comment on column bi.control_balance.verdict is 'balanced, imbalanced (p below 0.001) or too_few (fewer than 5 expected in a group)';

create table bi.control_contamination (
    as_of_date date not null,
    play text not null,
    control_customers bigint not null,
    handed_out bigint not null,
    contacted bigint not null,
    contaminated bigint not null,
    contaminated_share double precision,
    otherwise_contacted bigint not null,
    verdict text not null,
    primary key (as_of_date, play)
) partition by range (as_of_date);
comment on table bi.control_contamination is 'Customers of control groups who were contacted all the same, by the play itself (a tool that sends on its own, two records that turned out to be one person) or by another promotion, within the days that count as outcome. The first makes an effect look smaller than it is; the second is business as usual, the same for both groups. Play * is the universal group, whom no promotion may reach. Grain: one row per play per as_of_date.';
comment on column bi.control_contamination.as_of_date is 'first day not included';
comment on column bi.control_contamination.play is 'the play; * for the universal group';
comment on column bi.control_contamination.control_customers is 'customers held back on days that were pushed';
comment on column bi.control_contamination.handed_out is 'of these, handed out to tools under this play and period (any promotion for the universal group)';
comment on column bi.control_contamination.contacted is 'of these, reported by a tool as contacted under this play (any promotion for the universal group)';
comment on column bi.control_contamination.contaminated is 'either of the two';
comment on column bi.control_contamination.contaminated_share is 'the same as a share of the control group';
comment on column bi.control_contamination.otherwise_contacted is 'handed out to tools under another promotional play meanwhile; 0 for the universal group, where every promotion counts as contamination';
comment on column bi.control_contamination.verdict is 'clean, contaminated (more than one in a hundred) or traces';

create table bi.customer_group (
    as_of_date date not null,
    region text not null,
    customer_kind text not null,
    acquisition_channel text not null,
    member_since_month date not null,
    customers bigint not null,
    shown text not null,
    primary key (as_of_date, region, customer_kind, acquisition_channel, member_since_month)
) partition by range (as_of_date);
comment on table bi.customer_group is 'How exactly region, kind, channel of acquisition and month of joining may be shown beside a customer''s row: as exactly as at least as many people share them as the setting keep.suppressed_group_size says. bi.customer joins it; a combination that is not in it is not shown. Grain: one row per combination that occurs, per as_of_date.';
comment on column bi.customer_group.as_of_date is 'date of the measurement';
comment on column bi.customer_group.region is 'province or region; empty if unknown';
comment on column bi.customer_group.customer_kind is 'company or consumer';
comment on column bi.customer_group.acquisition_channel is 'how the customers were won; empty if unknown';
comment on column bi.customer_group.member_since_month is 'first day of the month in which the customers became known';
comment on column bi.customer_group.customers is 'customers with this combination';
comment on column bi.customer_group.shown is 'month (all four), year (the year in place of the month), region (region and kind), kind, or nothing';

create table bi.funnel_value (
    as_of_date date not null,
    play text not null,
    month date not null,
    held_back bigint not null,
    handed_out bigint not null,
    sent bigint not null,
    delivered bigint not null,
    opened bigint not null,
    clicked bigint not null,
    converted bigint not null,
    bought bigint not null,
    unsubscribed bigint not null,
    cost_minor bigint not null,
    primary key (as_of_date, play, month)
) partition by range (as_of_date);
comment on table bi.funnel_value is 'From the audience rule to the purchase, per play and calendar month of the hand-out: people at each step. Each date holds the month it closes (to date) and the month before, the first of a month three years, so that late feedback still counts; bi.funnel shows the newest figures. Grain: one row per play and month per as_of_date.';
comment on column bi.funnel_value.as_of_date is 'first day not included';
comment on column bi.funnel_value.play is 'the play';
comment on column bi.funnel_value.month is 'first day of the month in which people were handed out or held back';
comment on column bi.funnel_value.held_back is 'people kept as control group';
comment on column bi.funnel_value.handed_out is 'people handed to a tool or to staff';
comment on column bi.funnel_value.sent is 'of these, people to whom the tool reports a message sent or anything after it';
comment on column bi.funnel_value.delivered is 'of these, people whom it reached, as far as the tool reports';
comment on column bi.funnel_value.opened is 'of these, people who opened it or did anything after';
comment on column bi.funnel_value.clicked is 'of these, people who clicked or converted';
comment on column bi.funnel_value.converted is 'of these, people whom the tool reports as converted';
comment on column bi.funnel_value.bought is 'people handed out who paid an order within the outcome window, with or without the message';
comment on column bi.funnel_value.unsubscribed is 'people handed out who unsubscribed or complained of spam';
comment on column bi.funnel_value.cost_minor is 'cost of the touches handed out, minor units';

create table bi.group_profile_value (
    as_of_date date not null,
    grouping text not null,
    member text not null,
    part text not null,
    customers bigint not null,
    purchasers bigint not null,
    at_risk_customers bigint not null,
    net_minor_365d bigint not null,
    clv_12m_minor bigint not null,
    value_at_risk_minor bigint not null,
    mean_churn_probability double precision,
    rfm_segment text,
    primary key (as_of_date, grouping, member, part)
) partition by range (as_of_date);
comment on table bi.group_profile_value is 'How many customers each group holds, how many of them are about to be lost, what they spent and what they are expected to bring: by service tier, lifecycle stage, value class, RFM class, segment and cell, membership level, persona, and tier by stage. Counted once a day over all customers but test accounts and staff, so that nobody who looks at it waits. Grain: one row per grouping, member and part of the member per as_of_date.';
comment on column bi.group_profile_value.as_of_date is 'date the segments and scores hold for';
comment on column bi.group_profile_value.grouping is 'all, tier, stage, value_class, rfm_class, rfm_segment, rfm_cell, membership_level, persona or tier_stage';
comment on column bi.group_profile_value.member is 'the group; of rfm_cell recency and frequency score, e.g. 5-4; of tier_stage the tier; ''all'' for everybody';
comment on column bi.group_profile_value.part is 'of rfm_cell the monetary score, of tier_stage the stage, of both also ''all''; ''all'' elsewhere';
comment on column bi.group_profile_value.customers is 'customers in the group';
comment on column bi.group_profile_value.purchasers is 'of these, customers who have bought and so have scores';
comment on column bi.group_profile_value.at_risk_customers is 'of these, customers with the at-risk flag of segments.tier';
comment on column bi.group_profile_value.net_minor_365d is 'net amount of the last 365 days, minor units of the base currency';
comment on column bi.group_profile_value.clv_12m_minor is 'predicted net value of the coming twelve months, minor units';
comment on column bi.group_profile_value.value_at_risk_minor is 'sum over purchasers of churn probability times predicted value, minor units';
comment on column bi.group_profile_value.mean_churn_probability is 'mean churn probability of the purchasers; null without any';
comment on column bi.group_profile_value.rfm_segment is 'of rfm_cell the segment that most of its customers are in; null elsewhere';

create table bi.health_check (
    as_of_date date not null,
    check_name text not null,
    subject text not null,
    area text not null,
    value double precision,
    unit text not null,
    objective double precision,
    is_at_least boolean not null,
    state text not null,
    since timestamptz not null,
    sentence_en text not null,
    sentence_zh text not null,
    checked_at timestamptz not null,
    primary key (as_of_date, check_name, subject)
);
comment on table bi.health_check is 'What was found of the health of pipeline and audiences, beside its objective. Replaced at every look (hourly, and after each day); the last look of a date stays. docs/health.md says what each check means and what to do. Grain: one row per check and subject per as_of_date.';
comment on column bi.health_check.as_of_date is 'day of the look: the day after the last business day that had ended';
comment on column bi.health_check.check_name is 'name of the check, as in docs/health.md';
comment on column bi.health_check.subject is 'what was looked at: a stage, a source and entity, a task, a play, a channel, a target';
comment on column bi.health_check.area is 'pipeline or audience';
comment on column bi.health_check.value is 'what was found, in the check''s unit; null where it could not be measured';
comment on column bi.health_check.unit is 'hours, share, times, index, count or minor (money in minor units of the base currency)';
comment on column bi.health_check.objective is 'the limit, in the same unit; null where there is none yet';
comment on column bi.health_check.is_at_least is 'whether the value is to be at least the objective; else at most';
comment on column bi.health_check.state is 'ok, warn (close to the limit), breach or not_measured';
comment on column bi.health_check.since is 'when it came to be in this state';
comment on column bi.health_check.sentence_en is 'what was found, in English';
comment on column bi.health_check.sentence_zh is 'what was found, in Chinese';
comment on column bi.health_check.checked_at is 'when it was looked at';

create table bi.health_definition (
    check_name text not null,
    position integer not null,
    area text not null,
    label_en text not null,
    label_zh text not null,
    advice_en text not null,
    advice_zh text not null,
    primary key (check_name)
);
comment on table bi.health_definition is 'The checks of health, what each means and what to do when it is not well. Written at every look. Grain: one row per check.';
comment on column bi.health_definition.check_name is 'name of the check';
comment on column bi.health_definition.position is 'order in which checks are shown';
comment on column bi.health_definition.area is 'pipeline or audience';
comment on column bi.health_definition.label_en is 'what it is called, in English';
comment on column bi.health_definition.label_zh is 'what it is called, in Chinese';
comment on column bi.health_definition.advice_en is 'what to do when it is not well, in English';
comment on column bi.health_definition.advice_zh is 'what to do when it is not well, in Chinese';

create table bi.kpi_definition (
    kpi text not null,
    label text not null,
    label_zh text not null,
    unit text not null,
    formula text not null,
    formula_zh text not null,
    primary key (kpi)
);
comment on table bi.kpi_definition is 'The dictionary of the KPIs, copied from the contract of bi.kpi_value at every measurement, for BI tools to show beside the numbers. Grain: one row per KPI.';
comment on column bi.kpi_definition.kpi is 'name of the KPI, as in bi.kpi_value';
comment on column bi.kpi_definition.label is 'English label';
comment on column bi.kpi_definition.label_zh is 'Chinese label';
comment on column bi.kpi_definition.unit is 'unit of the value';
comment on column bi.kpi_definition.formula is 'numerator over denominator, in words';
comment on column bi.kpi_definition.formula_zh is 'the same in Chinese';

create table bi.kpi_first (
    as_of_date date not null,
    kpi text not null,
    period text not null,
    dimension text not null,
    member text not null,
    numerator double precision not null,
    denominator double precision not null,
    value double precision,
    customers bigint not null,
    primary key (as_of_date, kpi, period, dimension, member)
);
comment on table bi.kpi_first is 'KPIs as they were first published, where a date was measured again later and came out differently; all others are in bi.kpi_value. Grain: one row per KPI, period, dimension and member of a date measured again.';
comment on column bi.kpi_first.as_of_date is 'as_of_date of bi.kpi_value';
comment on column bi.kpi_first.kpi is 'name of the KPI';
comment on column bi.kpi_first.period is 'day or month';
comment on column bi.kpi_first.dimension is 'as in bi.kpi_value';
comment on column bi.kpi_first.member is 'member of the dimension';
comment on column bi.kpi_first.numerator is 'as first published';
comment on column bi.kpi_first.denominator is 'as first published';
comment on column bi.kpi_first.value is 'as first published';
comment on column bi.kpi_first.customers is 'as first published';

create table bi.kpi_hidden (
    as_of_date date not null,
    kpi text not null,
    dimension text not null,
    member text not null,
    hidden_customers bigint not null,
    released_customers bigint not null,
    is_released boolean not null,
    primary key (as_of_date, kpi, dimension, member)
) partition by range (as_of_date);
comment on table bi.kpi_hidden is 'How many people stand behind the days of a month whose figures bi.kpi hides, per KPI and group. A month to date less the days that are shown is what the hidden days come to: it is shown only when, since it was last shown, no day or enough people have been hidden. Groups of which no day was hidden have no row. Grain: one row per KPI, dimension and member per as_of_date.';
comment on column bi.kpi_hidden.as_of_date is 'first day not included, as in bi.kpi_value';
comment on column bi.kpi_hidden.kpi is 'name of the KPI';
comment on column bi.kpi_hidden.dimension is 'what the group is one of';
comment on column bi.kpi_hidden.member is 'the group';
comment on column bi.kpi_hidden.hidden_customers is 'people behind the hidden days of the month so far, each day''s counted by itself';
comment on column bi.kpi_hidden.released_customers is 'the same when the month to date was last shown; 0 before';
comment on column bi.kpi_hidden.is_released is 'whether the month to date may be shown as of this date';

create table bi.kpi_restatement (
    as_of_date date not null,
    measured_as_of date not null,
    kpi text not null,
    period text not null,
    period_start date not null,
    dimension text not null,
    member text not null,
    numerator double precision not null,
    denominator double precision not null,
    value double precision,
    customers bigint not null,
    primary key (as_of_date, measured_as_of, kpi, period, dimension, member)
) partition by range (as_of_date);
comment on table bi.kpi_restatement is 'KPIs of days and months already told, told anew because facts of theirs arrived, changed or went since (late orders, replies to complaints, feedback of tools). Headings are those the customers had on the day first told. bi.kpi_restated shows the newest beside what was published first. Grain: one row per KPI, period, dimension and member of a date told anew per as_of_date.';
comment on column bi.kpi_restatement.as_of_date is 'date D as of which the facts were known';
comment on column bi.kpi_restatement.measured_as_of is 'as_of_date of bi.kpi_value under which the period was first told: the day after its last one';
comment on column bi.kpi_restatement.kpi is 'name of the KPI, defined in bi.kpi_definition';
comment on column bi.kpi_restatement.period is 'day or month; months once they are closed';
comment on column bi.kpi_restatement.period_start is 'first day counted';
comment on column bi.kpi_restatement.dimension is 'as in bi.kpi_value';
comment on column bi.kpi_restatement.member is 'member of the dimension; ''all'' for the dimension all';
comment on column bi.kpi_restatement.numerator is 'what is counted or summed';
comment on column bi.kpi_restatement.denominator is 'what it is divided by; 1 for plain sums';
comment on column bi.kpi_restatement.value is 'the KPI in its unit; null if the denominator is 0';
comment on column bi.kpi_restatement.customers is 'people behind the number';

create table bi.kpi_value (
    as_of_date date not null,
    kpi text not null,
    period text not null,
    period_start date not null,
    dimension text not null,
    member text not null,
    numerator double precision not null,
    denominator double precision not null,
    value double precision,
    customers bigint not null,
    primary key (as_of_date, kpi, period, dimension, member)
) partition by range (as_of_date);
comment on table bi.kpi_value is 'KPIs as of a date, for the business day just closed and for the calendar month it lies in (month to date; final in the slice of the first day of the next month), overall and by tier, stage, segment, membership level, acquisition channel and region of the customers, by channel of the orders, by play and channel of the messages. Aggregates only. Grain: one row per KPI, period, dimension and member per as_of_date.';
comment on column bi.kpi_value.as_of_date is 'first day not included: the business day before it is the last one counted';
comment on column bi.kpi_value.kpi is 'name of the KPI, defined in bi.kpi_definition';
comment on column bi.kpi_value.period is 'day (the day before as_of_date) or month (from the first of its month to that day)';
comment on column bi.kpi_value.period_start is 'first day counted';
comment on column bi.kpi_value.dimension is 'all; tier, stage, segment (RFM), membership, acquisition_channel, region: of the customers as of the date; order_channel: of the orders; play, channel: of the messages';
comment on column bi.kpi_value.member is 'member of the dimension that the number is about; ''all'' for the dimension all';
comment on column bi.kpi_value.numerator is 'what is counted or summed, before the division';
comment on column bi.kpi_value.denominator is 'what it is divided by; 1 for plain sums';
comment on column bi.kpi_value.value is 'the KPI in its unit; null if the denominator is 0';
comment on column bi.kpi_value.customers is 'people behind the number, for hiding small groups';

create table bi.play_effect (
    as_of_date date not null,
    play text not null,
    service_tier text not null,
    outcome text not null,
    outcome_days integer not null,
    treated_customers bigint not null,
    control_customers bigint not null,
    treated_mean double precision,
    control_mean double precision,
    difference double precision,
    unadjusted double precision,
    standard_error double precision,
    lower_95 double precision,
    upper_95 double precision,
    lower_any_95 double precision,
    upper_any_95 double precision,
    detectable double precision,
    variance_left double precision,
    verdict text not null,
    primary key (as_of_date, play, service_tier, outcome)
) partition by range (as_of_date);
comment on table bi.play_effect is 'What each play brought against its own control group: customers by intention to treat from their first delivered or withheld day, outcome over the days after it, difference of means adjusted for what was known before (spend of the year before, predicted value), for everybody and by the tier held when it began. Two intervals: one for a single planned look, one that stays valid when it is looked at every day; the verdict rests on the second. Grain: one row per play, tier and outcome per as_of_date.';
comment on column bi.play_effect.as_of_date is 'first day not included';
comment on column bi.play_effect.play is 'the play, as registered in campaigns.play';
comment on column bi.play_effect.service_tier is 'service tier when it began; all for everybody';
comment on column bi.play_effect.outcome is 'net_revenue_minor (per customer) or bought (share with a paid order), within the outcome window';
comment on column bi.play_effect.outcome_days is 'longest outcome window in days from the decision; shorter for recent decisions, equally in both groups';
comment on column bi.play_effect.treated_customers is 'customers the play was delivered to';
comment on column bi.play_effect.control_customers is 'customers held back at random';
comment on column bi.play_effect.treated_mean is 'mean outcome of the treated, as it is';
comment on column bi.play_effect.control_mean is 'mean outcome of the control group, as it is';
comment on column bi.play_effect.difference is 'effect of one delivery: treated less control, adjusted for what was known before; null without both groups';
comment on column bi.play_effect.unadjusted is 'treated_mean less control_mean';
comment on column bi.play_effect.standard_error is 'of the difference; null below 30 people in either group';
comment on column bi.play_effect.lower_95 is 'lower end of the 95 % interval for a single planned look; null below 30 people in either group';
comment on column bi.play_effect.upper_95 is 'upper end of that interval';
comment on column bi.play_effect.lower_any_95 is 'lower end of the 95 % interval that holds at every daily look together; null below 30 people in either group';
comment on column bi.play_effect.upper_any_95 is 'upper end of that interval';
comment on column bi.play_effect.detectable is 'smallest true difference that would be seen in four of five such comparisons; null below 30 people in either group';
comment on column bi.play_effect.variance_left is 'share of the variance that what was known before does not explain; null below 30 people in either group';
comment on column bi.play_effect.verdict is 'positive, negative (the daily interval lies on one side of 0), no_effect_seen (it holds 0: see detectable) or too_few';

create table bi.product_value (
    as_of_date date not null,
    period text not null,
    period_start date not null,
    product_key bigint not null,
    orders bigint not null,
    units double precision not null,
    gross_minor bigint not null,
    discount_minor bigint not null,
    net_minor bigint not null,
    returned_units double precision not null,
    primary key (as_of_date, period, product_key)
) partition by range (as_of_date);
comment on table bi.product_value is 'What was sold of each product, on the closed day and in the calendar month it lies in (to date; final in the slice of the first day of the next month, which counts the whole month anew with whatever arrived late). By the day the order was paid; orders cancelled by then are left out, in a month to date those cancelled later until the month is closed. Test accounts are left out. Grain: one row per period and product per as_of_date.';
comment on column bi.product_value.as_of_date is 'first day not included: the business day before it is the last one counted';
comment on column bi.product_value.period is 'day (the day before as_of_date) or month (from the first of its month to that day)';
comment on column bi.product_value.period_start is 'first day counted';
comment on column bi.product_value.product_key is 'the product (core.product)';
comment on column bi.product_value.orders is 'orders that hold it';
comment on column bi.product_value.units is 'units sold';
comment on column bi.product_value.gross_minor is 'their price before discounts, minor units of the base currency';
comment on column bi.product_value.discount_minor is 'discounts on them, minor units';
comment on column bi.product_value.net_minor is 'gross less discounts, before returns, minor units';
comment on column bi.product_value.returned_units is 'units brought back in the period, whenever they were sold; of orders whose refund or return is in the ledger';

create table bi.programme_effect (
    as_of_date date not null,
    play_window text not null,
    service_tier text not null,
    window_start date not null,
    window_days integer not null,
    treated_customers bigint not null,
    control_customers bigint not null,
    treated_mean double precision,
    control_mean double precision,
    difference double precision,
    unadjusted double precision,
    standard_error double precision,
    lower_95 double precision,
    upper_95 double precision,
    lower_any_95 double precision,
    upper_any_95 double precision,
    detectable double precision,
    variance_left double precision,
    revenue_minor double precision,
    margin_minor double precision,
    touch_minor double precision not null,
    spend_minor double precision not null,
    net_minor double precision,
    net_lower_minor double precision,
    net_upper_minor double precision,
    return_on_spend double precision,
    verdict text not null,
    primary key (as_of_date, play_window, service_tier)
) partition by range (as_of_date);
comment on table bi.programme_effect is 'What all promotion together brought: everybody who may get promotions against the universal control group of the year, who may not, in the year and quarter to date and in the last 90 days; by the same adjusted comparison as the plays'', net of what was spent. Grain: one row per window and tier per as_of_date.';
comment on column bi.programme_effect.as_of_date is 'first day not included';
comment on column bi.programme_effect.play_window is 'year, quarter (both to date) or last_90_days';
comment on column bi.programme_effect.service_tier is 'service tier at the beginning of the year''s comparison; all for everybody';
comment on column bi.programme_effect.window_start is 'first day counted; nobody counts before they were first planned for';
comment on column bi.programme_effect.window_days is 'days counted';
comment on column bi.programme_effect.treated_customers is 'customers who may get promotions';
comment on column bi.programme_effect.control_customers is 'customers of the universal control group';
comment on column bi.programme_effect.treated_mean is 'mean net revenue of the treated in the window, minor units';
comment on column bi.programme_effect.control_mean is 'mean net revenue of the control group in the window, minor units';
comment on column bi.programme_effect.difference is 'effect of all promotion per customer: treated less control, adjusted for spend and predicted value before, minor units';
comment on column bi.programme_effect.unadjusted is 'treated_mean less control_mean';
comment on column bi.programme_effect.standard_error is 'of the difference; null below 30 people in either group';
comment on column bi.programme_effect.lower_95 is 'lower end of the 95 % interval for a single planned look';
comment on column bi.programme_effect.upper_95 is 'upper end of that interval';
comment on column bi.programme_effect.lower_any_95 is 'lower end of the 95 % interval that holds at all daily looks of the window''s year together';
comment on column bi.programme_effect.upper_any_95 is 'upper end of that interval';
comment on column bi.programme_effect.detectable is 'smallest true difference that would be seen in four of five such comparisons';
comment on column bi.programme_effect.variance_left is 'share of the variance that what was known before does not explain';
comment on column bi.programme_effect.revenue_minor is 'difference times treated customers: revenue that would not have come without promotion, minor units';
comment on column bi.programme_effect.margin_minor is 'that revenue times the share of revenue that is margin, minor units; offers that were used are already off the revenue';
comment on column bi.programme_effect.touch_minor is 'cost of the touches handed out in the window, minor units';
comment on column bi.programme_effect.spend_minor is 'expected cost of touches and offers handed out in the window, minor units';
comment on column bi.programme_effect.net_minor is 'margin_minor less touch_minor: what is left of it';
comment on column bi.programme_effect.net_lower_minor is 'net_minor at the lower end of the interval for daily looks';
comment on column bi.programme_effect.net_upper_minor is 'net_minor at its upper end';
comment on column bi.programme_effect.return_on_spend is 'margin before spend (offers added back) over spend_minor; 1 pays for itself; null without spend';
comment on column bi.programme_effect.verdict is 'positive, negative (the daily interval lies on one side of 0), no_effect_seen or too_few';

create table bi.score_bucket (
    model text not null,
    scored_as_of date not null,
    bucket integer not null,
    matured_on date not null,
    is_fallback boolean not null,
    customers bigint not null,
    predicted_mean double precision not null,
    realised_mean double precision not null,
    primary key (model, scored_as_of, bucket)
);
comment on table bi.score_bucket is 'Reliability of the scores of each date whose horizon has passed: what was predicted beside what happened, by bucket of the prediction. Grain: one row per model, scored date and bucket.';
comment on column bi.score_bucket.model is 'as in bi.score_measure';
comment on column bi.score_bucket.scored_as_of is 'date of the scores';
comment on column bi.score_bucket.bucket is 'probabilities: tenth of the scale, 0 (below 0.1) to 9; clv: quintile of the prediction, 0 to 4';
comment on column bi.score_bucket.matured_on is 'first date on which the whole horizon had passed';
comment on column bi.score_bucket.is_fallback is 'true where a rule of thumb scored somebody';
comment on column bi.score_bucket.customers is 'customers in the bucket; renewal: contracts';
comment on column bi.score_bucket.predicted_mean is 'mean prediction: probability, or minor units';
comment on column bi.score_bucket.realised_mean is 'what happened: share, or net minor units';

create table bi.score_measure (
    model text not null,
    scored_as_of date not null,
    matured_on date not null,
    is_fallback boolean not null,
    customers bigint not null,
    predicted_mean double precision not null,
    realised_mean double precision not null,
    gap_error double precision not null,
    calibration_error double precision,
    ranking double precision,
    skill double precision,
    measured_at timestamptz not null,
    primary key (model, scored_as_of)
);
comment on table bi.score_measure is 'How good the scores of each date turned out to be, once their horizon had passed: computed once, and again while late orders may still change the outcome. Grain: one row per model and scored date.';
comment on column bi.score_measure.model is 'churn, clv, repurchase_30d, repurchase_90d or renewal';
comment on column bi.score_measure.scored_as_of is 'date of the scores';
comment on column bi.score_measure.matured_on is 'first date on which the whole horizon had passed';
comment on column bi.score_measure.is_fallback is 'true where a rule of thumb scored somebody';
comment on column bi.score_measure.customers is 'customers scored; renewal: contracts';
comment on column bi.score_measure.predicted_mean is 'mean prediction: probability, or minor units';
comment on column bi.score_measure.realised_mean is 'what happened: share, or net minor units';
comment on column bi.score_measure.gap_error is 'standard error of the mean outcome, in the same unit';
comment on column bi.score_measure.calibration_error is 'mean gap between predicted and actual share over ten bins of equal size; null for clv';
comment on column bi.score_measure.ranking is 'probabilities: AUC, 0.5 is chance; clv: normalised Gini, 0 is chance; null where all had the same outcome';
comment on column bi.score_measure.skill is 'share by which the error (squared; clv: absolute) is below that of saying the mean outcome of everybody; 0 is no better; null where all had the same outcome';
comment on column bi.score_measure.measured_at is 'when';

create table bi.score_reliability (
    as_of_date date not null,
    model text not null,
    bucket integer not null,
    state text not null,
    scored_as_of date,
    matures_on date,
    customers bigint not null,
    predicted_mean double precision,
    realised_mean double precision,
    primary key (as_of_date, model, bucket)
) partition by range (as_of_date);
comment on table bi.score_reliability is 'What was predicted against what happened, for the newest scores whose horizon has passed. While none has passed, one row per model says so and when the first will. Grain: one row per model and bucket of the prediction per as_of_date.';
comment on column bi.score_reliability.as_of_date is 'first day not included';
comment on column bi.score_reliability.model is 'churn, clv, repurchase_30d, repurchase_90d or renewal (where there are contracts)';
comment on column bi.score_reliability.bucket is 'probabilities: tenth of the scale, 0 (below 0.1) to 9; clv: quintile of the prediction, 0 to 4; 0 while waiting';
comment on column bi.score_reliability.state is 'matured (the horizon has passed) or waiting';
comment on column bi.score_reliability.scored_as_of is 'as_of_date of the scores compared; while waiting, of the oldest kept; null if there are no scores';
comment on column bi.score_reliability.matures_on is 'first as_of_date at which scored_as_of can be compared';
comment on column bi.score_reliability.customers is 'customers in the bucket; 0 while waiting';
comment on column bi.score_reliability.predicted_mean is 'mean prediction: probability, or minor units';
comment on column bi.score_reliability.realised_mean is 'what happened: share without a paid order in the horizon, or net minor units in it';

create table bi.score_segment_value (
    model text not null,
    scored_as_of date not null,
    dimension text not null,
    member text not null,
    customers bigint not null,
    predicted_mean double precision not null,
    realised_mean double precision not null,
    realised_error double precision,
    primary key (model, scored_as_of, dimension, member)
);
comment on table bi.score_segment_value is 'Reliability of the scores of each date whose horizon has passed, by tier, lifecycle stage and RFM segment of that date. Grain: one row per model, scored date, dimension and member.';
comment on column bi.score_segment_value.model is 'as in bi.score_measure';
comment on column bi.score_segment_value.scored_as_of is 'date of the scores';
comment on column bi.score_segment_value.dimension is 'tier, stage or segment, as held on that date';
comment on column bi.score_segment_value.member is 'which of them';
comment on column bi.score_segment_value.customers is 'customers in the group';
comment on column bi.score_segment_value.predicted_mean is 'mean prediction: probability, or minor units';
comment on column bi.score_segment_value.realised_mean is 'what happened: share, or net minor units';
comment on column bi.score_segment_value.realised_error is 'standard error of realised_mean; null for one customer';

create table bi.score_verdict (
    as_of_date date not null,
    model text not null,
    verdict text not null,
    reasons text[] not null,
    sentence_en text not null,
    sentence_zh text not null,
    scored_as_of date,
    matures_on date,
    customers bigint not null,
    predicted_mean double precision,
    realised_mean double precision,
    calibration_error double precision,
    ranking double precision,
    skill double precision,
    drift text not null,
    primary key (as_of_date, model)
) partition by range (as_of_date);
comment on table bi.score_verdict is 'A plain verdict per model, from its newest scores whose horizon has passed: whether what was said came true, on average, probability by probability, in order, against saying the same of everybody, in each group of customers, over time, and whether the customers scored now are like those it learned from. Grain: one row per model per as_of_date.';
comment on column bi.score_verdict.as_of_date is 'date of the measurement';
comment on column bi.score_verdict.model is 'churn, clv, repurchase_30d, repurchase_90d or renewal';
comment on column bi.score_verdict.verdict is 'good, watch, bad, or waiting while no scores can be compared';
comment on column bi.score_verdict.reasons is 'what speaks against it, the worst first: gap, calibration, ranking, baseline, drift, segment, trend, fallback';
comment on column bi.score_verdict.sentence_en is 'the verdict in plain words, in English';
comment on column bi.score_verdict.sentence_zh is 'the verdict in plain words, in Chinese';
comment on column bi.score_verdict.scored_as_of is 'date of the scores compared; while waiting, of the oldest that wait; null without scores';
comment on column bi.score_verdict.matures_on is 'first date on which they can be compared';
comment on column bi.score_verdict.customers is 'customers compared';
comment on column bi.score_verdict.predicted_mean is 'mean prediction: probability, or minor units';
comment on column bi.score_verdict.realised_mean is 'what happened: share, or net minor units';
comment on column bi.score_verdict.calibration_error is 'mean gap of single probabilities; null for clv';
comment on column bi.score_verdict.ranking is 'AUC (0.5 is chance), for clv normalised Gini (0 is chance)';
comment on column bi.score_verdict.skill is 'share by which the error is below that of saying the same of everybody';
comment on column bi.score_verdict.drift is 'ok, warn, stop, or unknown: the newest comparison of inputs with those of training';

create table bi.segment_name (
    dimension text not null,
    member text not null,
    position integer not null,
    label_en text not null,
    label_zh text not null,
    primary key (dimension, member)
);
comment on table bi.segment_name is 'Names of the membership levels and personas, written by each measurement from settings and include/personas; those of tiers, stages and classes are in segments.label. Read bi.segment_label, which holds all. Grain: one row per dimension and member.';
comment on column bi.segment_name.dimension is 'membership_level, persona or all';
comment on column bi.segment_name.member is 'the group as tables call it';
comment on column bi.segment_name.position is 'place within the dimension, 1 the lowest';
comment on column bi.segment_name.label_en is 'name for people, English';
comment on column bi.segment_name.label_zh is 'name for people, Chinese';

create table bi.setting (
    name text not null,
    value text not null,
    primary key (name)
);
comment on table bi.setting is 'Numbers that the views of this schema need, written by each measurement from the settings. Grain: one row per setting.';
comment on column bi.setting.name is 'suppressed_group_size: groups of fewer people are not shown';
comment on column bi.setting.value is 'its value';

create table bi.strategy_review (
    as_of_date date not null,
    kpi text not null,
    dimension text not null,
    member text not null,
    value double precision not null,
    others double precision not null,
    before double precision,
    customers bigint not null,
    is_behind boolean not null,
    is_falling boolean not null,
    plays text[] not null,
    advice text,
    advice_play text,
    primary key (as_of_date, kpi, dimension, member)
) partition by range (as_of_date);
comment on table bi.strategy_review is 'The weekly review: KPIs of the last four weeks by group of customers, beside everybody else and beside the four weeks before, flagged where a group falls behind or falls, beyond chance; with the plays that speak to the group and what is to be reconsidered. Groups below the suppression size are left out. Grain: one row per KPI, dimension and member per as_of_date (one date a week).';
comment on column bi.strategy_review.as_of_date is 'first day not included; the review covers the 28 days before it';
comment on column bi.strategy_review.kpi is 'retention_rate, repurchase_rate, nps, complaint_rate or complaints_inside_clock, as bi.kpi_definition defines them';
comment on column bi.strategy_review.dimension is 'tier, stage, segment, membership, acquisition_channel or region';
comment on column bi.strategy_review.member is 'member of the dimension';
comment on column bi.strategy_review.value is 'the KPI of the group over the last 28 days, in its unit';
comment on column bi.strategy_review.others is 'the KPI of everybody else over the same days';
comment on column bi.strategy_review.before is 'the KPI of the group over the 28 days before; null where the group was too small then';
comment on column bi.strategy_review.customers is 'people behind the number';
comment on column bi.strategy_review.is_behind is 'worse than everybody else, beyond chance (false discoveries over the whole review at most 5 %)';
comment on column bi.strategy_review.is_falling is 'worse than in the 28 days before, beyond chance';
comment on column bi.strategy_review.plays is 'plays that reached the group in the last eight weeks, most people first; empty where none did';
comment on column bi.strategy_review.advice is 'what to reconsider: nobody_speaks, harmful, no_effect, works or not_known; null where nothing is flagged';
comment on column bi.strategy_review.advice_play is 'the play that the advice is about; null for nobody_speaks';

create table campaigns.allocation (
    as_of_date date not null,
    contenders bigint not null,
    customers bigint not null,
    chosen bigint not null,
    value_minor double precision not null,
    cost_minor double precision not null,
    bound_minor double precision not null,
    gap_share double precision not null,
    method text not null,
    top_share double precision not null,
    top_budget_share double precision not null,
    top_value_minor double precision,
    top_chosen bigint not null,
    top_cost_minor double precision not null,
    rest_chosen bigint not null,
    rest_cost_minor double precision not null,
    primary key (as_of_date)
) partition by range (as_of_date);
comment on table campaigns.allocation is 'How promotion was allocated: what the chosen contacts are expected to bring and to cost, what no allocation could have passed, and how the money splits between the customers who matter most and the others. Grain: one row per as_of_date.';
comment on column campaigns.allocation.as_of_date is 'day the decisions are for';
comment on column campaigns.allocation.contenders is 'promotional contacts that no rule kept out, control groups left aside';
comment on column campaigns.allocation.customers is 'customers among them';
comment on column campaigns.allocation.chosen is 'contacts chosen, one per customer at most';
comment on column campaigns.allocation.value_minor is 'expected incremental margin of the chosen before their cost, minor units';
comment on column campaigns.allocation.cost_minor is 'expected cost of the chosen: touches and offers as far as they are expected to be used, minor units';
comment on column campaigns.allocation.bound_minor is 'margin after cost that no allocation within the limits can pass, minor units';
comment on column campaigns.allocation.gap_share is 'share of the bound by which the allocation may fall short of the best there is; 0 where it is known to be the best';
comment on column campaigns.allocation.method is 'unconstrained (no limit binds), exact (proven the best) or bounded (within gap_share of the best)';
comment on column campaigns.allocation.top_share is 'share of purchasers that counts as those who matter most';
comment on column campaigns.allocation.top_budget_share is 'share of the money that is meant for them; 0 without such a rule';
comment on column campaigns.allocation.top_value_minor is 'predicted value from which a customer is one of them, minor units; null where nobody has any';
comment on column campaigns.allocation.top_chosen is 'chosen contacts of theirs';
comment on column campaigns.allocation.top_cost_minor is 'expected cost of those, minor units';
comment on column campaigns.allocation.rest_chosen is 'chosen contacts of the others';
comment on column campaigns.allocation.rest_cost_minor is 'expected cost of those, minor units';

create table campaigns.allocation_limit (
    as_of_date date not null,
    kind text not null,
    applies_to text not null,
    is_money boolean not null,
    most double precision not null,
    used double precision not null,
    shadow_price_minor double precision not null,
    primary key (as_of_date, kind, applies_to)
) partition by range (as_of_date);
comment on table campaigns.allocation_limit is 'Every limit of the day''s allocation, how far it was used, and its shadow price: what one more unit of it would bring. Grain: one row per limit per as_of_date.';
comment on column campaigns.allocation_limit.as_of_date is 'day the decisions are for';
comment on column campaigns.allocation_limit.kind is 'total_budget, rest_budget (customers outside the top), play_budget, play_capacity or channel_capacity';
comment on column campaigns.allocation_limit.applies_to is 'the play or channel; all for budgets over all plays';
comment on column campaigns.allocation_limit.is_money is 'true where the unit is a minor unit of money, false where it is a contact';
comment on column campaigns.allocation_limit.most is 'what was left to use on the day';
comment on column campaigns.allocation_limit.used is 'what the chosen use';
comment on column campaigns.allocation_limit.shadow_price_minor is 'margin after cost that one more unit would bring, minor units; 0 where the limit binds nothing';

create table campaigns.allocation_play (
    as_of_date date not null,
    play text not null,
    contenders bigint not null,
    chosen bigint not null,
    beaten bigint not null,
    over_budget bigint not null,
    channel_full bigint not null,
    do_not_disturb bigint not null,
    not_worth_its_cost bigint not null,
    measured bigint not null,
    stated bigint not null,
    stated_chosen bigint not null,
    stated_value_minor double precision not null,
    value_minor double precision not null,
    cost_minor double precision not null,
    primary key (as_of_date, play)
) partition by range (as_of_date);
comment on table campaigns.allocation_play is 'What the allocation made of each promotional play''s contenders. Grain: one row per promotional play per as_of_date.';
comment on column campaigns.allocation_play.as_of_date is 'day the decisions are for';
comment on column campaigns.allocation_play.play is 'the play';
comment on column campaigns.allocation_play.contenders is 'contacts that no rule kept out, the control group left aside';
comment on column campaigns.allocation_play.chosen is 'chosen';
comment on column campaigns.allocation_play.beaten is 'the customer''s day went to another play';
comment on column campaigns.allocation_play.over_budget is 'worth it, but the money brings more elsewhere';
comment on column campaigns.allocation_play.channel_full is 'worth it, but the channel or the play serves others who bring more';
comment on column campaigns.allocation_play.do_not_disturb is 'expected to do harm';
comment on column campaigns.allocation_play.not_worth_its_cost is 'expected to bring less than it costs';
comment on column campaigns.allocation_play.measured is 'contenders whose value was measured';
comment on column campaigns.allocation_play.stated is 'contenders whose value the play states';
comment on column campaigns.allocation_play.stated_chosen is 'chosen whose value the play states';
comment on column campaigns.allocation_play.stated_value_minor is 'expected incremental margin of those before their cost, minor units: what a measurement is compared with later';
comment on column campaigns.allocation_play.value_minor is 'expected incremental margin of the chosen before their cost, minor units';
comment on column campaigns.allocation_play.cost_minor is 'expected cost of the chosen, minor units';

create table campaigns.approval (
    approval_id bigint generated always as identity not null,
    business_date date not null,
    approved_by text not null,
    reason text not null,
    run_id text,
    ceilings jsonb not null,
    approved_at timestamptz default now() not null,
    used_by_run text,
    used_at timestamptz,
    primary key (approval_id)
);
create index on campaigns.approval (business_date) where used_at is null;
comment on table campaigns.approval is 'Who let an audience change more than the budget, why, for which day, and by which push it was used. Valid for one push; the counts that were over the budget when it was given are its ceiling. Grain: one row per approval.';
comment on column campaigns.approval.approval_id is 'grows with every approval';
comment on column campaigns.approval.business_date is 'the day it is for';
comment on column campaigns.approval.approved_by is 'name of the person who approved';
comment on column campaigns.approval.reason is 'why';
comment on column campaigns.approval.run_id is 'run it is for; null: the next push of that day';
comment on column campaigns.approval.ceilings is 'play.measure.cause to the greatest count allowed, of the day';
comment on column campaigns.approval.approved_at is 'when it was given';
comment on column campaigns.approval.used_by_run is 'the run that used it; null while unused';
comment on column campaigns.approval.used_at is 'when it was used';

create table campaigns.audience_export (
    export_id bigint generated always as identity not null,
    campaign text not null,
    list_name text not null,
    version text not null,
    format text not null,
    rows_written bigint not null,
    members bigint not null,
    manifest_sha256 text not null,
    exported_by text not null,
    exported_at timestamptz not null,
    use_before timestamptz not null,
    primary key (export_id)
);
create index on campaigns.audience_export (campaign, list_name, exported_at);
comment on table campaigns.audience_export is 'Lists of audiences that were written to files, for tools without access to a database: what, when, by whom, until when they may be used. Grain: one row per list written.';
comment on column campaigns.audience_export.export_id is 'grows with every list';
comment on column campaigns.audience_export.campaign is 'the audience';
comment on column campaigns.audience_export.list_name is 'members, or the recipe of the match keys in it';
comment on column campaigns.audience_export.version is 'name of the folder that holds the list';
comment on column campaigns.audience_export.format is 'csv, jsonl or parquet';
comment on column campaigns.audience_export.rows_written is 'rows over all files of the list';
comment on column campaigns.audience_export.members is 'members of the audience who could be contacted at that moment';
comment on column campaigns.audience_export.manifest_sha256 is 'SHA-256 of the manifest, which holds those of the files';
comment on column campaigns.audience_export.exported_by is 'login, or the task';
comment on column campaigns.audience_export.exported_at is 'when the audience was read';
comment on column campaigns.audience_export.use_before is 'not to be used at or after; the files are deleted then';

create table campaigns.budget_change (
    play text not null,
    decided_on date not null,
    old_factor double precision not null,
    new_factor double precision not null,
    reason text not null,
    evidence_since date not null,
    treated_customers bigint not null,
    control_customers bigint not null,
    difference_minor double precision,
    lower_any_95 double precision,
    upper_any_95 double precision,
    detectable_minor double precision,
    margin_share double precision not null,
    cost_minor double precision not null,
    aim_minor double precision not null,
    baseline_contacts double precision not null,
    sentence_en text not null,
    sentence_zh text not null,
    primary key (play, decided_on)
);
comment on table campaigns.budget_change is 'Every change of a promotional play''s budget that its measured effect asked for, with the evidence: plays without effect lose budget step by step down to a floor that goes on being measured, and get it back when their effect is seen. The newest row of a play up to a day holds in the allocation of that day. Grain: one row per play and day of a change.';
comment on column campaigns.budget_change.play is 'the play';
comment on column campaigns.budget_change.decided_on is 'as-of date of the measurement that decided; holds from the plan of that date on';
comment on column campaigns.budget_change.old_factor is 'share of its budget that the play had';
comment on column campaigns.budget_change.new_factor is 'share that it has from then on; 1 is all of it';
comment on column campaigns.budget_change.reason is 'lowered_harmful, lowered_does_not_pay, lowered_no_effect, raised_pays, raised_evidence_gone, or pinned (nothing was changed although the rule asked for it)';
comment on column campaigns.budget_change.evidence_since is 'people who began on this day or later were compared';
comment on column campaigns.budget_change.treated_customers is 'contacted people compared';
comment on column campaigns.budget_change.control_customers is 'people held back';
comment on column campaigns.budget_change.difference_minor is 'effect of a contact on net revenue, minor units';
comment on column campaigns.budget_change.lower_any_95 is 'lower end of its 95 % interval for daily looks, minor units';
comment on column campaigns.budget_change.upper_any_95 is 'upper end of that interval';
comment on column campaigns.budget_change.detectable_minor is 'smallest effect on net revenue that would have been seen, minor units';
comment on column campaigns.budget_change.margin_share is 'share of revenue that is margin';
comment on column campaigns.budget_change.cost_minor is 'what a touch cost on average, minor units';
comment on column campaigns.budget_change.aim_minor is 'margin that a contact should bring: what the play states, after its offer, and at least its cost, minor units';
comment on column campaigns.budget_change.baseline_contacts is 'people contacted a day in the four weeks before the first change: what the factor is of, for a play without a budget of its own';
comment on column campaigns.budget_change.sentence_en is 'why, in English';
comment on column campaigns.budget_change.sentence_zh is 'why, in Chinese';

create table campaigns.contender (
    as_of_date date not null,
    customer_key bigint not null,
    position smallint not null,
    channel_number smallint not null,
    rung smallint not null,
    period_key text not null,
    send_key text not null,
    joined_on date not null,
    is_control boolean not null,
    is_top boolean not null,
    value_minor double precision not null,
    cost_minor double precision not null,
    evidence text not null,
    holdout_bucket double precision not null,
    verdict text not null,
    beaten_by smallint,
    primary key (as_of_date, customer_key, position)
) partition by range (as_of_date);
comment on table campaigns.contender is 'Customers whom no rule keeps out of a play, before budgets, the one promotion a day and control groups are settled, and what became of each. Kept as long as settings.keep.decision_days says. Grain: one row per customer_key and play per as_of_date.';
comment on column campaigns.contender.as_of_date is 'day the decision is for';
comment on column campaigns.contender.customer_key is 'the person';
comment on column campaigns.contender.position is 'place of the play in campaigns.plan_version.plays, from 1';
comment on column campaigns.contender.channel_number is 'channel: 0 e-mail, 1 SMS, 2 phone, 3 WeChat, 4 app, 5 staff';
comment on column campaigns.contender.rung is 'rung of the offer ladder whose condition holds today, from 1';
comment on column campaigns.contender.period_key is 'period within which nobody gets the play twice';
comment on column campaigns.contender.send_key is 'key under which the customer is a member already, or would become one';
comment on column campaigns.contender.joined_on is 'as-of date on which the membership began';
comment on column campaigns.contender.is_control is 'drawn at random to be kept back';
comment on column campaigns.contender.is_top is 'among the customers who matter most by value';
comment on column campaigns.contender.value_minor is 'expected incremental margin of the contact before its cost, minor units';
comment on column campaigns.contender.cost_minor is 'expected cost: the touch and the offer as far as it is expected to be used, minor units';
comment on column campaigns.contender.evidence is 'what the value rests on: measured, stated (the play''s prior) or priority (no value known)';
comment on column campaigns.contender.holdout_bucket is 'the person''s place in [0, 1) for this play and period';
comment on column campaigns.contender.verdict is 'chosen, standing (goes on from an earlier day), exempt (no contest: service and staff), control, or why not: beaten, over_budget, channel_full, do_not_disturb, below_minimum_value, frequency_cap (by what else the day brings)';
comment on column campaigns.contender.beaten_by is 'position of the play that has the customer''s day; null where that was handed out today and is planned no more';

create table campaigns.control_draw (
    play text not null,
    period_key text not null,
    service_tier text not null,
    share double precision not null,
    threshold double precision not null,
    customers bigint not null,
    controls bigint not null,
    salt_hash text not null,
    fitted_on date not null,
    primary key (play, period_key, service_tier)
);
comment on table campaigns.control_draw is 'The thresholds below which customers are control, by tier: fitted once per play and period so that exactly the play''s share of the tier''s customers found on that day is held back. Kept, so that any draw can be done again from hash and threshold. Grain: one row per play, period and service tier.';
comment on column campaigns.control_draw.play is 'the play; * for the universal group';
comment on column campaigns.control_draw.period_key is 'the play''s period where it is one of the calendar, else always; the year for the universal group';
comment on column campaigns.control_draw.service_tier is 'service tier; none for customers without';
comment on column campaigns.control_draw.share is 'share that is meant to be control';
comment on column campaigns.control_draw.threshold is 'customers of the tier whose bucket lies below it are control';
comment on column campaigns.control_draw.customers is 'customers it was fitted on';
comment on column campaigns.control_draw.controls is 'of those, below the threshold';
comment on column campaigns.control_draw.salt_hash is 'sha256 of the salt it was fitted under; another salt draws anew';
comment on column campaigns.control_draw.fitted_on is 'as-of date on which it was fitted';

create table campaigns.customer_attributes (
    as_of_date date not null,
    customer_key bigint not null,
    language text not null,
    customer_kind text not null,
    account_owner text,
    acquisition_channel text,
    occupation text,
    gender text,
    age_years integer,
    region text,
    city text,
    days_since_member integer,
    days_to_birthday integer,
    birthday_on date,
    days_to_wedding_anniversary integer,
    wedding_anniversary_on date,
    count_orders_lifetime bigint,
    count_orders_365d bigint,
    days_since_first_order integer,
    days_since_last_order integer,
    last_order_at timestamptz,
    net_minor_365d bigint,
    net_minor_90d bigint,
    mean_order_value_minor_365d double precision,
    overdue_ratio double precision,
    discount_share_365d double precision,
    churn_probability double precision,
    clv_12m_minor bigint,
    probability_alive double precision,
    value_at_risk_minor bigint,
    rfm_class text,
    rfm_segment text,
    value_class text,
    service_tier text,
    is_at_risk boolean,
    lifecycle_stage text,
    days_in_stage integer,
    membership_level text,
    next_level text,
    amount_to_next_level_minor bigint,
    points_balance bigint,
    points_expiring_30d bigint,
    count_open_complaints integer not null,
    open_complaint_key bigint,
    open_complaint_severity text,
    open_complaint_order_net_minor bigint,
    days_since_complaint_resolved integer,
    resolved_complaint_key bigint,
    resolved_complaint_severity text,
    resolved_complaint_satisfaction integer,
    resolved_complaint_order_net_minor bigint,
    nps_score double precision,
    days_since_nps bigint,
    nps_answer_key bigint,
    days_since_csat integer,
    count_converted_referrals bigint not null,
    days_since_referral_converted integer,
    converted_referral_key bigint,
    days_since_last_interaction bigint,
    net_minor_lifetime bigint,
    order_probability_90d double precision,
    days_to_renewal integer,
    contract_renewal_key text,
    contract_fee_minor bigint,
    non_renewal_probability double precision,
    replenishment_product text,
    days_to_replenishment integer,
    is_replenishment_window_open boolean,
    replenishment_key text,
    next_product text,
    next_product_why text,
    next_product_probability double precision,
    new_product text,
    new_product_why text,
    new_product_probability double precision,
    persona text,
    favourite_category text,
    price_band text,
    discount_band text,
    preferred_channel text,
    is_reachable boolean not null,
    warnings text[] not null,
    tags text[] not null,
    demographic_tags text[] not null,
    geographic_tags text[] not null,
    crm_tags text[] not null,
    is_legal_hold boolean not null,
    is_promotion_barred boolean not null,
    count_higher_range_views_14d integer not null,
    days_to_holiday integer,
    holiday text,
    holiday_key text,
    count_deliveries_30d bigint not null,
    is_test boolean not null,
    is_staff boolean not null,
    is_erased boolean not null,
    has_email boolean not null,
    has_phone boolean not null,
    has_wechat boolean not null,
    has_app boolean not null,
    is_suppressed boolean not null,
    primary key (as_of_date, customer_key)
) partition by range (as_of_date);
comment on table campaigns.customer_attributes is 'What plays may ask about a customer, joined from segments, scores, features, complaints and earlier deliveries: the vocabulary of include/plays. One row per customer of core, purchaser or not. Grain: one row per customer_key per as_of_date.';
comment on column campaigns.customer_attributes.as_of_date is 'date as of which the attributes hold';
comment on column campaigns.customer_attributes.customer_key is 'the person';
comment on column campaigns.customer_attributes.language is 'language for contact; the company''s own where the customer''s is not known';
comment on column campaigns.customer_attributes.customer_kind is 'company or consumer';
comment on column campaigns.customer_attributes.account_owner is 'staff member who looks after the customer; null if nobody does';
comment on column campaigns.customer_attributes.acquisition_channel is 'how the customer was won';
comment on column campaigns.customer_attributes.occupation is 'occupation as the CRM has it';
comment on column campaigns.customer_attributes.gender is 'protected: may not decide about an offer';
comment on column campaigns.customer_attributes.age_years is 'protected: years completed, from the year of birth; may not decide about an offer';
comment on column campaigns.customer_attributes.region is 'protected: may not decide about an offer';
comment on column campaigns.customer_attributes.city is 'protected with the region it lies in: may not decide about an offer';
comment on column campaigns.customer_attributes.days_since_member is 'days since the customer became known';
comment on column campaigns.customer_attributes.days_to_birthday is 'days to the next birthday, 0 on the day; 29 February falls on the 28th in other years';
comment on column campaigns.customer_attributes.birthday_on is 'date of the next birthday';
comment on column campaigns.customer_attributes.days_to_wedding_anniversary is 'days to the next wedding anniversary, 0 on the day';
comment on column campaigns.customer_attributes.wedding_anniversary_on is 'date of the next wedding anniversary';
comment on column campaigns.customer_attributes.count_orders_lifetime is 'paid orders so far; null for prospects';
comment on column campaigns.customer_attributes.count_orders_365d is 'paid orders in the last 365 days';
comment on column campaigns.customer_attributes.days_since_first_order is 'business days of the calendar since the first paid order; 1 is yesterday';
comment on column campaigns.customer_attributes.days_since_last_order is 'business days of the calendar since the last paid order; 1 is yesterday';
comment on column campaigns.customer_attributes.last_order_at is 'when the last paid order was paid; the stop rules count tries since then';
comment on column campaigns.customer_attributes.net_minor_365d is 'net spend of the last 365 days, minor units';
comment on column campaigns.customer_attributes.net_minor_90d is 'net spend of the last 90 days, minor units';
comment on column campaigns.customer_attributes.mean_order_value_minor_365d is 'mean net value of an order of the last 365 days, minor units';
comment on column campaigns.customer_attributes.overdue_ratio is 'days since the last order over the customer''s own mean gap; null below two orders';
comment on column campaigns.customer_attributes.discount_share_365d is 'discount over gross of the last 365 days';
comment on column campaigns.customer_attributes.churn_probability is 'probability of no paid order within the horizon; a prediction';
comment on column campaigns.customer_attributes.clv_12m_minor is 'predicted net value of the coming twelve months, minor units; a prediction';
comment on column campaigns.customer_attributes.probability_alive is 'probability of not having left for good; a prediction';
comment on column campaigns.customer_attributes.value_at_risk_minor is 'churn probability times predicted value, minor units; a prediction';
comment on column campaigns.customer_attributes.rfm_class is 'one of the four classes of recency, frequency and monetary value';
comment on column campaigns.customer_attributes.rfm_segment is 'one of the eleven named segments';
comment on column campaigns.customer_attributes.value_class is 'current by predicted value; rests on a prediction';
comment on column campaigns.customer_attributes.service_tier is 'service tier; rests on a prediction';
comment on column campaigns.customer_attributes.is_at_risk is 'at-risk flag on top of the tier; rests on a prediction';
comment on column campaigns.customer_attributes.lifecycle_stage is 'stage of the customer''s life';
comment on column campaigns.customer_attributes.days_in_stage is 'days since the stage began';
comment on column campaigns.customer_attributes.membership_level is 'level by spend of the membership year';
comment on column campaigns.customer_attributes.next_level is 'the next higher level; null at the top';
comment on column campaigns.customer_attributes.amount_to_next_level_minor is 'spend still missing, minor units; null at the top';
comment on column campaigns.customer_attributes.points_balance is 'points that can be redeemed';
comment on column campaigns.customer_attributes.points_expiring_30d is 'points about to expire';
comment on column campaigns.customer_attributes.count_open_complaints is 'complaints opened and not resolved';
comment on column campaigns.customer_attributes.open_complaint_key is 'the worst open complaint, of these the oldest';
comment on column campaigns.customer_attributes.open_complaint_severity is 'severity of the worst open complaint';
comment on column campaigns.customer_attributes.open_complaint_order_net_minor is 'net value of that order, minor units; null if the complaint names none';
comment on column campaigns.customer_attributes.days_since_complaint_resolved is 'days since the latest resolution; 1 is yesterday';
comment on column campaigns.customer_attributes.resolved_complaint_key is 'the complaint resolved last';
comment on column campaigns.customer_attributes.resolved_complaint_severity is 'severity of the complaint resolved last';
comment on column campaigns.customer_attributes.resolved_complaint_satisfaction is 'satisfaction with the handling of that complaint, 1 to 5, as the service desk has it or as a survey about a complaint was answered since; null until given';
comment on column campaigns.customer_attributes.resolved_complaint_order_net_minor is 'net value of that order, minor units';
comment on column campaigns.customer_attributes.nps_score is 'latest answer to the question of recommendation, 0 to 10; null if never asked';
comment on column campaigns.customer_attributes.days_since_nps is 'days since that answer; 1 is yesterday';
comment on column campaigns.customer_attributes.nps_answer_key is 'the latest answer of the last 30 days';
comment on column campaigns.customer_attributes.days_since_csat is 'days since the customer last said how satisfied they are, about anything; 1 is yesterday; null if never';
comment on column campaigns.customer_attributes.count_converted_referrals is 'people the customer referred who bought';
comment on column campaigns.customer_attributes.days_since_referral_converted is 'days since the latest one; only of the last 30 days';
comment on column campaigns.customer_attributes.converted_referral_key is 'the referral that converted last, of the last 30 days';
comment on column campaigns.customer_attributes.days_since_last_interaction is 'days since the last touch in either direction; null without any';
comment on column campaigns.customer_attributes.net_minor_lifetime is 'net spend so far, minor units';
comment on column campaigns.customer_attributes.order_probability_90d is 'probability of a paid order within 90 days; a prediction';
comment on column campaigns.customer_attributes.days_to_renewal is 'days to the renewal date of the contract that is up next; negative within the grace period';
comment on column campaigns.customer_attributes.contract_renewal_key is 'the contract with the date it is up';
comment on column campaigns.customer_attributes.contract_fee_minor is 'fee of one term of that contract, minor units';
comment on column campaigns.customer_attributes.non_renewal_probability is 'probability that this contract is not renewed; a prediction';
comment on column campaigns.customer_attributes.replenishment_product is 'of what the customer buys again and again, the product whose expected day is nearest';
comment on column campaigns.customer_attributes.days_to_replenishment is 'days until the customer is expected to buy it again; negative when overdue';
comment on column campaigns.customer_attributes.is_replenishment_window_open is 'the interval that holds four in five next purchases has begun; null where nobody knows how wide it is';
comment on column campaigns.customer_attributes.replenishment_key is 'the product with the day it was bought last';
comment on column campaigns.customer_attributes.next_product is 'the product that the next order most probably holds';
comment on column campaigns.customer_attributes.next_product_why is 'habit (bought before), association (goes with what is bought) or popular';
comment on column campaigns.customer_attributes.next_product_probability is 'probability that the next order holds it; a prediction';
comment on column campaigns.customer_attributes.new_product is 'the most probable product of those the customer has not bought';
comment on column campaigns.customer_attributes.new_product_why is 'association where it goes with what the customer buys, else popular';
comment on column campaigns.customer_attributes.new_product_probability is 'probability that the next order holds it; a prediction';
comment on column campaigns.customer_attributes.persona is 'group of customers who shop alike (include/personas); a prediction';
comment on column campaigns.customer_attributes.favourite_category is 'path of the category bought most; a prediction';
comment on column campaigns.customer_attributes.price_band is 'third of customers by how dear things they buy within categories; a prediction';
comment on column campaigns.customer_attributes.discount_band is 'third of customers by how often they buy at a discount; a prediction';
comment on column campaigns.customer_attributes.preferred_channel is 'channel on which the customer most probably answers; rests on age where nobody has answered yet, so it may choose the channel and never an offer';
comment on column campaigns.customer_attributes.is_reachable is 'some channel may be used for marketing; false for prospects, who have no profile';
comment on column campaigns.customer_attributes.warnings is 'warning signs that show; empty without any; a prediction';
comment on column campaigns.customer_attributes.tags is 'tags by what the customer does (include/segments/tags.csv); some rest on a prediction; empty without any';
comment on column campaigns.customer_attributes.demographic_tags is 'protected: tags by what the customer is; may not decide about an offer';
comment on column campaigns.customer_attributes.geographic_tags is 'protected: tags by where the customer lives; may not decide about an offer';
comment on column campaigns.customer_attributes.crm_tags is 'tags that people have set in the CRM and that stand, in lower case; empty without any';
comment on column campaigns.customer_attributes.is_legal_hold is 'a tag of the CRM says that the customer is part of a legal matter: in no audience';
comment on column campaigns.customer_attributes.is_promotion_barred is 'a tag of the CRM says that no promotion may go to the customer';
comment on column campaigns.customer_attributes.count_higher_range_views_14d is 'products or categories looked at that cost half as much again as what the customer usually buys in that widest category';
comment on column campaigns.customer_attributes.days_to_holiday is 'days to the next day of include/calendar/holidays.yml, 0 on the day';
comment on column campaigns.customer_attributes.holiday is 'its code';
comment on column campaigns.customer_attributes.holiday_key is 'the holiday with its date';
comment on column campaigns.customer_attributes.count_deliveries_30d is 'promotional messages handed to tools in the 30 days before';
comment on column campaigns.customer_attributes.is_test is 'test account: in no audience';
comment on column campaigns.customer_attributes.is_staff is 'member of staff: in no audience';
comment on column campaigns.customer_attributes.is_erased is 'an erasure has been asked for or done: in no audience';
comment on column campaigns.customer_attributes.has_email is 'an e-mail address is known and not suppressed';
comment on column campaigns.customer_attributes.has_phone is 'a telephone number is known and not suppressed: calls and SMS';
comment on column campaigns.customer_attributes.has_wechat is 'the customer used WeChat with us in the last 365 days';
comment on column campaigns.customer_attributes.has_app is 'the customer used the app in the last 365 days';
comment on column campaigns.customer_attributes.is_suppressed is 'an address of the customer is suppressed for every channel, or each address for its own';

create table campaigns.decision (
    as_of_date date not null,
    play text not null,
    customer_key bigint not null,
    state text not null,
    kind text not null,
    purpose text not null,
    uses_profiling boolean not null,
    is_capped boolean not null,
    period_key text not null,
    channel text not null,
    send_key text not null,
    offer text not null,
    offer_terms text not null,
    content_key text not null,
    language text not null,
    priority integer not null,
    cost_minor bigint not null,
    valid_from timestamptz not null,
    valid_until timestamptz not null,
    joined_on date not null,
    service_tier text,
    lifecycle_stage text,
    churn_band text,
    value_band text,
    reasons_en text not null,
    reasons_zh text not null,
    opening_minor bigint,
    ceiling_minor bigint,
    holdout_bucket double precision not null,
    expected_value_minor double precision not null,
    expected_cost_minor double precision not null,
    evidence text not null,
    not_before time,
    not_after time,
    time_zone text,
    primary key (as_of_date, play, customer_key)
) partition by range (as_of_date);
comment on table campaigns.decision is 'Who is contacted with what, and who is kept back as control: channel, offer, content, reasons. Everybody else, with the rules that keep them out, is in campaigns.exclusion, and by number in campaigns.exclusion_count and campaigns.play_run. Grain: one row per play and chosen or kept-back customer_key per as_of_date.';
comment on column campaigns.decision.as_of_date is 'day the decision is for';
comment on column campaigns.decision.play is 'the play';
comment on column campaigns.decision.customer_key is 'the person';
comment on column campaigns.decision.state is 'selected or control';
comment on column campaigns.decision.kind is 'promotional, service or staff';
comment on column campaigns.decision.purpose is 'consent purpose';
comment on column campaigns.decision.uses_profiling is 'true where the play asks about predictions';
comment on column campaigns.decision.is_capped is 'true where the contact caps count this play';
comment on column campaigns.decision.period_key is 'period within which nobody gets the play twice: once, a month, a year, or the event';
comment on column campaigns.decision.channel is 'channel chosen';
comment on column campaigns.decision.send_key is 'play|channel|period|customer: unique for ever';
comment on column campaigns.decision.offer is 'code of the rung of the offer ladder';
comment on column campaigns.decision.offer_terms is 'what it grants, as a JSON object';
comment on column campaigns.decision.content_key is 'content in the marketing tool';
comment on column campaigns.decision.language is 'language to use';
comment on column campaigns.decision.priority is 'priority of the play';
comment on column campaigns.decision.cost_minor is 'cost of one touch through the channel chosen, minor units';
comment on column campaigns.decision.valid_from is 'start of the membership; a new one starts when the quiet hours of the day end where the customer is';
comment on column campaigns.decision.valid_until is 'end of the membership';
comment on column campaigns.decision.joined_on is 'as-of date on which the membership began; earlier than as_of_date for one that carries on';
comment on column campaigns.decision.service_tier is 'service tier';
comment on column campaigns.decision.lifecycle_stage is 'lifecycle stage';
comment on column campaigns.decision.churn_band is 'low below 0.25, middle below 0.5, high from there';
comment on column campaigns.decision.value_band is 'predicted value against the cut-off of the value matrix: high or low';
comment on column campaigns.decision.reasons_en is 'the conditions that matched with the customer''s values, in English';
comment on column campaigns.decision.reasons_zh is 'the same in Chinese';
comment on column campaigns.decision.opening_minor is 'negotiation: offer to open with';
comment on column campaigns.decision.ceiling_minor is 'negotiation: most that may be granted';
comment on column campaigns.decision.holdout_bucket is 'the person''s place in [0, 1) for this play and period; below the share is control';
comment on column campaigns.decision.expected_value_minor is 'expected incremental margin of the contact before its cost, minor units';
comment on column campaigns.decision.expected_cost_minor is 'expected cost with the offer as far as it is expected to be used, minor units';
comment on column campaigns.decision.evidence is 'what the expected value rests on: measured, stated or priority';
comment on column campaigns.decision.not_before is 'contact no earlier in the day than this, in time_zone; null where quiet hours do not apply';
comment on column campaigns.decision.not_after is 'contact no later in the day than this, in time_zone; null where quiet hours do not apply';
comment on column campaigns.decision.time_zone is 'time zone in which the customer is; the company''s where that is not known; null where quiet hours do not apply';

create table campaigns.delivery (
    send_key text not null,
    play text not null,
    customer_key bigint not null,
    kind text not null,
    period_key text not null,
    channel text not null,
    is_capped boolean not null,
    offer text not null,
    offer_terms text not null,
    content_key text not null,
    service_tier text,
    lifecycle_stage text,
    churn_band text,
    value_band text,
    reasons_en text not null,
    reasons_zh text not null,
    cost_minor bigint not null,
    expected_cost_minor double precision,
    as_of_date date not null,
    valid_from timestamptz not null,
    valid_until timestamptz not null,
    removed_on date,
    removed_reason text,
    sync_id bigint not null,
    delivered_at timestamptz not null,
    primary key (send_key)
);
create index on campaigns.delivery (customer_key, play, as_of_date);
create index on campaigns.delivery (play, as_of_date);
comment on table campaigns.delivery is 'Receipts: what the marketing database is known to hold or to have held, copied from there after each push. Periods, contact caps and stop rules count these. Grain: one row per send_key, for ever.';
comment on column campaigns.delivery.send_key is 'the key handed out';
comment on column campaigns.delivery.play is 'the play';
comment on column campaigns.delivery.customer_key is 'the person as known then; core.customer_alias follows merges';
comment on column campaigns.delivery.kind is 'promotional, service or staff';
comment on column campaigns.delivery.period_key is 'the play''s period';
comment on column campaigns.delivery.channel is 'channel handed out; staff for tasks';
comment on column campaigns.delivery.is_capped is 'true where the contact caps count it';
comment on column campaigns.delivery.offer is 'offer handed out';
comment on column campaigns.delivery.offer_terms is 'its terms, as a JSON object';
comment on column campaigns.delivery.content_key is 'content handed out';
comment on column campaigns.delivery.service_tier is 'service tier when it began';
comment on column campaigns.delivery.lifecycle_stage is 'lifecycle stage when it began';
comment on column campaigns.delivery.churn_band is 'churn band when it began';
comment on column campaigns.delivery.value_band is 'value band when it began';
comment on column campaigns.delivery.reasons_en is 'reasons handed out, in English';
comment on column campaigns.delivery.reasons_zh is 'reasons handed out, in Chinese';
comment on column campaigns.delivery.cost_minor is 'cost of the touch, minor units';
comment on column campaigns.delivery.expected_cost_minor is 'expected cost when it was decided: the touch and the offer as far as it is expected to be used, minor units; null where the decision was not kept';
comment on column campaigns.delivery.as_of_date is 'as-of date on which the membership began';
comment on column campaigns.delivery.valid_from is 'start of the membership';
comment on column campaigns.delivery.valid_until is 'end of the membership';
comment on column campaigns.delivery.removed_on is 'as-of date of the push that took it back; null while it stands';
comment on column campaigns.delivery.removed_reason is 'why it was taken back';
comment on column campaigns.delivery.sync_id is 'push that delivered it (marketing.audience_sync)';
comment on column campaigns.delivery.delivered_at is 'when that push was made';

create table campaigns.effect_spend (
    as_of_date date not null,
    play text not null,
    service_tier text not null,
    touches bigint not null,
    touch_minor double precision not null,
    spend_minor double precision not null,
    primary key (as_of_date, play, service_tier)
);
comment on table campaigns.effect_spend is 'What promotion handed out and cost, by day: kept so that no measurement adds up a year of deliveries. Grain: one row per play, day of the start and tier.';
comment on column campaigns.effect_spend.as_of_date is 'as-of date on which the memberships began';
comment on column campaigns.effect_spend.play is 'the promotional play';
comment on column campaigns.effect_spend.service_tier is 'service tier when it began; none without one';
comment on column campaigns.effect_spend.touches is 'people handed out';
comment on column campaigns.effect_spend.touch_minor is 'cost of the touches, minor units';
comment on column campaigns.effect_spend.spend_minor is 'expected cost of touches and offers, minor units';

create table campaigns.effect_sum (
    play text not null,
    started_on date not null,
    service_tier text not null,
    is_treated boolean not null,
    customers bigint not null,
    sum_net numeric not null,
    sum_bought numeric not null,
    sum_spend numeric not null,
    sum_value numeric not null,
    sum_known numeric not null,
    net_net numeric not null,
    net_spend numeric not null,
    net_value numeric not null,
    net_known numeric not null,
    bought_spend numeric not null,
    bought_value numeric not null,
    bought_known numeric not null,
    spend_spend numeric not null,
    spend_value numeric not null,
    spend_known numeric not null,
    value_value numeric not null,
    primary key (play, started_on, service_tier, is_treated)
);
comment on table campaigns.effect_sum is 'Sums and sums of products over campaigns.effect_unit: all that the effect of a play is computed from. Whole numbers, so that adding and taking away a customer leaves no trace of rounding. Grain: one row per play, day of the start, tier and group.';
comment on column campaigns.effect_sum.play is 'the play';
comment on column campaigns.effect_sum.started_on is 'as-of date of the first delivery or of being held back';
comment on column campaigns.effect_sum.service_tier is 'service tier held then; none without one';
comment on column campaigns.effect_sum.is_treated is 'delivered (true) or held back (false)';
comment on column campaigns.effect_sum.customers is 'customers';
comment on column campaigns.effect_sum.sum_net is 'net amounts in the outcome window, minor units';
comment on column campaigns.effect_sum.sum_bought is 'customers with a paid order in it';
comment on column campaigns.effect_sum.sum_spend is 'net amounts of the year before, minor units';
comment on column campaigns.effect_sum.sum_value is 'predicted values, 0 where unknown, minor units';
comment on column campaigns.effect_sum.sum_known is 'customers whose predicted value is known';
comment on column campaigns.effect_sum.net_net is 'sum of squares of the net amount';
comment on column campaigns.effect_sum.net_spend is 'sum of net amount times spend before';
comment on column campaigns.effect_sum.net_value is 'sum of net amount times predicted value';
comment on column campaigns.effect_sum.net_known is 'net amounts of customers whose predicted value is known';
comment on column campaigns.effect_sum.bought_spend is 'spend before of those who bought';
comment on column campaigns.effect_sum.bought_value is 'predicted values of those who bought';
comment on column campaigns.effect_sum.bought_known is 'those who bought and whose predicted value is known';
comment on column campaigns.effect_sum.spend_spend is 'sum of squares of spend before';
comment on column campaigns.effect_sum.spend_value is 'sum of spend before times predicted value';
comment on column campaigns.effect_sum.spend_known is 'spend before of customers whose predicted value is known';
comment on column campaigns.effect_sum.value_value is 'sum of squares of the predicted value';

create table campaigns.effect_unit (
    customer_key bigint not null,
    play text not null,
    period_key text not null,
    started_on date not null,
    is_treated boolean not null,
    service_tier text,
    spend_before_minor bigint not null,
    value_before_minor bigint,
    net_minor bigint not null,
    has_bought boolean not null,
    primary key (customer_key, play, period_key)
);
comment on table campaigns.effect_unit is 'Who is compared with whom: each customer of each play and period from the day they were first handed out or held back, with what was known then (tier, spend, predicted value) and what followed. The play * is all promotion together against the universal control group, its period the calendar year. Written by the daily measurement, for the customers whose facts changed; rows of more than two years are dropped. Grain: one row per customer, play and period.';
comment on column campaigns.effect_unit.customer_key is 'the person as known at the measurement that wrote the row';
comment on column campaigns.effect_unit.play is 'the play; * for all promotion together';
comment on column campaigns.effect_unit.period_key is 'the play''s period; the year for *';
comment on column campaigns.effect_unit.started_on is 'as-of date of the first delivery or of being held back; for * the first pushed day of the year on which the customer was known';
comment on column campaigns.effect_unit.is_treated is 'true where the play may contact (a delivery; for * not in the universal control group), false where held back';
comment on column campaigns.effect_unit.service_tier is 'service tier held on that day; null without one';
comment on column campaigns.effect_unit.spend_before_minor is 'net amounts of the year before, minor units';
comment on column campaigns.effect_unit.value_before_minor is 'predicted value of twelve months as of that day, minor units; kept when its slice goes; null where nothing was predicted';
comment on column campaigns.effect_unit.net_minor is 'net amounts from that day on, within the outcome window of the play or the year of *, up to the newest measurement, minor units';
comment on column campaigns.effect_unit.has_bought is 'whether an order was paid in that time';

create table campaigns.eligibility (
    as_of_date date not null,
    customer_key bigint not null,
    plays_version bigint not null,
    address_channels smallint not null,
    permitted_marketing smallint not null,
    permitted_service smallint not null,
    room_channels smallint not null,
    is_universal_control boolean not null,
    failing_rules integer [] not null,
    primary key (as_of_date, customer_key)
) partition by range (as_of_date);
comment on table campaigns.eligibility is 'For every customer and play, all the rules that keep the customer out: one row per customer, one mask per play. Unnested by the view campaigns.exclusion; kept as long as settings.keep.decision_days says. Grain: one row per customer_key per as_of_date.';
comment on column campaigns.eligibility.as_of_date is 'day the decisions are for';
comment on column campaigns.eligibility.customer_key is 'the person';
comment on column campaigns.eligibility.plays_version is 'list of plays that the masks follow (campaigns.plan_version)';
comment on column campaigns.eligibility.address_channels is 'channels with a usable address, as a sum of 1 e-mail, 2 SMS, 4 phone, 8 WeChat, 16 app, 32 staff';
comment on column campaigns.eligibility.permitted_marketing is 'channels on which promotion is permitted, as the same sum';
comment on column campaigns.eligibility.permitted_service is 'channels on which service messages are permitted, as the same sum';
comment on column campaigns.eligibility.room_channels is 'channels with room under the contact cap, as the same sum';
comment on column campaigns.eligibility.is_universal_control is 'true for who gets no promotion at all this year, to measure what all promotions together bring';
comment on column campaigns.eligibility.failing_rules is 'by position of the play: sum of the bits of all rules that failed (campaigns.exclusion_rule); 0 when selected';

create table campaigns.exclusion_count (
    as_of_date date not null,
    play text not null,
    rule text not null,
    customers_first bigint not null,
    customers_any bigint not null,
    primary key (as_of_date, play, rule)
) partition by range (as_of_date);
comment on table campaigns.exclusion_count is 'How many customers each rule kept out of each play: as the first one that failed, and at all. Kept for good. Grain: one row per play and failing rule per as_of_date.';
comment on column campaigns.exclusion_count.as_of_date is 'day the decisions are for';
comment on column campaigns.exclusion_count.play is 'the play';
comment on column campaigns.exclusion_count.rule is 'the rule (campaigns.exclusion_rule)';
comment on column campaigns.exclusion_count.customers_first is 'customers whom this rule is the first to keep out';
comment on column campaigns.exclusion_count.customers_any is 'customers for whom this rule fails, whatever else does';

create table campaigns.guard_stop (
    stop_id bigint generated always as identity not null,
    business_date date not null,
    run_id text not null,
    token bigint default 0 not null,
    play text not null,
    measure text not null,
    cause text default 'budget' not null,
    found bigint not null,
    allowed bigint not null,
    stopped_at timestamptz default now() not null,
    primary key (stop_id)
);
create index on campaigns.guard_stop (business_date, play, measure);
comment on table campaigns.guard_stop is 'What a push held back because an audience would have changed too much, with what was found and what is allowed. The rest of that push went out; what is held back waits for an approval (campaigns.approval) or for a plan within the budget. Grain: one row per audience and measure that was over its budget in one push.';
comment on column campaigns.guard_stop.stop_id is 'grows with every stop';
comment on column campaigns.guard_stop.business_date is 'the day that was pushed';
comment on column campaigns.guard_stop.run_id is 'the run that pushed';
comment on column campaigns.guard_stop.token is 'fencing token of the push: what it found belongs together';
comment on column campaigns.guard_stop.play is 'the audience';
comment on column campaigns.guard_stop.measure is 'size, joins or leaves';
comment on column campaigns.guard_stop.cause is 'budget: more than allowed; not_planned: the play was not planned that day; empty: every audience would empty at once; population: far fewer customers than at the push before. The last three let nobody leave';
comment on column campaigns.guard_stop.found is 'rows, with those of earlier pushes of the day';
comment on column campaigns.guard_stop.allowed is 'rows within the budget';
comment on column campaigns.guard_stop.stopped_at is 'when';

create table campaigns.holdout (
    play text not null,
    period_key text not null,
    customer_key bigint not null,
    bucket double precision not null,
    share double precision not null,
    assigned_on date not null,
    primary key (play, period_key, customer_key)
);
create index on campaigns.holdout (customer_key);
comment on table campaigns.holdout is 'Who is control for which play and period. Kept, so that a changed share or a merge of two customer records moves nobody from control to contacted within a period. Grain: one row per play, period and customer.';
comment on column campaigns.holdout.play is 'the play';
comment on column campaigns.holdout.period_key is 'the play''s period';
comment on column campaigns.holdout.customer_key is 'the person as known then; core.customer_alias follows merges';
comment on column campaigns.holdout.bucket is 'the person''s place in [0, 1)';
comment on column campaigns.holdout.share is 'the play''s share when it was drawn';
comment on column campaigns.holdout.assigned_on is 'as-of date of the first decision';

create table campaigns.match_key_coverage (
    campaign text not null,
    recipe text not null,
    key text not null,
    measured_on date not null,
    members bigint not null,
    listed bigint not null,
    missing bigint not null,
    invalid bigint not null,
    already_hashed bigint not null,
    duplicate bigint not null,
    withheld bigint not null,
    shared bigint not null,
    measured_at timestamptz not null,
    primary key (campaign, recipe, key, measured_on)
);
comment on table campaigns.match_key_coverage is 'How much of an audience a destination can be given, and why not the rest: measured by every export with match keys and by every forecast of one. No address and no key is kept here. Grain: one row per campaign, recipe, key and date of measurement.';
comment on column campaigns.match_key_coverage.campaign is 'the audience';
comment on column campaigns.match_key_coverage.recipe is 'recipe and version, e.g. google_v2';
comment on column campaigns.match_key_coverage.key is 'the key: email, phone …; any for people with at least one key by which they can be recognised';
comment on column campaigns.match_key_coverage.measured_on is 'business day on which it was measured, in the business time zone';
comment on column campaigns.match_key_coverage.members is 'members of the audience who may be contacted at that moment';
comment on column campaigns.match_key_coverage.listed is 'of them listed with this key';
comment on column campaigns.match_key_coverage.missing is 'no address is known';
comment on column campaigns.match_key_coverage.invalid is 'what is stored is no address of this kind';
comment on column campaigns.match_key_coverage.already_hashed is 'what is stored is a hash already';
comment on column campaigns.match_key_coverage.duplicate is 'another member has the same key, which is listed once';
comment on column campaigns.match_key_coverage.withheld is 'no consent to advertising, withdrawn, or refused by somebody with the same address';
comment on column campaigns.match_key_coverage.shared is 'members whose only address of this kind is used by others too, listed or not';
comment on column campaigns.match_key_coverage.measured_at is 'when';

create table campaigns.match_key_reject (
    campaign text not null,
    recipe text not null,
    customer_key bigint not null,
    key text not null,
    reason text not null,
    measured_at timestamptz not null,
    primary key (campaign, recipe, customer_key, key)
);
create index on campaigns.match_key_reject (customer_key);
comment on table campaigns.match_key_reject is 'Members without a match key, with the reason, by the newest measurement of each audience and recipe: what whoever keeps the addresses can repair, and whom consent keeps out. Pseudonyms only. Grain: one row per campaign, recipe, customer and key.';
comment on column campaigns.match_key_reject.campaign is 'the audience';
comment on column campaigns.match_key_reject.recipe is 'recipe and version';
comment on column campaigns.match_key_reject.customer_key is 'the person';
comment on column campaigns.match_key_reject.key is 'the key that could not be built';
comment on column campaigns.match_key_reject.reason is 'missing, invalid, already_hashed, duplicate, no_ads_consent, ads_withdrawn, refused_at_address, not_personalised or not_of_channel';
comment on column campaigns.match_key_reject.measured_at is 'when';

create table campaigns.plan_version (
    plays_version bigint not null,
    plays text [] not null,
    content_hashes text [] not null,
    planned_at timestamptz default now() not null,
    primary key (plays_version)
);
comment on table campaigns.plan_version is 'Which plays, in which version, a day was planned with, in order: the place of a play in this list is its place in campaigns.eligibility.failing_rules. Grain: one row per list of plays that was ever planned with.';
comment on column campaigns.plan_version.plays_version is 'first 60 bits of the sha256 over names and content hashes';
comment on column campaigns.plan_version.plays is 'names of the plays, in order; the first has position 1';
comment on column campaigns.plan_version.content_hashes is 'content of each, as in campaigns.play';
comment on column campaigns.plan_version.planned_at is 'when it was first planned with';

create table campaigns.play (
    play text not null,
    content_hash text not null,
    name_en text not null,
    name_zh text not null,
    kind text not null,
    purpose text not null,
    priority integer not null,
    period text not null,
    holdout_share double precision not null,
    definition jsonb not null,
    registered_at timestamptz default now() not null,
    primary key (play, content_hash)
);
comment on table campaigns.play is 'Every version of every play that was ever planned with, as its file stood then. Grain: one row per play and content.';
comment on column campaigns.play.play is 'name of the play and of its file in include/plays';
comment on column campaigns.play.content_hash is 'sha256 of the definition as canonical JSON';
comment on column campaigns.play.name_en is 'name in English';
comment on column campaigns.play.name_zh is 'name in Chinese';
comment on column campaigns.play.kind is 'promotional, service or staff';
comment on column campaigns.play.purpose is 'consent purpose';
comment on column campaigns.play.priority is 'greater goes first';
comment on column campaigns.play.period is 'once, month, year or event';
comment on column campaigns.play.holdout_share is 'share of candidates kept as control';
comment on column campaigns.play.definition is 'the whole definition';
comment on column campaigns.play.registered_at is 'when it was first planned with';

create table campaigns.play_run (
    as_of_date date not null,
    play text not null,
    content_hash text not null,
    population bigint not null,
    not_in_audience bigint not null,
    excluded bigint not null,
    control bigint not null,
    selected bigint not null,
    primary key (as_of_date, play)
) partition by range (as_of_date);
comment on table campaigns.play_run is 'What each play came to: its population splits into not in the audience, excluded, control and selected, always. Grain: one row per play per as_of_date.';
comment on column campaigns.play_run.as_of_date is 'day the decisions are for';
comment on column campaigns.play_run.play is 'the play';
comment on column campaigns.play_run.content_hash is 'sha256 of the play''s definition, as in campaigns.play';
comment on column campaigns.play_run.population is 'customers looked at';
comment on column campaigns.play_run.not_in_audience is 'customers whom the play is not for, whatever else keeps them out';
comment on column campaigns.play_run.excluded is 'matching customers kept out by a rule';
comment on column campaigns.play_run.control is 'matching customers kept back at random';
comment on column campaigns.play_run.selected is 'customers to be contacted';

create table campaigns.push_receipt (
    sync_id bigint not null,
    business_date date not null,
    token bigint not null,
    rows_added bigint not null,
    rows_updated bigint not null,
    rows_removed bigint not null,
    tasks_added bigint not null,
    tasks_withdrawn bigint not null,
    checksum text not null,
    received_at timestamptz default now() not null,
    primary key (sync_id)
);
comment on table campaigns.push_receipt is 'Pushes whose outcome has been read back from the marketing database and booked in campaigns.delivery. Grain: one row per push.';
comment on column campaigns.push_receipt.sync_id is 'the push (marketing.audience_sync)';
comment on column campaigns.push_receipt.business_date is 'the day it was for';
comment on column campaigns.push_receipt.token is 'its fencing token';
comment on column campaigns.push_receipt.rows_added is 'members who joined';
comment on column campaigns.push_receipt.rows_updated is 'members whose row changed';
comment on column campaigns.push_receipt.rows_removed is 'members who left';
comment on column campaigns.push_receipt.tasks_added is 'staff tasks made';
comment on column campaigns.push_receipt.tasks_withdrawn is 'staff tasks taken back';
comment on column campaigns.push_receipt.checksum is 'checksum of the audiences as the push left them';
comment on column campaigns.push_receipt.received_at is 'when it was booked';

create table campaigns.staff_task (
    as_of_date date not null,
    play text not null,
    customer_key bigint not null,
    send_key text not null,
    account_owner text,
    priority integer not null,
    service_tier text,
    is_at_risk boolean not null,
    title_en text not null,
    title_zh text not null,
    talking_points_en text not null,
    talking_points_zh text not null,
    opening_minor bigint,
    midpoint_minor bigint,
    ceiling_minor bigint,
    due_until timestamptz not null,
    primary key (as_of_date, play, customer_key)
) partition by range (as_of_date);
comment on table campaigns.staff_task is 'Calls and visits that the staff plays ask for, with what to know and how far an offer may go. Grain: one row per staff play and customer per as_of_date.';
comment on column campaigns.staff_task.as_of_date is 'day the task is for';
comment on column campaigns.staff_task.play is 'the staff play';
comment on column campaigns.staff_task.customer_key is 'the person';
comment on column campaigns.staff_task.send_key is 'unique for ever per play, period and customer';
comment on column campaigns.staff_task.account_owner is 'who looks after the customer; null: nobody does, or the play gives its tasks to the team';
comment on column campaigns.staff_task.priority is 'priority of the play: the order within somebody''s list';
comment on column campaigns.staff_task.service_tier is 'service tier of the customer';
comment on column campaigns.staff_task.is_at_risk is 'the customer is at risk of leaving: first within one priority';
comment on column campaigns.staff_task.title_en is 'what to do, in English';
comment on column campaigns.staff_task.title_zh is 'what to do, in Chinese';
comment on column campaigns.staff_task.talking_points_en is 'what to know, in English: the play''s points, why this customer, orders and spend, tier, last complaint, recommendation, warning signs, renewal, missing to the next level, next best product';
comment on column campaigns.staff_task.talking_points_zh is 'the same in Chinese';
comment on column campaigns.staff_task.opening_minor is 'offer to open with, minor units; null without a negotiation';
comment on column campaigns.staff_task.midpoint_minor is 'half way between opening and ceiling';
comment on column campaigns.staff_task.ceiling_minor is 'most that may be granted';
comment on column campaigns.staff_task.due_until is 'to be done before: after the days the play gives, and never after the membership ends';

create table campaigns.target_receipt (
    target text not null,
    token bigint not null,
    business_date date not null,
    sequence bigint not null,
    is_full boolean not null,
    rows_added bigint not null,
    rows_updated bigint not null,
    rows_removed bigint not null,
    rows_total bigint not null,
    rows_held bigint not null,
    checksum text not null,
    state text not null,
    fed_at timestamptz default now() not null,
    primary key (target, token)
);
create index on campaigns.target_receipt (target, fed_at);
comment on table campaigns.target_receipt is 'What each feed of a further target changed there, and whether what the target holds was read back and is what it should be. Grain: one row per target and feed that changed something.';
comment on column campaigns.target_receipt.target is 'name of the target, as in include/targets';
comment on column campaigns.target_receipt.token is 'fencing token of the feed';
comment on column campaigns.target_receipt.business_date is 'business day of the run that fed it';
comment on column campaigns.target_receipt.sequence is 'newest change of marketing.audience_change that the target has';
comment on column campaigns.target_receipt.is_full is 'true where the whole audience was compared, not only what changed';
comment on column campaigns.target_receipt.rows_added is 'members who joined there';
comment on column campaigns.target_receipt.rows_updated is 'members whose row changed there';
comment on column campaigns.target_receipt.rows_removed is 'members who left there';
comment on column campaigns.target_receipt.rows_total is 'members there afterwards, as read back';
comment on column campaigns.target_receipt.rows_held is 'members that its view of who may be contacted leaves out';
comment on column campaigns.target_receipt.checksum is 'checksum of the members there, as read back; as in marketing.audience_sync';
comment on column campaigns.target_receipt.state is 'reconciled; differs when what was read back is not what the marketing database holds: the next feed compares the whole audience';
comment on column campaigns.target_receipt.fed_at is 'when it was booked';

create table campaigns.uplift (
    as_of_date date not null,
    play text not null,
    service_tier text not null,
    measured_on date not null,
    treated_customers bigint not null,
    control_customers bigint not null,
    own_share double precision,
    margin_minor double precision not null,
    error_minor double precision,
    stated_minor double precision,
    weight double precision not null,
    evidence text not null,
    primary key (as_of_date, play, service_tier)
) partition by range (as_of_date);
comment on table campaigns.uplift is 'What each play''s measured effect says about a contact of each service tier, weighed against what the play states: the newest effect on net revenue up to the day, as margin. A tier''s own effect is drawn towards the play''s as far as tiers differ by no more than chance. Only effects measured on enough people count (settings.allocation.uplift_minimum_people); the others have weight 0. Grain: one row per measured play and service tier, and one for the whole play, per as_of_date.';
comment on column campaigns.uplift.as_of_date is 'day of the plan that the effects are used in';
comment on column campaigns.uplift.play is 'the play';
comment on column campaigns.uplift.service_tier is 'vip, potential, ordinary or marginal; all for the whole play, which counts for customers without a tier';
comment on column campaigns.uplift.measured_on is 'as-of date of the measurement (bi.play_effect)';
comment on column campaigns.uplift.treated_customers is 'contacted customers of the tier that were measured';
comment on column campaigns.uplift.control_customers is 'held-back customers of the tier that were measured';
comment on column campaigns.uplift.own_share is 'share that the tier''s own measurement has in its effect, the rest is the play''s: 0 where tiers do not differ or the tier is small; null for the whole play';
comment on column campaigns.uplift.margin_minor is 'measured margin of a contact: effect on net revenue, after the offer and before the touch, times the share of revenue that is margin, minor units';
comment on column campaigns.uplift.error_minor is 'its standard error, minor units; null below 30 people in either group';
comment on column campaigns.uplift.stated_minor is 'what those contacted in the measured time had been expected to bring on average, minor units; null where nothing was stated';
comment on column campaigns.uplift.weight is 'weight of the measurement against the prior: spread of the prior squared over itself plus the error squared; 0 with too few people';
comment on column campaigns.uplift.evidence is 'measured from a weight of 0.5 on, else stated';

create table core.campaign_event (
    event_key bigint not null,
    source_customer_key bigint not null,
    customer_key bigint not null,
    campaign text,
    channel text,
    kind text not null,
    send_key text,
    happened_at timestamptz not null,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (event_key)
);
create index on core.campaign_event (customer_key, happened_at) include (campaign, channel, kind);
create index on core.campaign_event (send_key);
create index on core.campaign_event (batch_id) where kind in ('unsubscribed', 'complained');
create index on core.campaign_event (happened_at) include (customer_key);
comment on table core.campaign_event is 'Events that marketing tools report back. Grain: one row per event.';
comment on column core.campaign_event.event_key is 'hash of source and event_id';
comment on column core.campaign_event.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.campaign_event.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.campaign_event.campaign is 'play or campaign';
comment on column core.campaign_event.channel is 'channel used';
comment on column core.campaign_event.kind is 'sent, delivered, opened, clicked, converted, unsubscribed, complained (reported as spam) or bounced';
comment on column core.campaign_event.send_key is 'send it belongs to';
comment on column core.campaign_event.happened_at is 'when';
comment on column core.campaign_event.source is 'source system that delivered the row';
comment on column core.campaign_event.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.campaign_event.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.campaign_event.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.campaign_event.is_simulated is 'true where the simulator made the row';

create table core.complaint (
    complaint_key bigint not null,
    valid_from timestamptz not null,
    valid_to timestamptz,
    version_at timestamptz not null,
    complaint_id text not null,
    source_customer_key bigint not null,
    customer_key bigint not null,
    order_key bigint,
    order_id text,
    channel text,
    category text,
    severity text,
    "text" text,
    opened_at timestamptz not null,
    acknowledged_at timestamptz,
    first_replied_at timestamptz,
    resolved_at timestamptz,
    compensation_minor bigint,
    satisfaction integer,
    satisfaction_at timestamptz,
    root_cause text,
    responsible_team text,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (complaint_key, valid_from)
);
create index on core.complaint (order_id) where order_key is null and order_id is not null;
create index on core.complaint (customer_key, opened_at);
create index on core.complaint (opened_at) include (customer_key);
create index on core.complaint (opened_at) where valid_to is null and resolved_at is null;
create index on core.complaint (resolved_at) include (customer_key);
comment on table core.complaint is 'Complaint cases as versions: the state that held from valid_from (inclusive) to valid_to (exclusive). The first version holds from the opening. Grain: one row per case and version.';
comment on column core.complaint.complaint_key is 'hash of source and complaint_id';
comment on column core.complaint.valid_from is 'start of validity';
comment on column core.complaint.valid_to is 'end of validity; null for the current version';
comment on column core.complaint.version_at is 'when the source made this state';
comment on column core.complaint.complaint_id is 'the source''s own number';
comment on column core.complaint.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.complaint.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.complaint.order_key is 'order it is about; null if none, or until the order is known';
comment on column core.complaint.order_id is 'the source''s own number of the order';
comment on column core.complaint.channel is 'how it came in';
comment on column core.complaint.category is 'what it is about';
comment on column core.complaint.severity is 'minor, medium or severe';
comment on column core.complaint."text" is 'what the customer said';
comment on column core.complaint.opened_at is 'when it was opened';
comment on column core.complaint.acknowledged_at is 'when the customer was told it had arrived';
comment on column core.complaint.first_replied_at is 'when the first answer with substance went out';
comment on column core.complaint.resolved_at is 'when it was closed as solved';
comment on column core.complaint.compensation_minor is 'compensation offered, minor units of the base currency';
comment on column core.complaint.satisfaction is 'satisfaction with the handling, 1 to 5';
comment on column core.complaint.satisfaction_at is 'when the satisfaction was given';
comment on column core.complaint.root_cause is 'cause found';
comment on column core.complaint.responsible_team is 'team that owns the case';
comment on column core.complaint.source is 'source system that delivered the row';
comment on column core.complaint.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.complaint.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.complaint.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.complaint.is_simulated is 'true where the simulator made the row';

create table core.contract (
    contract_key bigint not null,
    source_customer_key bigint not null,
    customer_key bigint not null,
    product_key bigint,
    product_id text,
    started_at timestamptz not null,
    renewal_date date,
    fee_minor bigint,
    currency text,
    fee_original numeric,
    renewed_at timestamptz,
    cancelled_at timestamptz,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (contract_key)
);
create index on core.contract (product_id) where product_key is null and product_id is not null;
create index on core.contract (customer_key, renewal_date);
comment on table core.contract is 'Contracts, policies and subscriptions in their latest state. Grain: one row per contract.';
comment on column core.contract.contract_key is 'hash of source and contract_id';
comment on column core.contract.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.contract.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.contract.product_key is 'product or plan; null until the product is known';
comment on column core.contract.product_id is 'the source''s own number of the product';
comment on column core.contract.started_at is 'start';
comment on column core.contract.renewal_date is 'date it is up for renewal';
comment on column core.contract.fee_minor is 'fee of one term, minor units of the base currency';
comment on column core.contract.currency is 'ISO 4217 currency of the fee';
comment on column core.contract.fee_original is 'fee of one term in that currency';
comment on column core.contract.renewed_at is 'when it was renewed';
comment on column core.contract.cancelled_at is 'when it was cancelled';
comment on column core.contract.source is 'source system that delivered the row';
comment on column core.contract.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.contract.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.contract.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.contract.is_simulated is 'true where the simulator made the row';

create table core.contract_version (
    contract_key bigint not null,
    source_customer_key bigint not null,
    customer_key bigint not null,
    product_id text,
    started_at timestamptz not null,
    renewal_date date,
    currency text,
    fee_original numeric,
    renewed_at timestamptz,
    cancelled_at timestamptz,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (contract_key, updated_at)
);
create index on core.contract_version (customer_key);
comment on table core.contract_version is 'Contracts as they were before their source changed them. The latest state is in core.contract: both together are every state delivered. Grain: one row per contract and superseded state.';
comment on column core.contract_version.contract_key is 'hash of source and contract_id';
comment on column core.contract_version.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.contract_version.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.contract_version.product_id is 'the source''s own number of the product';
comment on column core.contract_version.started_at is 'start';
comment on column core.contract_version.renewal_date is 'date it is up for renewal';
comment on column core.contract_version.currency is 'ISO 4217 currency of the fee';
comment on column core.contract_version.fee_original is 'fee of one term in that currency';
comment on column core.contract_version.renewed_at is 'when it was renewed';
comment on column core.contract_version.cancelled_at is 'when it was cancelled';
comment on column core.contract_version.source is 'source system that delivered the row';
comment on column core.contract_version.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.contract_version.updated_at is 'when the source made this state; when the batch landed if the source does not say';
comment on column core.contract_version.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.contract_version.is_simulated is 'true where the simulator made the row';

create table core.customer (
    customer_key bigint not null,
    valid_from timestamptz not null,
    valid_to timestamptz,
    gender text,
    birth_year integer,
    birthday_md text,
    wedding_md text,
    city text,
    region text,
    occupation text,
    acquisition_channel text,
    account_owner text,
    customer_kind text not null,
    personality_tag text,
    language text,
    member_since timestamptz not null,
    is_test boolean not null,
    is_staff boolean not null,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (customer_key, valid_from)
);
create unique index on core.customer (customer_key) where valid_to is null;
comment on table core.customer is 'The person: attributes without personal identifiers, as versions. A version holds from valid_from (inclusive) to valid_to (exclusive; null for the current one); the first one holds from the day the customer became known. Grain: one row per person and version.';
comment on column core.customer.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.customer.valid_from is 'start of validity';
comment on column core.customer.valid_to is 'end of validity; null for the current version';
comment on column core.customer.gender is 'gender as mapped; never used for prices or offers';
comment on column core.customer.birth_year is 'year of birth';
comment on column core.customer.birthday_md is 'birthday as MM-DD';
comment on column core.customer.wedding_md is 'wedding anniversary as MM-DD';
comment on column core.customer.city is 'city of residence';
comment on column core.customer.region is 'province or region';
comment on column core.customer.occupation is 'occupation';
comment on column core.customer.acquisition_channel is 'how the customer was won';
comment on column core.customer.account_owner is 'staff member who looks after the customer';
comment on column core.customer.customer_kind is 'company or consumer';
comment on column core.customer.personality_tag is 'what staff noted about the customer''s manner';
comment on column core.customer.language is 'language for contact, ISO 639-1';
comment on column core.customer.member_since is 'when the customer became known';
comment on column core.customer.is_test is 'test account: in no figure and no audience';
comment on column core.customer.is_staff is 'member of staff: in no audience';
comment on column core.customer.source is 'source system that delivered the row';
comment on column core.customer.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.customer.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.customer.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.customer.is_simulated is 'true where the simulator made the row';

create table core.customer_alias (
    source_customer_key bigint not null,
    customer_key bigint not null,
    rule text not null,
    linked_at timestamptz not null,
    primary key (source_customer_key)
);
create index on core.customer_alias (customer_key);
create index on core.customer_alias (customer_key, source_customer_key) where source_customer_key <> customer_key;
create index on core.customer_alias using brin (linked_at timestamptz_minmax_multi_ops) with (autosummarize = on);
comment on table core.customer_alias is 'Which person each customer number of a source belongs to, by which rule, and since when. Kept for ever, so that send keys, control groups and consent follow a merge. Grain: one row per source customer.';
comment on column core.customer_alias.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.customer_alias.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.customer_alias.rule is 'what linked it: alone, first (names the person), email, phone, email+phone, similar (by probability, core.linkage_pair), decision (core.linkage_decision), chain';
comment on column core.customer_alias.linked_at is 'when the present link was made';

create table core.customer_source (
    source_customer_key bigint not null,
    version_at timestamptz not null,
    gender text,
    birth_year integer,
    birthday_md text,
    wedding_md text,
    city text,
    region text,
    occupation text,
    acquisition_channel text,
    account_owner text,
    customer_kind text not null,
    personality_tag text,
    language text,
    member_since timestamptz not null,
    is_test boolean not null,
    is_staff boolean not null,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (source_customer_key, version_at)
);
comment on table core.customer_source is 'What each source said about each of its customers, version by version: the basis from which core.customer is put together. Grain: one row per source customer and delivered state.';
comment on column core.customer_source.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.customer_source.version_at is 'when the source made this state (its updated_at)';
comment on column core.customer_source.gender is 'gender as mapped; never used for prices or offers';
comment on column core.customer_source.birth_year is 'year of birth';
comment on column core.customer_source.birthday_md is 'birthday as MM-DD';
comment on column core.customer_source.wedding_md is 'wedding anniversary as MM-DD';
comment on column core.customer_source.city is 'city of residence';
comment on column core.customer_source.region is 'province or region';
comment on column core.customer_source.occupation is 'occupation';
comment on column core.customer_source.acquisition_channel is 'how the customer was won';
comment on column core.customer_source.account_owner is 'staff member who looks after the customer';
comment on column core.customer_source.customer_kind is 'company or consumer';
comment on column core.customer_source.personality_tag is 'what staff noted about the customer''s manner';
comment on column core.customer_source.language is 'language for contact, ISO 639-1';
comment on column core.customer_source.member_since is 'when the customer became known';
comment on column core.customer_source.is_test is 'test account: in no figure and no audience';
comment on column core.customer_source.is_staff is 'member of staff: in no audience';
comment on column core.customer_source.source is 'source system that delivered the row';
comment on column core.customer_source.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.customer_source.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.customer_source.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.customer_source.is_simulated is 'true where the simulator made the row';

create table core.customer_tag (
    source_customer_key bigint not null,
    customer_key bigint not null,
    tag text not null,
    set_by text,
    set_at timestamptz not null,
    removed_at timestamptz,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (source_customer_key, tag, set_at)
);
create index on core.customer_tag (customer_key);
comment on table core.customer_tag is 'Tags on customers. Grain: one row per source customer, tag and time it was set.';
comment on column core.customer_tag.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.customer_tag.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.customer_tag.tag is 'the tag';
comment on column core.customer_tag.set_by is 'staff member or rule that set it';
comment on column core.customer_tag.set_at is 'when it was set';
comment on column core.customer_tag.removed_at is 'when it was taken off; null while it stands';
comment on column core.customer_tag.source is 'source system that delivered the row';
comment on column core.customer_tag.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.customer_tag.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.customer_tag.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.customer_tag.is_simulated is 'true where the simulator made the row';

create table core.external_mention (
    mention_key bigint not null,
    platform text,
    "text" text,
    sentiment text,
    product_key bigint,
    product_id text,
    category text,
    happened_at timestamptz not null,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (mention_key)
);
create index on core.external_mention (product_id) where product_key is null and product_id is not null;
create index on core.external_mention (happened_at);
comment on table core.external_mention is 'Public comments about the company or its products. Grain: one row per comment.';
comment on column core.external_mention.mention_key is 'hash of source and mention_id';
comment on column core.external_mention.platform is 'where it was published';
comment on column core.external_mention."text" is 'what it says';
comment on column core.external_mention.sentiment is 'positive, neutral or negative, if known';
comment on column core.external_mention.product_key is 'product it is about; null until the product is known';
comment on column core.external_mention.product_id is 'the source''s own number of the product';
comment on column core.external_mention.category is 'category it is about';
comment on column core.external_mention.happened_at is 'when it was published';
comment on column core.external_mention.source is 'source system that delivered the row';
comment on column core.external_mention.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.external_mention.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.external_mention.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.external_mention.is_simulated is 'true where the simulator made the row';

create table core.holding (
    source_customer_key bigint not null,
    customer_key bigint not null,
    kind text not null,
    balance_date date not null,
    amount_minor bigint not null,
    currency text,
    amount_original numeric,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (source_customer_key, kind, balance_date)
);
create index on core.holding (customer_key, balance_date);
comment on table core.holding is 'Balances of customers by date. Grain: one row per source customer, kind and balance date.';
comment on column core.holding.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.holding.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.holding.kind is 'deposit, stored_value, seats or the source''s own kind';
comment on column core.holding.balance_date is 'date of the balance';
comment on column core.holding.amount_minor is 'balance, minor units of the base currency';
comment on column core.holding.currency is 'ISO 4217 currency of the balance';
comment on column core.holding.amount_original is 'balance in that currency';
comment on column core.holding.source is 'source system that delivered the row';
comment on column core.holding.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.holding.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.holding.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.holding.is_simulated is 'true where the simulator made the row';

create table core.holding_version (
    source_customer_key bigint not null,
    customer_key bigint not null,
    kind text not null,
    balance_date date not null,
    currency text,
    amount_original numeric,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (source_customer_key, kind, balance_date, updated_at)
);
create index on core.holding_version (customer_key);
comment on table core.holding_version is 'Balances as they were before their source corrected them. The latest state is in core.holding: both together are every state delivered. Grain: one row per source customer, kind and balance date and superseded state.';
comment on column core.holding_version.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.holding_version.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.holding_version.kind is 'deposit, stored_value, seats or the source''s own kind';
comment on column core.holding_version.balance_date is 'date of the balance';
comment on column core.holding_version.currency is 'ISO 4217 currency of the balance';
comment on column core.holding_version.amount_original is 'balance in that currency';
comment on column core.holding_version.source is 'source system that delivered the row';
comment on column core.holding_version.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.holding_version.updated_at is 'when the source made this state; when the batch landed if the source does not say';
comment on column core.holding_version.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.holding_version.is_simulated is 'true where the simulator made the row';

create table core.identity_change (
    source_customer_key bigint not null,
    changed_at timestamptz not null,
    old_customer_key bigint not null,
    customer_key bigint not null,
    rule text not null,
    batch_id bigint not null,
    primary key (source_customer_key, changed_at)
);
create index on core.identity_change (customer_key);
create index on core.identity_change (old_customer_key);
create index on core.identity_change (changed_at);
comment on table core.identity_change is 'Every change of the person a source customer belongs to: the trail of merges and partings, to audit or reverse a link. Grain: one row per change of one source customer.';
comment on column core.identity_change.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.identity_change.changed_at is 'when it changed';
comment on column core.identity_change.old_customer_key is 'person before';
comment on column core.identity_change.customer_key is 'person after';
comment on column core.identity_change.rule is 'rule that holds now';
comment on column core.identity_change.batch_id is 'batch that caused it; 0 for a decision of a person or a newly trained model';

create table core.interaction (
    interaction_key bigint not null,
    source_customer_key bigint not null,
    customer_key bigint not null,
    happened_at timestamptz not null,
    channel text,
    kind text not null,
    direction text,
    dwell_seconds numeric,
    subject text,
    category text,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (interaction_key)
);
create index on core.interaction (customer_key, happened_at) include (interaction_key, channel, kind, direction, dwell_seconds, deleted_at, updated_at);
create index on core.interaction (happened_at) include (customer_key);
comment on table core.interaction is 'Touches between customer and company. Grain: one row per touch.';
comment on column core.interaction.interaction_key is 'hash of source and interaction_id';
comment on column core.interaction.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.interaction.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.interaction.happened_at is 'when';
comment on column core.interaction.channel is 'channel';
comment on column core.interaction.kind is 'visit, click, open, call, page_view or like';
comment on column core.interaction.direction is 'in (from the customer) or out';
comment on column core.interaction.dwell_seconds is 'seconds spent';
comment on column core.interaction.subject is 'what it was about';
comment on column core.interaction.category is 'product category it was about';
comment on column core.interaction.source is 'source system that delivered the row';
comment on column core.interaction.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.interaction.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.interaction.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.interaction.is_simulated is 'true where the simulator made the row';

create table core.interaction_version (
    interaction_key bigint not null,
    source_customer_key bigint not null,
    customer_key bigint not null,
    happened_at timestamptz not null,
    channel text,
    kind text not null,
    direction text,
    dwell_seconds numeric,
    subject text,
    category text,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (interaction_key, updated_at)
);
create index on core.interaction_version (customer_key);
comment on table core.interaction_version is 'Touches as they were before their source corrected them. The latest state is in core.interaction: both together are every state delivered. Grain: one row per touch and superseded state.';
comment on column core.interaction_version.interaction_key is 'hash of source and interaction_id';
comment on column core.interaction_version.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.interaction_version.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.interaction_version.happened_at is 'when';
comment on column core.interaction_version.channel is 'channel';
comment on column core.interaction_version.kind is 'visit, click, open, call, page_view or like';
comment on column core.interaction_version.direction is 'in (from the customer) or out';
comment on column core.interaction_version.dwell_seconds is 'seconds spent';
comment on column core.interaction_version.subject is 'what it was about';
comment on column core.interaction_version.category is 'product category it was about';
comment on column core.interaction_version.source is 'source system that delivered the row';
comment on column core.interaction_version.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.interaction_version.updated_at is 'when the source made this state; when the batch landed if the source does not say';
comment on column core.interaction_version.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.interaction_version.is_simulated is 'true where the simulator made the row';

create table core.linkage_decision (
    decision_id bigint generated always as identity not null,
    change_id bigint not null,
    left_key bigint not null,
    right_key bigint not null,
    verdict text not null,
    decided_by text not null,
    reason text not null,
    decided_at timestamptz default now() not null,
    undone_at timestamptz,
    undone_by text,
    primary key (decision_id)
);
create unique index on core.linkage_decision (left_key, right_key) where undone_at is null;
create index on core.linkage_decision (right_key);
comment on table core.linkage_decision is 'What people decided about pairs of source customers: the same person or different ones. It outranks every rule and the model until it is undone. Grain: one row per decision about one pair.';
comment on column core.linkage_decision.decision_id is 'number of the row';
comment on column core.linkage_decision.change_id is 'number of the command; one command may decide about several pairs and is undone as a whole';
comment on column core.linkage_decision.left_key is 'source_customer_key, the smaller one';
comment on column core.linkage_decision.right_key is 'source_customer_key, the greater one';
comment on column core.linkage_decision.verdict is 'same or different';
comment on column core.linkage_decision.decided_by is 'login of who decided';
comment on column core.linkage_decision.reason is 'why, in their words';
comment on column core.linkage_decision.decided_at is 'when';
comment on column core.linkage_decision.undone_at is 'when it was undone or replaced by a later decision; null while in force';
comment on column core.linkage_decision.undone_by is 'login of who undid it';

create table core.linkage_pair (
    left_key bigint not null,
    right_key bigint not null,
    state text not null,
    rule text not null,
    strength integer not null,
    match_weight double precision not null,
    match_probability double precision not null,
    threshold double precision not null,
    model_version text not null,
    levels text not null,
    primary key (left_key, right_key)
);
create index on core.linkage_pair (right_key);
create index on core.linkage_pair (match_probability) where state = 'review';
comment on table core.linkage_pair is 'Every pair of source customers that a rule or the linkage model holds for one person, or that a person should look at, with the evidence as levels of agreement and no values. Whether a link is in force shows in core.customer_alias: pairs that would chain contradicting records are left out there. Grain: one row per pair, the smaller key on the left.';
comment on column core.linkage_pair.left_key is 'source_customer_key, the smaller one';
comment on column core.linkage_pair.right_key is 'source_customer_key, the greater one';
comment on column core.linkage_pair.state is 'link (one person, unless that contradicts something stronger) or review (for people to look at)';
comment on column core.linkage_pair.rule is 'what links the pair: email, phone, email+phone, similar (by probability); empty for review';
comment on column core.linkage_pair.strength is '8 strongest to 3 for addresses, 1 by probability, 0 for review: stronger links are taken first';
comment on column core.linkage_pair.match_weight is 'log2 of the odds that the pair is one person, by the model';
comment on column core.linkage_pair.match_probability is 'the same as a probability';
comment on column core.linkage_pair.threshold is 'probability from which the model links';
comment on column core.linkage_pair.model_version is 'model that weighed the pair (ops.linkage_model, or the one shipped)';
comment on column core.linkage_pair.levels is 'level of each comparison, e.g. name=6 birth=-1: -1 unknown, 0 different, higher is closer (docs/identity.md)';

create table core.market_indicator (
    series text not null,
    region text not null,
    indicator_date date not null,
    value numeric not null,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (series, region, indicator_date)
);
comment on table core.market_indicator is 'Market series, exchange rates among them (''fx.USD.CNY'': what one US dollar costs in yuan). Grain: one row per series, region and date.';
comment on column core.market_indicator.series is 'name of the series';
comment on column core.market_indicator.region is 'region; ''all'' when the value is for everywhere';
comment on column core.market_indicator.indicator_date is 'date of the value';
comment on column core.market_indicator.value is 'the value';
comment on column core.market_indicator.source is 'source system that delivered the row';
comment on column core.market_indicator.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.market_indicator.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.market_indicator.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.market_indicator.is_simulated is 'true where the simulator made the row';

create table core.market_indicator_version (
    series text not null,
    region text not null,
    indicator_date date not null,
    value numeric not null,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (series, region, indicator_date, updated_at)
);
comment on table core.market_indicator_version is 'Values of market series as they were before they were corrected. The latest state is in core.market_indicator: both together are every state delivered. Grain: one row per series, region and date and superseded state.';
comment on column core.market_indicator_version.series is 'name of the series';
comment on column core.market_indicator_version.region is 'region; ''all'' when the value is for everywhere';
comment on column core.market_indicator_version.indicator_date is 'date of the value';
comment on column core.market_indicator_version.value is 'the value';
comment on column core.market_indicator_version.source is 'source system that delivered the row';
comment on column core.market_indicator_version.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.market_indicator_version.updated_at is 'when the source made this state; when the batch landed if the source does not say';
comment on column core.market_indicator_version.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.market_indicator_version.is_simulated is 'true where the simulator made the row';

create table core.order_entry (
    order_key bigint not null,
    kind text not null,
    sequence integer not null,
    customer_key bigint not null,
    happened_at timestamptz not null,
    order_count integer not null,
    gross_minor bigint not null,
    discount_minor bigint not null,
    net_minor bigint not null,
    order_number integer,
    days_since_previous_order numeric,
    previous_paid_at timestamptz,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (order_key, kind, sequence)
);
create index on core.order_entry (customer_key, happened_at) include (order_key, kind, order_count, gross_minor, discount_minor, net_minor, order_number, days_since_previous_order, previous_paid_at, deleted_at);
create index on core.order_entry (customer_key) include (order_key, kind, happened_at, order_count, gross_minor, discount_minor, net_minor, deleted_at) where kind <> 'paid';
create index on core.order_entry (customer_key) where deleted_at is not null;
create index on core.order_entry (happened_at) include (customer_key);
comment on table core.order_entry is 'The order ledger: signed, dated entries, so that sums as of a date are plain sums over entries before it and a later cancellation never rewrites an earlier day. Grain: one row per order, kind and sequence.';
comment on column core.order_entry.order_key is 'hash of source and order_id';
comment on column core.order_entry.kind is 'paid (+1 order), cancelled (-1 order), refunded or returned (money back), corrected (a change of amounts)';
comment on column core.order_entry.sequence is 'counter within order and kind, by time';
comment on column core.order_entry.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.order_entry.happened_at is 'when it took effect';
comment on column core.order_entry.order_count is '+1, -1 or 0';
comment on column core.order_entry.gross_minor is 'signed change before discounts';
comment on column core.order_entry.discount_minor is 'signed change of discount';
comment on column core.order_entry.net_minor is 'signed change after discounts; always gross less discount';
comment on column core.order_entry.order_number is 'which paid order of the customer this is, from 1; on paid entries';
comment on column core.order_entry.days_since_previous_order is 'days since the customer''s previous paid order; on paid entries, null on the first';
comment on column core.order_entry.previous_paid_at is 'when the customer''s previous paid order was paid; on paid entries, null on the first. Where only the days since are known, null too';
comment on column core.order_entry.source is 'source system that delivered the row';
comment on column core.order_entry.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.order_entry.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.order_entry.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.order_entry.is_simulated is 'true where the simulator made the row';

create table core.order_header (
    order_key bigint not null,
    source_customer_key bigint not null,
    customer_key bigint not null,
    order_id text not null,
    ordered_at timestamptz not null,
    paid_at timestamptz,
    cancelled_at timestamptz,
    refunded_at timestamptz,
    currency text not null,
    fx_rate numeric not null,
    gross_minor bigint not null,
    discount_minor bigint not null,
    net_minor bigint not null,
    refund_minor bigint not null,
    gross_original numeric not null,
    discount_original numeric,
    refund_original numeric,
    channel text,
    store text,
    coupon_code text,
    campaign text,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (order_key)
);
create unique index on core.order_header (source, order_id);
create index on core.order_header (customer_key, paid_at) include (order_key, cancelled_at, coupon_code, channel, deleted_at, updated_at);
create index on core.order_header (source_customer_key);
create index on core.order_header (paid_at) include (customer_key);
create index on core.order_header (updated_at) include (customer_key);
create index on core.order_header (currency, ordered_at) where fx_rate <> 1;
comment on table core.order_header is 'Orders in their latest state. For sums as of a date read core.order_entry. Grain: one row per order.';
comment on column core.order_header.order_key is 'hash of source and order_id';
comment on column core.order_header.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.order_header.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.order_header.order_id is 'the source''s own number';
comment on column core.order_header.ordered_at is 'when it was placed';
comment on column core.order_header.paid_at is 'when it was paid; null if never';
comment on column core.order_header.cancelled_at is 'when it was cancelled; null if not';
comment on column core.order_header.refunded_at is 'when money last went back; null if none did';
comment on column core.order_header.currency is 'ISO 4217 currency of the order';
comment on column core.order_header.fx_rate is 'base currency per unit of currency on the day of the order: the last quotation until then, as last corrected';
comment on column core.order_header.gross_minor is 'price before discounts, minor units of the base currency';
comment on column core.order_header.discount_minor is 'discount, minor units of the base currency: gross less net';
comment on column core.order_header.net_minor is 'what was to be paid, converted and rounded as one amount, so that a full refund equals it';
comment on column core.order_header.refund_minor is 'money given back so far, minor units of the base currency';
comment on column core.order_header.gross_original is 'price before discounts in the order''s currency';
comment on column core.order_header.discount_original is 'discount in the order''s currency';
comment on column core.order_header.refund_original is 'money given back so far in the order''s currency';
comment on column core.order_header.channel is 'where it was bought';
comment on column core.order_header.store is 'shop';
comment on column core.order_header.coupon_code is 'coupon used';
comment on column core.order_header.campaign is 'campaign the source credits';
comment on column core.order_header.source is 'source system that delivered the row';
comment on column core.order_header.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.order_header.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.order_header.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.order_header.is_simulated is 'true where the simulator made the row';

create table core.order_line (
    order_key bigint not null,
    line_number integer not null,
    customer_key bigint not null,
    product_key bigint not null,
    category_1 text,
    category_2 text,
    happened_at timestamptz,
    quantity numeric not null,
    unit_price_minor bigint not null,
    gross_minor bigint not null,
    discount_minor bigint not null,
    net_minor bigint not null,
    unit_price_original numeric,
    discount_original numeric,
    returned_quantity numeric not null,
    returned_at timestamptz,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (order_key, line_number)
);
create index on core.order_line (customer_key, happened_at, order_key) include (line_number, product_key, category_1, category_2, quantity, gross_minor, discount_minor, net_minor, returned_quantity, returned_at, deleted_at, updated_at);
comment on table core.order_line is 'Products on orders. Grain: one row per order and line number.';
comment on column core.order_line.order_key is 'hash of source and order_id';
comment on column core.order_line.line_number is 'number of the line within the order';
comment on column core.order_line.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.order_line.product_key is 'the product';
comment on column core.order_line.category_1 is 'widest category of the product at the time of the payment';
comment on column core.order_line.category_2 is 'second category level at that time';
comment on column core.order_line.happened_at is 'when the order was paid, as the ledger has it; null if it was not';
comment on column core.order_line.quantity is 'units bought';
comment on column core.order_line.unit_price_minor is 'price of one unit before discounts, minor units of the base currency';
comment on column core.order_line.gross_minor is 'quantity times unit price';
comment on column core.order_line.discount_minor is 'discount on the line';
comment on column core.order_line.net_minor is 'gross less discount';
comment on column core.order_line.unit_price_original is 'price of one unit before discounts in the order''s currency';
comment on column core.order_line.discount_original is 'discount on the line in the order''s currency';
comment on column core.order_line.returned_quantity is 'units brought back so far';
comment on column core.order_line.returned_at is 'when units last came back';
comment on column core.order_line.source is 'source system that delivered the row';
comment on column core.order_line.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.order_line.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.order_line.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.order_line.is_simulated is 'true where the simulator made the row';

create table core.order_line_version (
    order_key bigint not null,
    line_number integer not null,
    product_key bigint not null,
    quantity numeric not null,
    unit_price_original numeric,
    discount_original numeric,
    returned_quantity numeric not null,
    returned_at timestamptz,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (order_key, line_number, updated_at)
);
comment on table core.order_line_version is 'Lines as they were before their source changed them; the order ledger dates returns by it. The latest state is in core.order_line: both together are every state delivered. Grain: one row per order and line number and superseded state.';
comment on column core.order_line_version.order_key is 'hash of source and order_id';
comment on column core.order_line_version.line_number is 'number of the line within the order';
comment on column core.order_line_version.product_key is 'the product';
comment on column core.order_line_version.quantity is 'units bought';
comment on column core.order_line_version.unit_price_original is 'price of one unit before discounts in the order''s currency';
comment on column core.order_line_version.discount_original is 'discount on the line in the order''s currency';
comment on column core.order_line_version.returned_quantity is 'units brought back so far';
comment on column core.order_line_version.returned_at is 'when units last came back';
comment on column core.order_line_version.source is 'source system that delivered the row';
comment on column core.order_line_version.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.order_line_version.updated_at is 'when the source made this state; when the batch landed if the source does not say';
comment on column core.order_line_version.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.order_line_version.is_simulated is 'true where the simulator made the row';

create table core.order_version (
    order_key bigint not null,
    version_at timestamptz not null,
    ordered_at timestamptz not null,
    paid_at timestamptz,
    cancelled_at timestamptz,
    refunded_at timestamptz,
    currency text not null,
    gross_original numeric not null,
    discount_original numeric not null,
    refund_original numeric not null,
    channel text,
    coupon_code text,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (order_key, version_at)
);
comment on table core.order_version is 'Every delivered state of every order: what the order ledger is derived from, so that the order of arrival does not matter. Grain: one row per order and delivered state.';
comment on column core.order_version.order_key is 'hash of source and order_id';
comment on column core.order_version.version_at is 'when the source made this state (its updated_at; the latest time on the order if it has none)';
comment on column core.order_version.ordered_at is 'when it was placed';
comment on column core.order_version.paid_at is 'when it was paid; null if never';
comment on column core.order_version.cancelled_at is 'when it was cancelled; null if not';
comment on column core.order_version.refunded_at is 'when money last went back; null if none did';
comment on column core.order_version.currency is 'ISO 4217 currency of the amounts';
comment on column core.order_version.gross_original is 'price before discounts, in major units of its currency';
comment on column core.order_version.discount_original is 'discount, in major units of its currency';
comment on column core.order_version.refund_original is 'money given back so far, in major units of its currency';
comment on column core.order_version.channel is 'where it was bought';
comment on column core.order_version.coupon_code is 'coupon used';
comment on column core.order_version.source is 'source system that delivered the row';
comment on column core.order_version.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.order_version.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.order_version.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.order_version.is_simulated is 'true where the simulator made the row';

create table core.points_entry (
    entry_key bigint not null,
    source_customer_key bigint not null,
    customer_key bigint not null,
    kind text not null,
    points bigint not null,
    happened_at timestamptz not null,
    expires_at timestamptz,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (entry_key)
);
create index on core.points_entry (customer_key, happened_at) include (entry_key, kind, points, expires_at, deleted_at, updated_at);
create index on core.points_entry (happened_at) include (customer_key);
create index on core.points_entry (expires_at) include (customer_key);
comment on table core.points_entry is 'Entries of the loyalty points ledger. Grain: one row per ledger entry.';
comment on column core.points_entry.entry_key is 'hash of source and entry_id';
comment on column core.points_entry.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.points_entry.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.points_entry.kind is 'earned (adds), redeemed or expired (take away)';
comment on column core.points_entry.points is 'number of points, positive';
comment on column core.points_entry.happened_at is 'when they were booked';
comment on column core.points_entry.expires_at is 'when earned points run out; null if never';
comment on column core.points_entry.source is 'source system that delivered the row';
comment on column core.points_entry.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.points_entry.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.points_entry.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.points_entry.is_simulated is 'true where the simulator made the row';

create table core.points_entry_version (
    entry_key bigint not null,
    source_customer_key bigint not null,
    customer_key bigint not null,
    kind text not null,
    points bigint not null,
    happened_at timestamptz not null,
    expires_at timestamptz,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (entry_key, updated_at)
);
create index on core.points_entry_version (customer_key);
comment on table core.points_entry_version is 'Entries of the points ledger as they were before their source corrected them. The latest state is in core.points_entry: both together are every state delivered. Grain: one row per ledger entry and superseded state.';
comment on column core.points_entry_version.entry_key is 'hash of source and entry_id';
comment on column core.points_entry_version.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.points_entry_version.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.points_entry_version.kind is 'earned (adds), redeemed or expired (take away)';
comment on column core.points_entry_version.points is 'number of points, positive';
comment on column core.points_entry_version.happened_at is 'when they were booked';
comment on column core.points_entry_version.expires_at is 'when earned points run out; null if never';
comment on column core.points_entry_version.source is 'source system that delivered the row';
comment on column core.points_entry_version.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.points_entry_version.updated_at is 'when the source made this state; when the batch landed if the source does not say';
comment on column core.points_entry_version.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.points_entry_version.is_simulated is 'true where the simulator made the row';

create table core.product (
    product_key bigint not null,
    product_id text not null,
    valid boolean not null,
    name text,
    category_1 text,
    category_2 text,
    category_path text,
    brand text,
    list_price_minor bigint,
    unit_cost_minor bigint,
    currency text,
    list_price_original numeric,
    unit_cost_original numeric,
    stock_on_hand numeric,
    is_replenishable boolean not null,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (product_key)
);
create unique index on core.product (source, product_id);
comment on table core.product is 'Products in their latest state; core.product_version holds the states before. Grain: one row per product.';
comment on column core.product.product_key is 'hash of source and product_id';
comment on column core.product.product_id is 'the source''s own number';
comment on column core.product.valid is 'false once the source deleted it';
comment on column core.product.name is 'product name';
comment on column core.product.category_1 is 'widest category';
comment on column core.product.category_2 is 'second category level';
comment on column core.product.category_path is 'all levels, separated by '' > ''';
comment on column core.product.brand is 'brand';
comment on column core.product.list_price_minor is 'list price, minor units of the base currency';
comment on column core.product.unit_cost_minor is 'purchase cost of one unit, minor units of the base currency';
comment on column core.product.currency is 'ISO 4217 currency of price and cost';
comment on column core.product.list_price_original is 'list price in that currency';
comment on column core.product.unit_cost_original is 'purchase cost of one unit in that currency';
comment on column core.product.stock_on_hand is 'units in stock';
comment on column core.product.is_replenishable is 'customers buy it again and again';
comment on column core.product.source is 'source system that delivered the row';
comment on column core.product.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.product.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.product.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.product.is_simulated is 'true where the simulator made the row';

create table core.product_version (
    product_key bigint not null,
    product_id text not null,
    name text,
    category_1 text,
    category_2 text,
    category_path text,
    brand text,
    currency text,
    list_price_original numeric,
    unit_cost_original numeric,
    stock_on_hand numeric,
    is_replenishable boolean not null,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (product_key, updated_at)
);
comment on table core.product_version is 'Products as they were before their source changed them: categories, prices, stock. The latest state is in core.product: both together are every state delivered. Grain: one row per product and superseded state.';
comment on column core.product_version.product_key is 'hash of source and product_id';
comment on column core.product_version.product_id is 'the source''s own number';
comment on column core.product_version.name is 'product name';
comment on column core.product_version.category_1 is 'widest category';
comment on column core.product_version.category_2 is 'second category level';
comment on column core.product_version.category_path is 'all levels, separated by '' > ''';
comment on column core.product_version.brand is 'brand';
comment on column core.product_version.currency is 'ISO 4217 currency of price and cost';
comment on column core.product_version.list_price_original is 'list price in that currency';
comment on column core.product_version.unit_cost_original is 'purchase cost of one unit in that currency';
comment on column core.product_version.stock_on_hand is 'units in stock';
comment on column core.product_version.is_replenishable is 'customers buy it again and again';
comment on column core.product_version.source is 'source system that delivered the row';
comment on column core.product_version.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.product_version.updated_at is 'when the source made this state; when the batch landed if the source does not say';
comment on column core.product_version.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.product_version.is_simulated is 'true where the simulator made the row';

create table core.referral (
    referral_key bigint not null,
    source_customer_key bigint not null,
    customer_key bigint not null,
    referred_source_customer_key bigint,
    referred_customer_key bigint,
    referred_at timestamptz not null,
    converted_at timestamptz,
    reward_minor bigint,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (referral_key)
);
create index on core.referral (referred_source_customer_key) where referred_customer_key is null;
create index on core.referral (customer_key, referred_at);
create index on core.referral (referred_customer_key);
comment on table core.referral is 'Recommendations. Grain: one row per recommendation.';
comment on column core.referral.referral_key is 'hash of source and referral_id';
comment on column core.referral.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.referral.customer_key is 'the person who recommended';
comment on column core.referral.referred_source_customer_key is 'the customer who came, as the source knows them; set before that customer is delivered';
comment on column core.referral.referred_customer_key is 'the person who came; null until known';
comment on column core.referral.referred_at is 'when it was made';
comment on column core.referral.converted_at is 'when the referred person first bought';
comment on column core.referral.reward_minor is 'reward paid, minor units of the base currency';
comment on column core.referral.source is 'source system that delivered the row';
comment on column core.referral.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.referral.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.referral.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.referral.is_simulated is 'true where the simulator made the row';

create table core.referral_version (
    referral_key bigint not null,
    source_customer_key bigint not null,
    customer_key bigint not null,
    referred_source_customer_key bigint,
    referred_customer_key bigint,
    referred_at timestamptz not null,
    converted_at timestamptz,
    reward_minor bigint,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (referral_key, updated_at)
);
create index on core.referral_version (referred_source_customer_key) where referred_customer_key is null;
create index on core.referral_version (customer_key);
create index on core.referral_version (referred_customer_key);
comment on table core.referral_version is 'Recommendations as they were before their source changed them. The latest state is in core.referral: both together are every state delivered. Grain: one row per recommendation and superseded state.';
comment on column core.referral_version.referral_key is 'hash of source and referral_id';
comment on column core.referral_version.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.referral_version.customer_key is 'the person who recommended';
comment on column core.referral_version.referred_source_customer_key is 'the customer who came, as the source knows them; set before that customer is delivered';
comment on column core.referral_version.referred_customer_key is 'the person who came; null until known';
comment on column core.referral_version.referred_at is 'when it was made';
comment on column core.referral_version.converted_at is 'when the referred person first bought';
comment on column core.referral_version.reward_minor is 'reward paid, minor units of the base currency';
comment on column core.referral_version.source is 'source system that delivered the row';
comment on column core.referral_version.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.referral_version.updated_at is 'when the source made this state; when the batch landed if the source does not say';
comment on column core.referral_version.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.referral_version.is_simulated is 'true where the simulator made the row';

create table core.survey_answer (
    answer_key bigint not null,
    source_customer_key bigint not null,
    customer_key bigint not null,
    happened_at timestamptz not null,
    instrument text not null,
    score numeric not null,
    comment text,
    about_kind text,
    about_id text,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (answer_key)
);
create index on core.survey_answer (customer_key, happened_at) include (answer_key, instrument, score, deleted_at, updated_at);
create index on core.survey_answer (happened_at) include (customer_key);
comment on table core.survey_answer is 'Answers to survey questions. Grain: one row per answer.';
comment on column core.survey_answer.answer_key is 'hash of source and answer_id';
comment on column core.survey_answer.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.survey_answer.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.survey_answer.happened_at is 'when it was answered';
comment on column core.survey_answer.instrument is 'nps, csat or servqual_ and its dimension';
comment on column core.survey_answer.score is 'score on the instrument''s scale';
comment on column core.survey_answer.comment is 'free text';
comment on column core.survey_answer.about_kind is 'order, complaint, product or company';
comment on column core.survey_answer.about_id is 'the source''s number of what it is about';
comment on column core.survey_answer.source is 'source system that delivered the row';
comment on column core.survey_answer.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.survey_answer.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.survey_answer.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.survey_answer.is_simulated is 'true where the simulator made the row';

create table core.survey_answer_version (
    answer_key bigint not null,
    source_customer_key bigint not null,
    customer_key bigint not null,
    happened_at timestamptz not null,
    instrument text not null,
    score numeric not null,
    comment text,
    about_kind text,
    about_id text,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (answer_key, updated_at)
);
create index on core.survey_answer_version (customer_key);
comment on table core.survey_answer_version is 'Answers as they were before their source corrected them. The latest state is in core.survey_answer: both together are every state delivered. Grain: one row per answer and superseded state.';
comment on column core.survey_answer_version.answer_key is 'hash of source and answer_id';
comment on column core.survey_answer_version.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.survey_answer_version.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.survey_answer_version.happened_at is 'when it was answered';
comment on column core.survey_answer_version.instrument is 'nps, csat or servqual_ and its dimension';
comment on column core.survey_answer_version.score is 'score on the instrument''s scale';
comment on column core.survey_answer_version.comment is 'free text';
comment on column core.survey_answer_version.about_kind is 'order, complaint, product or company';
comment on column core.survey_answer_version.about_id is 'the source''s number of what it is about';
comment on column core.survey_answer_version.source is 'source system that delivered the row';
comment on column core.survey_answer_version.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.survey_answer_version.updated_at is 'when the source made this state; when the batch landed if the source does not say';
comment on column core.survey_answer_version.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.survey_answer_version.is_simulated is 'true where the simulator made the row';

create table features.customer_basket (
    as_of_date date not null,
    customer_key bigint not null,
    count_baskets_365d bigint not null,
    count_lines_365d bigint not null,
    lines_per_basket_365d double precision,
    largest_basket_lines_365d bigint,
    quantity_365d double precision not null,
    mean_unit_price_minor_365d double precision,
    count_products_365d bigint not null,
    repeated_product_share_365d double precision,
    count_categories_365d bigint not null,
    count_categories_90d bigint not null,
    count_new_categories_90d bigint not null,
    count_subcategories_365d bigint not null,
    top_category_365d text,
    top_category_share_365d double precision,
    category_concentration_365d double precision,
    discounted_line_share_365d double precision,
    count_returned_lines_365d bigint not null,
    baskets_with_return_share_365d double precision,
    returned_quantity_share_365d double precision,
    days_since_last_return integer,
    primary key (as_of_date, customer_key)
) partition by range (as_of_date);
comment on table features.customer_basket is 'What a customer buys as of a date: size of baskets, mix of products and categories, discounts taken, goods brought back. Order lines of the 365 business days before the as-of date, without orders cancelled before it. Grain: one row per customer per as_of_date.';
comment on column features.customer_basket.as_of_date is 'date D the row holds for: only what happened before D began in the business time zone was used';
comment on column features.customer_basket.customer_key is 'pseudonym of the customer';
comment on column features.customer_basket.count_baskets_365d is 'orders with lines in the last 365 days';
comment on column features.customer_basket.count_lines_365d is 'order lines of the last 365 days';
comment on column features.customer_basket.lines_per_basket_365d is 'mean number of lines of an order; null without orders';
comment on column features.customer_basket.largest_basket_lines_365d is 'lines of the order with most; null without orders';
comment on column features.customer_basket.quantity_365d is 'units bought';
comment on column features.customer_basket.mean_unit_price_minor_365d is 'net amount per unit, minor units of the base currency; null without orders';
comment on column features.customer_basket.count_products_365d is 'different products bought; one that moved to another category counts once in each';
comment on column features.customer_basket.repeated_product_share_365d is 'share of those products bought on more than one line; null without orders';
comment on column features.customer_basket.count_categories_365d is 'different first-level categories bought';
comment on column features.customer_basket.count_categories_90d is 'different first-level categories bought in the last 90 days';
comment on column features.customer_basket.count_new_categories_90d is 'first-level categories bought in the last 90 days and not in the 275 days before';
comment on column features.customer_basket.count_subcategories_365d is 'different second-level categories bought';
comment on column features.customer_basket.top_category_365d is 'first-level category with the highest net amount; ties go to the first by name';
comment on column features.customer_basket.top_category_share_365d is 'share of that category in the net amount of all categories; null without orders';
comment on column features.customer_basket.category_concentration_365d is 'sum of squared shares of the categories (Herfindahl): 1 is one category, 1/n is an even mix of n; null without orders';
comment on column features.customer_basket.discounted_line_share_365d is 'share of lines bought at a discount; null without orders';
comment on column features.customer_basket.count_returned_lines_365d is 'lines of the last 365 days of which something came back before D';
comment on column features.customer_basket.baskets_with_return_share_365d is 'orders of which something came back, per order; null without orders';
comment on column features.customer_basket.returned_quantity_share_365d is 'units brought back per unit bought; null without orders';
comment on column features.customer_basket.days_since_last_return is 'business days since goods of the last 365 days last came back; null if none did';

create table features.customer_engagement (
    as_of_date date not null,
    customer_key bigint not null,
    count_interactions_30d bigint not null,
    count_interactions_previous_30d bigint not null,
    interactions_change_30d bigint not null,
    count_interactions_90d bigint not null,
    count_interactions_365d bigint not null,
    count_inbound_interactions_90d bigint not null,
    count_interaction_channels_90d bigint not null,
    count_phone_interactions_90d bigint not null,
    count_email_interactions_90d bigint not null,
    count_sms_interactions_90d bigint not null,
    count_wechat_interactions_90d bigint not null,
    count_app_interactions_90d bigint not null,
    count_in_person_interactions_90d bigint not null,
    count_social_interactions_90d bigint not null,
    count_reactions_90d bigint not null,
    count_page_views_90d bigint not null,
    dwell_seconds_90d bigint not null,
    days_since_last_interaction integer,
    latest_nps double precision,
    days_since_latest_nps integer,
    nps_change double precision,
    mean_csat_365d double precision,
    mean_servqual_365d double precision,
    count_survey_answers_365d bigint not null,
    count_campaign_messages_90d bigint not null,
    count_campaign_responses_90d bigint not null,
    count_referrals_lifetime bigint not null,
    count_converted_referrals_lifetime bigint not null,
    points_balance bigint not null,
    points_expiring_30d bigint not null,
    points_redeemed_365d bigint not null,
    primary key (as_of_date, customer_key)
) partition by range (as_of_date);
comment on table features.customer_engagement is 'How a customer and the company deal with each other as of a date: touches and their trend, answers to surveys and messages, referrals, points. One row for everybody known as of the date who is no test account: the population of all segments. Grain: one row per customer per as_of_date.';
comment on column features.customer_engagement.as_of_date is 'date D the row holds for: only what happened before D began in the business time zone was used';
comment on column features.customer_engagement.customer_key is 'pseudonym of the customer';
comment on column features.customer_engagement.count_interactions_30d is 'touches in either direction in the 30 business days before D';
comment on column features.customer_engagement.count_interactions_previous_30d is 'touches in the 30 business days before those';
comment on column features.customer_engagement.interactions_change_30d is 'touches of the last 30 days less those of the 30 days before; negative is the warning sign of falling interest';
comment on column features.customer_engagement.count_interactions_90d is 'touches in the 90 business days before D';
comment on column features.customer_engagement.count_interactions_365d is 'touches in the 365 business days before D';
comment on column features.customer_engagement.count_inbound_interactions_90d is 'touches of the last 90 days that came from the customer';
comment on column features.customer_engagement.count_interaction_channels_90d is 'different channels of the last 90 days';
comment on column features.customer_engagement.count_phone_interactions_90d is 'touches by phone in the last 90 days';
comment on column features.customer_engagement.count_email_interactions_90d is 'touches by e-mail in the last 90 days';
comment on column features.customer_engagement.count_sms_interactions_90d is 'touches by SMS in the last 90 days';
comment on column features.customer_engagement.count_wechat_interactions_90d is 'touches on WeChat in the last 90 days';
comment on column features.customer_engagement.count_app_interactions_90d is 'touches in the app in the last 90 days';
comment on column features.customer_engagement.count_in_person_interactions_90d is 'touches in a store or at an event in the last 90 days';
comment on column features.customer_engagement.count_social_interactions_90d is 'touches on Weibo or Xiaohongshu in the last 90 days';
comment on column features.customer_engagement.count_reactions_90d is 'opens, clicks and likes of the last 90 days';
comment on column features.customer_engagement.count_page_views_90d is 'page views of the last 90 days';
comment on column features.customer_engagement.dwell_seconds_90d is 'seconds spent in the touches of the last 90 days';
comment on column features.customer_engagement.days_since_last_interaction is 'business days since the last touch; null if there was none in the last 365';
comment on column features.customer_engagement.latest_nps is 'latest answer to the NPS question, 0 to 10; null if never answered';
comment on column features.customer_engagement.days_since_latest_nps is 'business days since that answer; null if never answered';
comment on column features.customer_engagement.nps_change is 'latest NPS answer less the one before; null with fewer than two';
comment on column features.customer_engagement.mean_csat_365d is 'mean CSAT answer of the last 365 days, 1 to 5; null without answers';
comment on column features.customer_engagement.mean_servqual_365d is 'mean SERVQUAL answer of the last 365 days over all dimensions; null without answers';
comment on column features.customer_engagement.count_survey_answers_365d is 'survey answers of the last 365 days';
comment on column features.customer_engagement.count_campaign_messages_90d is 'campaign messages sent in the last 90 days';
comment on column features.customer_engagement.count_campaign_responses_90d is 'messages opened, clicked or converted in the last 90 days, by event';
comment on column features.customer_engagement.count_referrals_lifetime is 'people recommended before D';
comment on column features.customer_engagement.count_converted_referrals_lifetime is 'of these, who had bought before D';
comment on column features.customer_engagement.points_balance is 'points that can be used as of D: earned less redeemed and expired; lots past their date count as expired even before the source books it';
comment on column features.customer_engagement.points_expiring_30d is 'of the balance, points that run out in the 30 days from D on (number of days: settings), the oldest lots being used first';
comment on column features.customer_engagement.points_redeemed_365d is 'points redeemed in the last 365 days';

create table features.customer_orders (
    as_of_date date not null,
    customer_key bigint not null,
    first_order_at timestamptz not null,
    last_order_at timestamptz not null,
    won_back_at timestamptz,
    recency_days integer not null,
    tenure_days integer not null,
    first_to_last_order_days integer not null,
    count_orders_lifetime bigint not null,
    count_order_days_lifetime bigint not null,
    count_orders_30d bigint not null,
    count_orders_90d bigint not null,
    count_orders_previous_90d bigint not null,
    orders_change_90d bigint not null,
    count_orders_365d bigint not null,
    count_cancelled_orders_365d bigint not null,
    net_minor_30d bigint not null,
    net_minor_90d bigint not null,
    net_minor_previous_90d bigint not null,
    net_change_90d_minor bigint not null,
    net_minor_365d bigint not null,
    net_minor_lifetime bigint not null,
    net_minor_membership_year bigint not null,
    gross_minor_365d bigint not null,
    discount_minor_365d bigint not null,
    discount_share_365d double precision,
    mean_order_value_minor_365d double precision,
    largest_order_minor_365d bigint,
    refunded_minor_365d bigint not null,
    refund_share_365d double precision,
    mean_days_between_orders double precision,
    std_days_between_orders double precision,
    max_days_between_orders double precision,
    overdue_ratio double precision,
    repeat_order_value_mean_minor double precision,
    count_coupon_orders_365d bigint not null,
    coupon_order_share_365d double precision,
    count_order_channels_365d bigint not null,
    primary key (as_of_date, customer_key)
) partition by range (as_of_date);
comment on table features.customer_orders is 'What a purchaser''s orders say as of a date: recency, frequency, money, rhythm and trend. A purchaser has at least one order paid before the as-of date that was not cancelled before it; test accounts and deleted people are left out. An order belongs to the window in which it was paid, net of everything booked on it before the as-of date. Grain: one row per purchaser per as_of_date.';
comment on column features.customer_orders.as_of_date is 'date D the row holds for: only what happened before D began in the business time zone was used';
comment on column features.customer_orders.customer_key is 'pseudonym of the purchaser';
comment on column features.customer_orders.first_order_at is 'payment of the first order that still stands';
comment on column features.customer_orders.last_order_at is 'payment of the latest order that still stands';
comment on column features.customer_orders.won_back_at is 'payment of the latest order that came after the customer counted as lost (gap to the order before longer than the days in settings); null if none did';
comment on column features.customer_orders.recency_days is 'business days from the day of the last order to D; 1 when it was paid on the day before D';
comment on column features.customer_orders.tenure_days is 'business days from the day of the first order to D';
comment on column features.customer_orders.first_to_last_order_days is 'business days from the first to the last order day; 0 with one order day';
comment on column features.customer_orders.count_orders_lifetime is 'orders that stand as of D';
comment on column features.customer_orders.count_order_days_lifetime is 'business days with at least one order that stands';
comment on column features.customer_orders.count_orders_30d is 'orders paid in the 30 business days before D';
comment on column features.customer_orders.count_orders_90d is 'orders paid in the 90 business days before D';
comment on column features.customer_orders.count_orders_previous_90d is 'orders paid in the 90 business days before those';
comment on column features.customer_orders.orders_change_90d is 'orders of the last 90 days less those of the 90 days before; negative is the warning sign of falling frequency';
comment on column features.customer_orders.count_orders_365d is 'orders paid in the 365 business days before D';
comment on column features.customer_orders.count_cancelled_orders_365d is 'orders paid in the 365 business days before D and cancelled before D';
comment on column features.customer_orders.net_minor_30d is 'net amount of the orders of the last 30 days, minor units of the base currency';
comment on column features.customer_orders.net_minor_90d is 'net amount of the orders of the last 90 days';
comment on column features.customer_orders.net_minor_previous_90d is 'net amount of the orders of the 90 days before those';
comment on column features.customer_orders.net_change_90d_minor is 'net amount of the last 90 days less that of the 90 days before';
comment on column features.customer_orders.net_minor_365d is 'net amount of the orders of the last 365 days';
comment on column features.customer_orders.net_minor_lifetime is 'net amount of all orders that stand';
comment on column features.customer_orders.net_minor_membership_year is 'net amount of the orders paid in the membership year that the day before D lies in';
comment on column features.customer_orders.gross_minor_365d is 'amount before discounts of the orders of the last 365 days, after refunds';
comment on column features.customer_orders.discount_minor_365d is 'discounts on the orders of the last 365 days, after refunds';
comment on column features.customer_orders.discount_share_365d is 'discount over amount before discounts, last 365 days; null without orders';
comment on column features.customer_orders.mean_order_value_minor_365d is 'net amount per order, last 365 days; null without orders';
comment on column features.customer_orders.largest_order_minor_365d is 'net amount of the largest order of the last 365 days; null without orders';
comment on column features.customer_orders.refunded_minor_365d is 'money given back before D (refunds and returns) on the orders of the last 365 days';
comment on column features.customer_orders.refund_share_365d is 'money given back over money charged, orders of the last 365 days; null without orders';
comment on column features.customer_orders.mean_days_between_orders is 'the own rhythm: days from first to last order day over the gaps between order days; null with one order day';
comment on column features.customer_orders.std_days_between_orders is 'sample standard deviation of the days to the order before, orders on the same day left out; null with fewer than two gaps';
comment on column features.customer_orders.max_days_between_orders is 'most days between an order that stands and the order before it; null with one order';
comment on column features.customer_orders.overdue_ratio is 'recency_days over mean_days_between_orders: 2 is twice the own rhythm; null with one order day';
comment on column features.customer_orders.repeat_order_value_mean_minor is 'mean net amount per order day after the first order day; null with one order day';
comment on column features.customer_orders.count_coupon_orders_365d is 'orders of the last 365 days that used a coupon';
comment on column features.customer_orders.coupon_order_share_365d is 'share of the orders of the last 365 days that used a coupon; null without orders';
comment on column features.customer_orders.count_order_channels_365d is 'different channels of the orders of the last 365 days';

create table features.customer_service (
    as_of_date date not null,
    customer_key bigint not null,
    count_complaints_lifetime bigint not null,
    count_complaints_90d bigint not null,
    count_complaints_365d bigint not null,
    complaints_change_90d bigint not null,
    count_complaints_open bigint not null,
    worst_open_severity_rank integer not null,
    oldest_open_complaint_days integer,
    worst_severity_rank_365d integer not null,
    complaints_per_order_365d double precision,
    mean_hours_to_resolve_365d double precision,
    mean_hours_to_first_reply_365d double precision,
    count_acknowledge_breaches_365d bigint not null,
    count_first_reply_breaches_365d bigint not null,
    days_since_last_complaint integer,
    last_complaint_resolved_at timestamptz,
    compensation_minor_365d bigint not null,
    mean_complaint_satisfaction_365d double precision,
    primary key (as_of_date, customer_key)
) partition by range (as_of_date);
comment on table features.customer_service is 'What a customer complained about and how it was handled, as of a date: from the version of each complaint that was in force. Rates are per order, because who buys more also complains more. Grain: one row per customer per as_of_date.';
comment on column features.customer_service.as_of_date is 'date D the row holds for: only what happened before D began in the business time zone was used';
comment on column features.customer_service.customer_key is 'pseudonym of the customer';
comment on column features.customer_service.count_complaints_lifetime is 'complaints opened before D';
comment on column features.customer_service.count_complaints_90d is 'complaints opened in the 90 business days before D';
comment on column features.customer_service.count_complaints_365d is 'complaints opened in the 365 business days before D';
comment on column features.customer_service.complaints_change_90d is 'complaints of the last 90 days less those of the 90 days before; positive is the warning sign of rising complaints';
comment on column features.customer_service.count_complaints_open is 'complaints not resolved before D';
comment on column features.customer_service.worst_open_severity_rank is 'worst severity among the open: 0 none open, 1 minor, 2 medium, 3 severe';
comment on column features.customer_service.oldest_open_complaint_days is 'business days since the oldest open complaint was opened; null if none is open';
comment on column features.customer_service.worst_severity_rank_365d is 'worst severity of the last 365 days: 0 none, 1 minor, 2 medium, 3 severe';
comment on column features.customer_service.complaints_per_order_365d is 'complaints per order of the last 365 days, as of D; null where there were no complaints ever, or no orders';
comment on column features.customer_service.mean_hours_to_resolve_365d is 'mean hours from opening to solution, complaints of the last 365 days solved before D; null if none';
comment on column features.customer_service.mean_hours_to_first_reply_365d is 'mean hours from opening to the first answer, complaints of the last 365 days answered before D; null if none';
comment on column features.customer_service.count_acknowledge_breaches_365d is 'complaints of the last 365 days acknowledged too late, or too late already and not yet';
comment on column features.customer_service.count_first_reply_breaches_365d is 'complaints of the last 365 days first answered too late, or too late already and not yet';
comment on column features.customer_service.days_since_last_complaint is 'business days since the last complaint was opened; null if there was none';
comment on column features.customer_service.last_complaint_resolved_at is 'when a complaint was last solved; null if none was';
comment on column features.customer_service.compensation_minor_365d is 'compensation of complaints solved in the last 365 days, minor units of the base currency';
comment on column features.customer_service.mean_complaint_satisfaction_365d is 'mean satisfaction with the handling, 1 to 5, complaints of the last 365 days; null without answers';

create table features.order_past (
    customer_key bigint not null,
    cut_at timestamptz,
    is_stale boolean not null,
    first_order_at timestamptz,
    second_order_at timestamptz,
    last_order_at timestamptz,
    won_back_at timestamptz,
    count_orders bigint,
    count_order_days bigint,
    net_minor double precision,
    first_net_minor double precision,
    count_gaps bigint,
    sum_gaps double precision,
    sum_squared_gaps double precision,
    largest_gap double precision,
    primary key (customer_key)
);
create index on features.order_past (customer_key) where is_stale;
comment on table features.order_past is 'What each customer had ordered before a day more than a year ago (features.order_past_cut): sums that no window looks into, so that a build reads the ledger of the last year only. Derived from core.order_entry and thrown away freely: who is marked as stale, by the transaction that changed their entries, is read from the ledger. Who has no row had no entry before that day. Grain: one row per customer.';
comment on column features.order_past.customer_key is 'pseudonym of the customer';
comment on column features.order_past.cut_at is 'the sums hold orders paid before this beginning of a business day, as they stood on it; null where the row says nothing but that it is stale';
comment on column features.order_past.is_stale is 'an entry before cut_at was changed since, or is one that the source has deleted: the row is not used';
comment on column features.order_past.first_order_at is 'payment of the first order';
comment on column features.order_past.second_order_at is 'payment of the second order; null with one';
comment on column features.order_past.last_order_at is 'payment of the last order';
comment on column features.order_past.won_back_at is 'payment of the latest order that came after the customer counted as lost';
comment on column features.order_past.count_orders is 'orders';
comment on column features.order_past.count_order_days is 'business days with an order';
comment on column features.order_past.net_minor is 'net amount of all of them, minor units of the base currency; a whole number';
comment on column features.order_past.first_net_minor is 'net amount of the first order';
comment on column features.order_past.count_gaps is 'orders on a later business day than the order before';
comment on column features.order_past.sum_gaps is 'business days between an order and the one before, summed';
comment on column features.order_past.sum_squared_gaps is 'their squares, summed';
comment on column features.order_past.largest_gap is 'the longest of them';

create table features.order_past_cut (
    cut_at timestamptz not null,
    business_timezone text not null,
    lost_days integer not null,
    made_at timestamptz not null,
    primary key (cut_at)
);
comment on table features.order_past_cut is 'Up to which day features.order_past sums, and by which settings. Without a row nothing of it is used. Grain: one row, or none.';
comment on column features.order_past_cut.cut_at is 'beginning of the first business day that is not summed';
comment on column features.order_past_cut.business_timezone is 'time zone in which business days were cut';
comment on column features.order_past_cut.lost_days is 'days without an order after which a customer counted as lost';
comment on column features.order_past_cut.made_at is 'when the sums were made';

create table landing.campaign_event (
    batch_id bigint not null,
    position bigint not null,
    file text,
    event_id text,
    campaign text,
    customer_id text,
    send_key text,
    channel text,
    kind text,
    occurred_at text,
    updated_at text,
    deleted_at text,
    is_simulated text
);
create index on landing.campaign_event using brin (batch_id int8_minmax_multi_ops) with (autosummarize = on);
comment on table landing.campaign_event is 'One event that a marketing tool reports back, as delivered. All values are text, with the names mapped to ours; rows that fail a check move to quarantine.row. Grain: one row per event.';
comment on column landing.campaign_event.batch_id is 'the batch that delivered the row (ops.batch)';
comment on column landing.campaign_event.position is 'row number in the table read, or line number in the file, counted from 1';
comment on column landing.campaign_event.file is 'the file the row stood in; null for rows read from a table';
comment on column landing.campaign_event.event_id is 'the tool''s own number of the event';
comment on column landing.campaign_event.campaign is 'campaign (play) that caused it';
comment on column landing.campaign_event.customer_id is 'the source''s own number of the customer';
comment on column landing.campaign_event.send_key is 'the send the event belongs to';
comment on column landing.campaign_event.channel is 'channel used';
comment on column landing.campaign_event.kind is 'sent, delivered, opened, clicked, converted, unsubscribed, complained (reported as spam) or bounced';
comment on column landing.campaign_event.occurred_at is 'when it happened';
comment on column landing.campaign_event.updated_at is 'when the source last changed the row';
comment on column landing.campaign_event.deleted_at is 'when the source deleted the row; null while it exists';
comment on column landing.campaign_event.is_simulated is 'true where the value was made by the simulator and not by a real customer';

create table landing.complaint (
    batch_id bigint not null,
    position bigint not null,
    file text,
    complaint_id text,
    customer_id text,
    order_id text,
    channel text,
    category text,
    severity text,
    "text" text,
    opened_at text,
    acknowledged_at text,
    first_replied_at text,
    resolved_at text,
    compensation_amount text,
    satisfaction text,
    satisfaction_at text,
    root_cause text,
    responsible_team text,
    updated_at text,
    deleted_at text,
    is_simulated text
);
create index on landing.complaint using brin (batch_id int8_minmax_multi_ops) with (autosummarize = on);
comment on table landing.complaint is 'One complaint case as delivered, in its current state. All values are text, with the names mapped to ours; rows that fail a check move to quarantine.row. Grain: one row per delivered state of one case.';
comment on column landing.complaint.batch_id is 'the batch that delivered the row (ops.batch)';
comment on column landing.complaint.position is 'row number in the table read, or line number in the file, counted from 1';
comment on column landing.complaint.file is 'the file the row stood in; null for rows read from a table';
comment on column landing.complaint.complaint_id is 'the source''s own number of the case';
comment on column landing.complaint.customer_id is 'the source''s own number of the customer';
comment on column landing.complaint.order_id is 'the order it is about; null if none';
comment on column landing.complaint.channel is 'how it came in';
comment on column landing.complaint.category is 'what it is about';
comment on column landing.complaint.severity is 'minor, medium or severe';
comment on column landing.complaint."text" is 'what the customer said';
comment on column landing.complaint.opened_at is 'when it was opened';
comment on column landing.complaint.acknowledged_at is 'when the customer was told it had arrived';
comment on column landing.complaint.first_replied_at is 'when the first answer with substance went out';
comment on column landing.complaint.resolved_at is 'when it was closed as solved';
comment on column landing.complaint.compensation_amount is 'compensation offered, decimal, base currency';
comment on column landing.complaint.satisfaction is 'satisfaction with the handling, 1 to 5';
comment on column landing.complaint.satisfaction_at is 'when the satisfaction was given';
comment on column landing.complaint.root_cause is 'cause found';
comment on column landing.complaint.responsible_team is 'team that owns the case';
comment on column landing.complaint.updated_at is 'when the source last changed the row';
comment on column landing.complaint.deleted_at is 'when the source deleted the row; null while it exists';
comment on column landing.complaint.is_simulated is 'true where the value was made by the simulator and not by a real customer';

create table landing.consent (
    batch_id bigint not null,
    position bigint not null,
    file text,
    consent_id text,
    customer_id text,
    purpose text,
    channel text,
    decision text,
    decided_at text,
    origin text,
    updated_at text,
    deleted_at text,
    is_simulated text
);
create index on landing.consent using brin (batch_id int8_minmax_multi_ops) with (autosummarize = on);
comment on table landing.consent is 'One decision of a customer on one purpose and channel, as delivered. All values are text, with the names mapped to ours; rows that fail a check move to quarantine.row. Grain: one row per decision.';
comment on column landing.consent.batch_id is 'the batch that delivered the row (ops.batch)';
comment on column landing.consent.position is 'row number in the table read, or line number in the file, counted from 1';
comment on column landing.consent.file is 'the file the row stood in; null for rows read from a table';
comment on column landing.consent.consent_id is 'the source''s own number of the decision';
comment on column landing.consent.customer_id is 'the source''s own number of the customer';
comment on column landing.consent.purpose is 'marketing, profiling, ads or service';
comment on column landing.consent.channel is 'email, sms, phone, wechat, app, post, or all';
comment on column landing.consent.decision is 'granted or withdrawn';
comment on column landing.consent.decided_at is 'when the customer decided';
comment on column landing.consent.origin is 'where the decision was taken: form, call, unsubscribe link';
comment on column landing.consent.updated_at is 'when the source last changed the row';
comment on column landing.consent.deleted_at is 'when the source deleted the row; null while it exists';
comment on column landing.consent.is_simulated is 'true where the value was made by the simulator and not by a real customer';

create table landing.contract (
    batch_id bigint not null,
    position bigint not null,
    file text,
    contract_id text,
    customer_id text,
    product_id text,
    started_at text,
    renewal_date text,
    fee text,
    currency text,
    renewed_at text,
    cancelled_at text,
    updated_at text,
    deleted_at text,
    is_simulated text
);
create index on landing.contract using brin (batch_id int8_minmax_multi_ops) with (autosummarize = on);
comment on table landing.contract is 'One contract, policy or subscription as delivered. All values are text, with the names mapped to ours; rows that fail a check move to quarantine.row. Grain: one row per delivered state of one contract.';
comment on column landing.contract.batch_id is 'the batch that delivered the row (ops.batch)';
comment on column landing.contract.position is 'row number in the table read, or line number in the file, counted from 1';
comment on column landing.contract.file is 'the file the row stood in; null for rows read from a table';
comment on column landing.contract.contract_id is 'the source''s own number of the contract';
comment on column landing.contract.customer_id is 'the source''s own number of the customer';
comment on column landing.contract.product_id is 'the product or plan';
comment on column landing.contract.started_at is 'when it started';
comment on column landing.contract.renewal_date is 'date it is up for renewal';
comment on column landing.contract.fee is 'fee of one term, decimal, in currency';
comment on column landing.contract.currency is 'ISO 4217 currency of the fee';
comment on column landing.contract.renewed_at is 'when it was renewed; null if not';
comment on column landing.contract.cancelled_at is 'when it was cancelled; null if not';
comment on column landing.contract.updated_at is 'when the source last changed the row';
comment on column landing.contract.deleted_at is 'when the source deleted the row; null while it exists';
comment on column landing.contract.is_simulated is 'true where the value was made by the simulator and not by a real customer';

create table landing.customer (
    batch_id bigint not null,
    position bigint not null,
    file text,
    customer_id text,
    name text,
    email text,
    phone text,
    gender text,
    birth_date text,
    wedding_anniversary text,
    city text,
    region text,
    occupation text,
    acquisition_channel text,
    account_owner text,
    customer_kind text,
    personality_tag text,
    language text,
    member_since text,
    is_test text,
    created_at text,
    updated_at text,
    deleted_at text,
    is_simulated text
);
create index on landing.customer using brin (batch_id int8_minmax_multi_ops) with (autosummarize = on);
comment on table landing.customer is 'One CRM contact or account as delivered: who the customer is and how to reach them. All values are text, with the names mapped to ours; rows that fail a check move to quarantine.row. Grain: one row per delivered state of one source customer.';
comment on column landing.customer.batch_id is 'the batch that delivered the row (ops.batch)';
comment on column landing.customer.position is 'row number in the table read, or line number in the file, counted from 1';
comment on column landing.customer.file is 'the file the row stood in; null for rows read from a table';
comment on column landing.customer.customer_id is 'the source''s own number of the customer';
comment on column landing.customer.name is 'full name';
comment on column landing.customer.email is 'e-mail address as typed';
comment on column landing.customer.phone is 'telephone number as typed';
comment on column landing.customer.gender is 'gender as the source codes it after mapping';
comment on column landing.customer.birth_date is 'date of birth';
comment on column landing.customer.wedding_anniversary is 'date of the wedding';
comment on column landing.customer.city is 'city of residence';
comment on column landing.customer.region is 'province or region';
comment on column landing.customer.occupation is 'occupation or age-and-work group';
comment on column landing.customer.acquisition_channel is 'how the customer was won';
comment on column landing.customer.account_owner is 'staff member who looks after the customer';
comment on column landing.customer.customer_kind is 'company or consumer';
comment on column landing.customer.personality_tag is 'what staff noted about the customer''s manner';
comment on column landing.customer.language is 'language for contact, ISO 639-1';
comment on column landing.customer.member_since is 'when the customer became known to the source';
comment on column landing.customer.is_test is 'true for test accounts';
comment on column landing.customer.created_at is 'when the source created the row';
comment on column landing.customer.updated_at is 'when the source last changed the row';
comment on column landing.customer.deleted_at is 'when the source deleted the row; null while it exists';
comment on column landing.customer.is_simulated is 'true where the value was made by the simulator and not by a real customer';

create table landing.customer_tag (
    batch_id bigint not null,
    position bigint not null,
    file text,
    customer_id text,
    tag text,
    set_by text,
    set_at text,
    removed_at text,
    updated_at text,
    deleted_at text,
    is_simulated text
);
create index on landing.customer_tag using brin (batch_id int8_minmax_multi_ops) with (autosummarize = on);
comment on table landing.customer_tag is 'One tag on one customer as delivered. All values are text, with the names mapped to ours; rows that fail a check move to quarantine.row. Grain: one row per delivered state of one tag on one customer.';
comment on column landing.customer_tag.batch_id is 'the batch that delivered the row (ops.batch)';
comment on column landing.customer_tag.position is 'row number in the table read, or line number in the file, counted from 1';
comment on column landing.customer_tag.file is 'the file the row stood in; null for rows read from a table';
comment on column landing.customer_tag.customer_id is 'the source''s own number of the customer';
comment on column landing.customer_tag.tag is 'the tag';
comment on column landing.customer_tag.set_by is 'staff member or rule that set it';
comment on column landing.customer_tag.set_at is 'when it was set';
comment on column landing.customer_tag.removed_at is 'when it was taken off; null while it stands';
comment on column landing.customer_tag.updated_at is 'when the source last changed the row';
comment on column landing.customer_tag.deleted_at is 'when the source deleted the row; null while it exists';
comment on column landing.customer_tag.is_simulated is 'true where the value was made by the simulator and not by a real customer';

create table landing.external_mention (
    batch_id bigint not null,
    position bigint not null,
    file text,
    mention_id text,
    platform text,
    "text" text,
    sentiment text,
    product_id text,
    category text,
    mentioned_at text,
    updated_at text,
    deleted_at text,
    is_simulated text
);
create index on landing.external_mention using brin (batch_id int8_minmax_multi_ops) with (autosummarize = on);
comment on table landing.external_mention is 'One public comment about the company or a product, as delivered. All values are text, with the names mapped to ours; rows that fail a check move to quarantine.row. Grain: one row per comment.';
comment on column landing.external_mention.batch_id is 'the batch that delivered the row (ops.batch)';
comment on column landing.external_mention.position is 'row number in the table read, or line number in the file, counted from 1';
comment on column landing.external_mention.file is 'the file the row stood in; null for rows read from a table';
comment on column landing.external_mention.mention_id is 'the platform''s or collector''s number of the comment';
comment on column landing.external_mention.platform is 'where it was published';
comment on column landing.external_mention."text" is 'what it says';
comment on column landing.external_mention.sentiment is 'positive, neutral or negative, if known';
comment on column landing.external_mention.product_id is 'product it is about; null if none';
comment on column landing.external_mention.category is 'category it is about';
comment on column landing.external_mention.mentioned_at is 'when it was published';
comment on column landing.external_mention.updated_at is 'when the source last changed the row';
comment on column landing.external_mention.deleted_at is 'when the source deleted the row; null while it exists';
comment on column landing.external_mention.is_simulated is 'true where the value was made by the simulator and not by a real customer';

create table landing.holding (
    batch_id bigint not null,
    position bigint not null,
    file text,
    customer_id text,
    kind text,
    balance_date text,
    amount text,
    currency text,
    updated_at text,
    deleted_at text,
    is_simulated text
);
create index on landing.holding using brin (batch_id int8_minmax_multi_ops) with (autosummarize = on);
comment on table landing.holding is 'One balance of one customer on one date, as delivered. All values are text, with the names mapped to ours; rows that fail a check move to quarantine.row. Grain: one row per customer, kind and balance date.';
comment on column landing.holding.batch_id is 'the batch that delivered the row (ops.batch)';
comment on column landing.holding.position is 'row number in the table read, or line number in the file, counted from 1';
comment on column landing.holding.file is 'the file the row stood in; null for rows read from a table';
comment on column landing.holding.customer_id is 'the source''s own number of the customer';
comment on column landing.holding.kind is 'deposit, stored_value, seats or the source''s own kind';
comment on column landing.holding.balance_date is 'date of the balance';
comment on column landing.holding.amount is 'balance, decimal, in currency';
comment on column landing.holding.currency is 'ISO 4217 currency of the balance';
comment on column landing.holding.updated_at is 'when the source last changed the row';
comment on column landing.holding.deleted_at is 'when the source deleted the row; null while it exists';
comment on column landing.holding.is_simulated is 'true where the value was made by the simulator and not by a real customer';

create table landing.interaction (
    batch_id bigint not null,
    position bigint not null,
    file text,
    interaction_id text,
    customer_id text,
    channel text,
    kind text,
    direction text,
    occurred_at text,
    dwell_seconds text,
    subject text,
    category text,
    updated_at text,
    deleted_at text,
    is_simulated text
);
create index on landing.interaction using brin (batch_id int8_minmax_multi_ops) with (autosummarize = on);
comment on table landing.interaction is 'One touch between customer and company, in either direction, as delivered. All values are text, with the names mapped to ours; rows that fail a check move to quarantine.row. Grain: one row per touch.';
comment on column landing.interaction.batch_id is 'the batch that delivered the row (ops.batch)';
comment on column landing.interaction.position is 'row number in the table read, or line number in the file, counted from 1';
comment on column landing.interaction.file is 'the file the row stood in; null for rows read from a table';
comment on column landing.interaction.interaction_id is 'the source''s own number of the touch';
comment on column landing.interaction.customer_id is 'the source''s own number of the customer';
comment on column landing.interaction.channel is 'email, sms, phone, wechat, app, weibo, xiaohongshu, web, store, event';
comment on column landing.interaction.kind is 'visit, click, open, call, page_view or like';
comment on column landing.interaction.direction is 'in (from the customer) or out';
comment on column landing.interaction.occurred_at is 'when it happened';
comment on column landing.interaction.dwell_seconds is 'seconds spent, for page views and calls';
comment on column landing.interaction.subject is 'what it was about';
comment on column landing.interaction.category is 'product category it was about';
comment on column landing.interaction.updated_at is 'when the source last changed the row';
comment on column landing.interaction.deleted_at is 'when the source deleted the row; null while it exists';
comment on column landing.interaction.is_simulated is 'true where the value was made by the simulator and not by a real customer';

create table landing.kept_row (
    source text not null,
    entity text not null,
    key text[] not null,
    row jsonb not null,
    is_gone boolean default false not null,
    changed_at timestamptz not null,
    seen_in bigint not null,
    primary key (source, entity, key)
);
comment on table landing.kept_row is 'Last published state of every row of the entities that are compared with it: snapshots, and sources that tell deletions by key alone. Written in the transaction that publishes, so it is always the state core holds. Grain: one row per source, entity and key.';
comment on column landing.kept_row.source is 'source system';
comment on column landing.kept_row.entity is 'entity';
comment on column landing.kept_row.key is 'values of the entity''s key (columns of unique_version in its contract), as landed';
comment on column landing.kept_row.row is 'the landed row without batch, position and file, columns without a value left out';
comment on column landing.kept_row.is_gone is 'whether the source has deleted it; kept so that a row that comes back is known to be later';
comment on column landing.kept_row.changed_at is 'updated_at of the row; when it landed where the row has none';
comment on column landing.kept_row.seen_in is 'the batch that delivered this state (ops.batch)';

create table landing.market_indicator (
    batch_id bigint not null,
    position bigint not null,
    file text,
    series text,
    region text,
    indicator_date text,
    value text,
    updated_at text,
    deleted_at text,
    is_simulated text
);
create index on landing.market_indicator using brin (batch_id int8_minmax_multi_ops) with (autosummarize = on);
comment on table landing.market_indicator is 'One value of one market series on one date, as delivered. All values are text, with the names mapped to ours; rows that fail a check move to quarantine.row. Grain: one row per series, region and date.';
comment on column landing.market_indicator.batch_id is 'the batch that delivered the row (ops.batch)';
comment on column landing.market_indicator.position is 'row number in the table read, or line number in the file, counted from 1';
comment on column landing.market_indicator.file is 'the file the row stood in; null for rows read from a table';
comment on column landing.market_indicator.series is 'name of the series; ''fx.USD.CNY'' is what one US dollar costs in yuan';
comment on column landing.market_indicator.region is 'region the value is for; null for everywhere';
comment on column landing.market_indicator.indicator_date is 'date of the value';
comment on column landing.market_indicator.value is 'the value, decimal';
comment on column landing.market_indicator.updated_at is 'when the source last changed the row';
comment on column landing.market_indicator.deleted_at is 'when the source deleted the row; null while it exists';
comment on column landing.market_indicator.is_simulated is 'true where the value was made by the simulator and not by a real customer';

create table landing."order" (
    batch_id bigint not null,
    position bigint not null,
    file text,
    order_id text,
    customer_id text,
    ordered_at text,
    paid_at text,
    cancelled_at text,
    refunded_at text,
    currency text,
    gross_amount text,
    discount_amount text,
    refund_amount text,
    channel text,
    store text,
    coupon_code text,
    campaign text,
    updated_at text,
    deleted_at text,
    is_simulated text
);
create index on landing."order" using brin (batch_id int8_minmax_multi_ops) with (autosummarize = on);
comment on table landing."order" is 'One order as delivered, with the times of its states. All values are text, with the names mapped to ours; rows that fail a check move to quarantine.row. Grain: one row per delivered state of one order.';
comment on column landing."order".batch_id is 'the batch that delivered the row (ops.batch)';
comment on column landing."order".position is 'row number in the table read, or line number in the file, counted from 1';
comment on column landing."order".file is 'the file the row stood in; null for rows read from a table';
comment on column landing."order".order_id is 'the source''s own number of the order';
comment on column landing."order".customer_id is 'the source''s own number of the customer';
comment on column landing."order".ordered_at is 'when the order was placed';
comment on column landing."order".paid_at is 'when it was paid; null if it never was';
comment on column landing."order".cancelled_at is 'when it was cancelled; null if it was not';
comment on column landing."order".refunded_at is 'when money went back; null if none did';
comment on column landing."order".currency is 'ISO 4217 currency of the amounts';
comment on column landing."order".gross_amount is 'price before discounts, decimal';
comment on column landing."order".discount_amount is 'discount on the whole order, lines included, decimal';
comment on column landing."order".refund_amount is 'money given back so far, decimal';
comment on column landing."order".channel is 'where it was bought: store, web, app, phone';
comment on column landing."order".store is 'shop';
comment on column landing."order".coupon_code is 'coupon used';
comment on column landing."order".campaign is 'campaign the source credits';
comment on column landing."order".updated_at is 'when the source last changed the row';
comment on column landing."order".deleted_at is 'when the source deleted the row; null while it exists';
comment on column landing."order".is_simulated is 'true where the value was made by the simulator and not by a real customer';

create table landing.order_line (
    batch_id bigint not null,
    position bigint not null,
    file text,
    order_id text,
    line_number text,
    product_id text,
    quantity text,
    unit_price text,
    discount_amount text,
    returned_quantity text,
    returned_at text,
    updated_at text,
    deleted_at text,
    is_simulated text
);
create index on landing.order_line using brin (batch_id int8_minmax_multi_ops) with (autosummarize = on);
comment on table landing.order_line is 'One product on one order as delivered. All values are text, with the names mapped to ours; rows that fail a check move to quarantine.row. Grain: one row per delivered state of one order line.';
comment on column landing.order_line.batch_id is 'the batch that delivered the row (ops.batch)';
comment on column landing.order_line.position is 'row number in the table read, or line number in the file, counted from 1';
comment on column landing.order_line.file is 'the file the row stood in; null for rows read from a table';
comment on column landing.order_line.order_id is 'the source''s own number of the order';
comment on column landing.order_line.line_number is 'number of the line within the order';
comment on column landing.order_line.product_id is 'the source''s own number of the product';
comment on column landing.order_line.quantity is 'units bought, decimal';
comment on column landing.order_line.unit_price is 'price of one unit before discounts, decimal, in the order''s currency';
comment on column landing.order_line.discount_amount is 'discount on the line, decimal';
comment on column landing.order_line.returned_quantity is 'units brought back so far, decimal';
comment on column landing.order_line.returned_at is 'when units last came back';
comment on column landing.order_line.updated_at is 'when the source last changed the row';
comment on column landing.order_line.deleted_at is 'when the source deleted the row; null while it exists';
comment on column landing.order_line.is_simulated is 'true where the value was made by the simulator and not by a real customer';

create table landing.points_entry (
    batch_id bigint not null,
    position bigint not null,
    file text,
    entry_id text,
    customer_id text,
    kind text,
    points text,
    occurred_at text,
    expires_at text,
    updated_at text,
    deleted_at text,
    is_simulated text
);
create index on landing.points_entry using brin (batch_id int8_minmax_multi_ops) with (autosummarize = on);
comment on table landing.points_entry is 'One entry of the loyalty points ledger as delivered. All values are text, with the names mapped to ours; rows that fail a check move to quarantine.row. Grain: one row per ledger entry.';
comment on column landing.points_entry.batch_id is 'the batch that delivered the row (ops.batch)';
comment on column landing.points_entry.position is 'row number in the table read, or line number in the file, counted from 1';
comment on column landing.points_entry.file is 'the file the row stood in; null for rows read from a table';
comment on column landing.points_entry.entry_id is 'the source''s own number of the entry';
comment on column landing.points_entry.customer_id is 'the source''s own number of the customer';
comment on column landing.points_entry.kind is 'earned, redeemed or expired';
comment on column landing.points_entry.points is 'number of points, positive';
comment on column landing.points_entry.occurred_at is 'when they were booked';
comment on column landing.points_entry.expires_at is 'when earned points run out; null if never';
comment on column landing.points_entry.updated_at is 'when the source last changed the row';
comment on column landing.points_entry.deleted_at is 'when the source deleted the row; null while it exists';
comment on column landing.points_entry.is_simulated is 'true where the value was made by the simulator and not by a real customer';

create table landing.product (
    batch_id bigint not null,
    position bigint not null,
    file text,
    product_id text,
    name text,
    category_path text,
    brand text,
    list_price text,
    unit_cost text,
    stock_on_hand text,
    is_replenishable text,
    currency text,
    updated_at text,
    deleted_at text,
    is_simulated text
);
create index on landing.product using brin (batch_id int8_minmax_multi_ops) with (autosummarize = on);
comment on table landing.product is 'One stock-keeping unit as delivered. All values are text, with the names mapped to ours; rows that fail a check move to quarantine.row. Grain: one row per delivered state of one product.';
comment on column landing.product.batch_id is 'the batch that delivered the row (ops.batch)';
comment on column landing.product.position is 'row number in the table read, or line number in the file, counted from 1';
comment on column landing.product.file is 'the file the row stood in; null for rows read from a table';
comment on column landing.product.product_id is 'the source''s own number of the product';
comment on column landing.product.name is 'product name';
comment on column landing.product.category_path is 'category levels from wide to narrow, separated by '' > ''';
comment on column landing.product.brand is 'brand name';
comment on column landing.product.list_price is 'list price, decimal, in currency';
comment on column landing.product.unit_cost is 'purchase cost of one unit, decimal, in currency';
comment on column landing.product.stock_on_hand is 'units in stock';
comment on column landing.product.is_replenishable is 'true if customers buy it again and again';
comment on column landing.product.currency is 'ISO 4217 currency of the prices';
comment on column landing.product.updated_at is 'when the source last changed the row';
comment on column landing.product.deleted_at is 'when the source deleted the row; null while it exists';
comment on column landing.product.is_simulated is 'true where the value was made by the simulator and not by a real customer';

create table landing.referral (
    batch_id bigint not null,
    position bigint not null,
    file text,
    referral_id text,
    referrer_customer_id text,
    referred_customer_id text,
    referred_contact text,
    referred_at text,
    converted_at text,
    reward_amount text,
    updated_at text,
    deleted_at text,
    is_simulated text
);
create index on landing.referral using brin (batch_id int8_minmax_multi_ops) with (autosummarize = on);
comment on table landing.referral is 'One recommendation as delivered. All values are text, with the names mapped to ours; rows that fail a check move to quarantine.row. Grain: one row per delivered state of one recommendation.';
comment on column landing.referral.batch_id is 'the batch that delivered the row (ops.batch)';
comment on column landing.referral.position is 'row number in the table read, or line number in the file, counted from 1';
comment on column landing.referral.file is 'the file the row stood in; null for rows read from a table';
comment on column landing.referral.referral_id is 'the source''s own number of the recommendation';
comment on column landing.referral.referrer_customer_id is 'the customer who recommended';
comment on column landing.referral.referred_customer_id is 'the customer who came; null until known';
comment on column landing.referral.referred_contact is 'address of the person recommended, as typed; never kept after landing';
comment on column landing.referral.referred_at is 'when it was made';
comment on column landing.referral.converted_at is 'when the referred person first bought; null until then';
comment on column landing.referral.reward_amount is 'reward paid, decimal, base currency';
comment on column landing.referral.updated_at is 'when the source last changed the row';
comment on column landing.referral.deleted_at is 'when the source deleted the row; null while it exists';
comment on column landing.referral.is_simulated is 'true where the value was made by the simulator and not by a real customer';

create table landing.survey_answer (
    batch_id bigint not null,
    position bigint not null,
    file text,
    answer_id text,
    customer_id text,
    instrument text,
    score text,
    comment text,
    about_kind text,
    about_id text,
    answered_at text,
    updated_at text,
    deleted_at text,
    is_simulated text
);
create index on landing.survey_answer using brin (batch_id int8_minmax_multi_ops) with (autosummarize = on);
comment on table landing.survey_answer is 'One answer to one survey question as delivered. All values are text, with the names mapped to ours; rows that fail a check move to quarantine.row. Grain: one row per answer.';
comment on column landing.survey_answer.batch_id is 'the batch that delivered the row (ops.batch)';
comment on column landing.survey_answer.position is 'row number in the table read, or line number in the file, counted from 1';
comment on column landing.survey_answer.file is 'the file the row stood in; null for rows read from a table';
comment on column landing.survey_answer.answer_id is 'the source''s own number of the answer';
comment on column landing.survey_answer.customer_id is 'the source''s own number of the customer';
comment on column landing.survey_answer.instrument is 'nps, csat, or servqual_ with one of its five dimensions';
comment on column landing.survey_answer.score is 'the score on the instrument''s own scale';
comment on column landing.survey_answer.comment is 'free text';
comment on column landing.survey_answer.about_kind is 'what it is about: order, complaint, product, company';
comment on column landing.survey_answer.about_id is 'the source''s number of what it is about';
comment on column landing.survey_answer.answered_at is 'when it was answered';
comment on column landing.survey_answer.updated_at is 'when the source last changed the row';
comment on column landing.survey_answer.deleted_at is 'when the source deleted the row; null while it exists';
comment on column landing.survey_answer.is_simulated is 'true where the value was made by the simulator and not by a real customer';

create table ops.audit (
    audit_id bigint generated always as identity not null,
    happened_at timestamptz default clock_timestamp() not null,
    actor text not null,
    action text not null,
    subject text,
    reason text,
    details jsonb,
    primary key (audit_id)
);
create index on ops.audit (action, happened_at);
comment on table ops.audit is 'Who did what by hand or read personal data, for good. Grain: one row per action.';
comment on column ops.audit.audit_id is 'Number of the action.';
comment on column ops.audit.happened_at is 'When.';
comment on column ops.audit.actor is 'Who: a person''s login, or the task.';
comment on column ops.audit.action is 'What was done, e.g. approve_push, export_person, promote_model.';
comment on column ops.audit.subject is 'What it was done to: a run, a model, a pseudonymous key.';
comment on column ops.audit.reason is 'Why, in the actor''s words.';
comment on column ops.audit.details is 'Counts and identifiers of the action; never a personal value.';

create table ops.batch (
    batch_id bigint generated always as identity not null,
    source text not null,
    entity text not null,
    business_date date not null,
    run_id text not null,
    state text default 'extracting' not null,
    is_full boolean default false not null,
    keeps_rows boolean default false not null,
    file text,
    rows_extracted bigint default 0 not null,
    rows_valid bigint default 0 not null,
    rows_quarantined bigint default 0 not null,
    rows_duplicate bigint default 0 not null,
    rows_tombstoned bigint default 0 not null,
    cursor_from text,
    cursor_to text,
    updated_from text,
    updated_to text,
    checksum text,
    message text,
    created_at timestamptz default clock_timestamp() not null,
    landed_at timestamptz,
    published_at timestamptz,
    primary key (batch_id),
    constraint rows_reconcile check (state not in ('validated', 'published') or rows_extracted = rows_valid + rows_quarantined + rows_duplicate + rows_tombstoned)
);
create index on ops.batch (source, entity, business_date);
create index on ops.batch (state);
comment on table ops.batch is 'Every delivery of a source, from extraction to publication. Its counts reconcile to the last row. Grain: one row per source, entity, business date and extraction.';
comment on column ops.batch.batch_id is 'Number of the batch; rows in landing carry it.';
comment on column ops.batch.source is 'Source as named in include/sources.';
comment on column ops.batch.entity is 'Canonical entity, e.g. order_line.';
comment on column ops.batch.business_date is 'Closed business day that it was extracted for.';
comment on column ops.batch.run_id is 'Run that extracted it.';
comment on column ops.batch.state is 'extracting, landed, validated, published, superseded or failed.';
comment on column ops.batch.is_full is 'Whether it is a full load rather than what changed.';
comment on column ops.batch.keeps_rows is 'Whether the published state of its rows is kept (landing.kept_row), because deletions are told by comparison or by key alone.';
comment on column ops.batch.file is 'File or files it came from, relative to the source, the first twenty (all are in ops.file_manifest); null for a database.';
comment on column ops.batch.rows_extracted is 'Rows delivered by the source.';
comment on column ops.batch.rows_valid is 'Rows that passed validation.';
comment on column ops.batch.rows_quarantined is 'Rows refused, each in quarantine with its reason.';
comment on column ops.batch.rows_duplicate is 'Exact duplicates left out.';
comment on column ops.batch.rows_tombstoned is 'Rows of erased people, dropped.';
comment on column ops.batch.cursor_from is 'Cursor after which it reads; null for a full load.';
comment on column ops.batch.cursor_to is 'Cursor up to which it reads; becomes the next start once published.';
comment on column ops.batch.updated_from is 'Smallest updated_at of its valid rows, as text in byte order; null where none has one.';
comment on column ops.batch.updated_to is 'Greatest updated_at of its valid rows, likewise.';
comment on column ops.batch.checksum is 'SHA-256 over the files, or null for a database.';
comment on column ops.batch.message is 'Why it failed or was superseded, without row values.';
comment on column ops.batch.created_at is 'When extraction started.';
comment on column ops.batch.landed_at is 'When all rows had landed.';
comment on column ops.batch.published_at is 'When its rows reached core.';

create table ops.check_result (
    check_result_id bigint generated always as identity not null,
    dag_id text,
    run_id text not null,
    task_id text,
    try_number integer,
    table_name text not null,
    batch_id bigint,
    business_date date not null,
    as_of_date date,
    rule text not null,
    column_name text,
    severity text not null,
    passed boolean not null,
    rows_checked bigint,
    rows_failed bigint,
    expected text,
    observed numeric,
    engine text not null,
    checked_at timestamptz default now() not null,
    primary key (check_result_id)
);
create index on ops.check_result (business_date, table_name);
create index on ops.check_result (run_id);
comment on table ops.check_result is 'The verdict of every check of every run: counts only, never a value. Grain: one row per check of one table or batch in one run.';
comment on column ops.check_result.check_result_id is 'counter';
comment on column ops.check_result.dag_id is 'DAG of the run';
comment on column ops.check_result.run_id is 'run that checked';
comment on column ops.check_result.task_id is 'task that checked';
comment on column ops.check_result.try_number is 'try of the task';
comment on column ops.check_result.table_name is 'table checked';
comment on column ops.check_result.batch_id is 'landing batch checked; null for slices';
comment on column ops.check_result.business_date is 'business day B';
comment on column ops.check_result.as_of_date is 'as-of date D of the slice; null for batches';
comment on column ops.check_result.rule is 'name of the rule';
comment on column ops.check_result.column_name is 'column; null for table rules';
comment on column ops.check_result.severity is 'fail, quarantine or warn';
comment on column ops.check_result.passed is 'true when the check holds';
comment on column ops.check_result.rows_checked is 'rows looked at';
comment on column ops.check_result.rows_failed is 'rows breaking the rule';
comment on column ops.check_result.expected is 'what the rule asks, in words';
comment on column ops.check_result.observed is 'the figure found by a table rule';
comment on column ops.check_result.engine is 'great_expectations, sql, or plays for the files of plays';
comment on column ops.check_result.checked_at is 'when';

create table ops.complaint_breach (
    complaint_key bigint not null,
    clock text not null,
    customer_key bigint,
    team text,
    severity text,
    due_at timestamptz not null,
    breached_at timestamptz not null,
    found_at timestamptz not null,
    state text not null,
    closed_at timestamptz,
    alerted_at timestamptz,
    primary key (complaint_key, clock)
);
create index on ops.complaint_breach (state, due_at);
comment on table ops.complaint_breach is 'Complaints which were not acknowledged or not answered in time, each recorded once per clock, and closed when the answer came. Grain: one row per complaint and clock.';
comment on column ops.complaint_breach.complaint_key is 'keyed hash of source and complaint id, as in core.complaint';
comment on column ops.complaint_breach.clock is 'acknowledge (within 1 hour by default) or first_reply (within 24 hours by default)';
comment on column ops.complaint_breach.customer_key is 'pseudonym of the customer; null if the complaint names none we know';
comment on column ops.complaint_breach.team is 'team that has to answer';
comment on column ops.complaint_breach.severity is 'minor, medium or severe';
comment on column ops.complaint_breach.due_at is 'latest moment at which the answer would have been in time';
comment on column ops.complaint_breach.breached_at is 'moment the clock ran out, equal to due_at';
comment on column ops.complaint_breach.found_at is 'when this product noticed';
comment on column ops.complaint_breach.state is 'open while the answer is still missing, closed after';
comment on column ops.complaint_breach.closed_at is 'when the late answer was given, or the source deleted the case; null while open';
comment on column ops.complaint_breach.alerted_at is 'when the responsible team was told; null until then, and for good where the answer came before anybody was told';

create table ops.complaint_clock (
    complaint_key bigint not null,
    customer_key bigint,
    category text,
    severity text,
    team text,
    opened_at timestamptz not null,
    acknowledged_at timestamptz,
    first_replied_at timestamptz,
    resolved_at timestamptz,
    deleted_at timestamptz,
    updated_at timestamptz not null,
    primary key (complaint_key)
);
create index on ops.complaint_clock (opened_at) where acknowledged_at is null or first_replied_at is null;
create index on ops.complaint_clock (resolved_at) where deleted_at is null;
comment on table ops.complaint_clock is 'The newest known state of every complaint, read from the service desk every ten minutes, long before the day''s core is published. Only what the clock needs: no text, no name. Grain: one row per complaint.';
comment on column ops.complaint_clock.complaint_key is 'keyed hash of source and complaint id, as in core.complaint';
comment on column ops.complaint_clock.customer_key is 'pseudonym of the customer; null if the complaint names none we know';
comment on column ops.complaint_clock.category is 'what the complaint is about';
comment on column ops.complaint_clock.severity is 'minor, medium or severe';
comment on column ops.complaint_clock.team is 'team that has to answer';
comment on column ops.complaint_clock.opened_at is 'when the complaint came in; both clocks start here';
comment on column ops.complaint_clock.acknowledged_at is 'when its receipt was confirmed to the customer; null if not yet';
comment on column ops.complaint_clock.first_replied_at is 'when the first real answer was given; null if not yet';
comment on column ops.complaint_clock.resolved_at is 'when the case was closed as solved; null while it is open';
comment on column ops.complaint_clock.deleted_at is 'when the source deleted the case; null while it exists. Its clocks stop, and it protects nobody';
comment on column ops.complaint_clock.updated_at is 'last change at the source; an older delivery never overwrites a newer one';

create table ops.effect_build (
    name text not null,
    as_of_date date not null,
    kind text not null,
    reason text not null,
    customers bigint not null,
    snapshot pg_snapshot not null,
    server text not null,
    recipe text not null,
    sync_id bigint not null,
    built_at timestamptz default clock_timestamp() not null,
    primary key (name)
);
comment on table ops.effect_build is 'Up to where campaigns.effect_unit and campaigns.effect_sum are worked out, and from which state of the facts: the next measurement goes on from there. Grain: one row.';
comment on column ops.effect_build.name is 'effects: there is one row';
comment on column ops.effect_build.as_of_date is 'date D up to whose start outcomes are counted';
comment on column ops.effect_build.kind is 'full (every customer computed) or touched (those whose facts changed)';
comment on column ops.effect_build.reason is 'why';
comment on column ops.effect_build.customers is 'customers computed';
comment on column ops.effect_build.snapshot is 'state of the database that was read: every transaction it has seen';
comment on column ops.effect_build.server is 'identity of the database cluster; states of another one cannot be compared';
comment on column ops.effect_build.recipe is 'digest of queries and settings; rows of another recipe are computed anew';
comment on column ops.effect_build.sync_id is 'newest push that is counted (campaigns.push_receipt); 0 before the first';
comment on column ops.effect_build.built_at is 'when it was published';

create table ops.failure_told (
    dag_id text not null,
    task_id text not null,
    cause text not null,
    failed_on date not null,
    failures bigint not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    primary key (dag_id, task_id, cause, failed_on)
);
comment on table ops.failure_told is 'Tasks that failed for good: people are told of the first failure of a day, the others of the same task and cause are counted here and stand in the logs. Kept for as long as somebody may ask. Grain: one row per DAG, task, cause and day.';
comment on column ops.failure_told.dag_id is 'DAG of the task';
comment on column ops.failure_told.task_id is 'the task; of a mapped task all its instances together';
comment on column ops.failure_told.cause is 'kind of the error, with the heading of the runbook where it has one';
comment on column ops.failure_told.failed_on is 'day in the business time zone, by the clock, on which it failed';
comment on column ops.failure_told.failures is 'how often it failed that day, each after its last try';
comment on column ops.failure_told.first_at is 'when it failed first that day: people were told then';
comment on column ops.failure_told.last_at is 'when it failed last that day';

create table ops.feature_build (
    as_of_date date not null,
    token bigint not null,
    kind text not null,
    reason text not null,
    based_on date,
    computed_rows jsonb not null,
    snapshot pg_snapshot not null,
    server text not null,
    recipe text not null,
    is_base boolean not null,
    built_at timestamptz default clock_timestamp() not null,
    compared_at timestamptz,
    differing_customers bigint,
    primary key (as_of_date)
);
comment on table ops.feature_build is 'How each slice of the features came about: computed in full or carried forward, from which state of core, and whether the next may be carried forward from it. Grain: one row per as-of date.';
comment on column ops.feature_build.as_of_date is 'date D of the slices';
comment on column ops.feature_build.token is 'fencing token of the attempt that published them';
comment on column ops.feature_build.kind is 'full (every customer computed) or touched (some computed, the others carried forward)';
comment on column ops.feature_build.reason is 'why: what the slice was carried forward from, or why it could not be';
comment on column ops.feature_build.based_on is 'as-of date of the slice it was carried forward from; null for full builds';
comment on column ops.feature_build.computed_rows is 'rows computed, by table; the others were carried forward';
comment on column ops.feature_build.snapshot is 'state of core that was read: every transaction it has seen';
comment on column ops.feature_build.server is 'identity of the database cluster; states of another one cannot be compared';
comment on column ops.feature_build.recipe is 'digest of the queries and settings; slices of another recipe are not carried forward';
comment on column ops.feature_build.is_base is 'whether the next day may be carried forward from this one: the log of changes since is complete';
comment on column ops.feature_build.built_at is 'when it was published';
comment on column ops.feature_build.compared_at is 'when it was last compared with a full computation; null if never';
comment on column ops.feature_build.differing_customers is 'customers whose rows differed then; null if never compared';

create table ops.file_manifest (
    batch_id bigint not null,
    path text not null,
    source text not null,
    entity text not null,
    business_date date not null,
    size_bytes bigint not null,
    sha256 text not null,
    version text,
    rows bigint default 0 not null,
    skipped text,
    defect text,
    recorded_at timestamptz default clock_timestamp() not null,
    primary key (batch_id, path)
);
create index on ops.file_manifest (source, entity, path);
comment on table ops.file_manifest is 'Every file that a delivery was read from, by content. A file counts as loaded once its batch is published. Grain: one row per batch and file.';
comment on column ops.file_manifest.batch_id is 'Batch that the file belongs to (ops.batch).';
comment on column ops.file_manifest.path is 'Path relative to the source''s folder.';
comment on column ops.file_manifest.source is 'Source as named in include/sources.';
comment on column ops.file_manifest.entity is 'Canonical entity, e.g. complaint.';
comment on column ops.file_manifest.business_date is 'Closed business day that the batch was extracted for.';
comment on column ops.file_manifest.size_bytes is 'Size of the file.';
comment on column ops.file_manifest.sha256 is 'SHA-256 of its bytes, hexadecimal.';
comment on column ops.file_manifest.version is 'What the store says of this version of the file (ETag, or size and times), so that it is not hashed every day; null where it says nothing.';
comment on column ops.file_manifest.rows is 'Rows read from it.';
comment on column ops.file_manifest.skipped is 'Why it was not read, e.g. the same content as an earlier file; null when it was read.';
comment on column ops.file_manifest.defect is 'Why none of its records could be read, where that set aside the file only; a corrected file of the same name is then welcome.';
comment on column ops.file_manifest.recorded_at is 'When its batch landed.';

create table ops.health_episode (
    check_name text not null,
    subject text not null,
    began_at timestamptz not null,
    level text default 'breach' not null,
    last_seen_at timestamptz not null,
    last_as_of_date date not null,
    well_since timestamptz,
    ended_at timestamptz,
    told_at timestamptz,
    end_told_at timestamptz,
    owed_to text[] default '{}' not null,
    primary key (check_name, subject, began_at)
);
create unique index on ops.health_episode (check_name, subject) where ended_at is null;
comment on table ops.health_episode is 'From when to when an objective of health was missed, and who was told of its beginning and its end: each once in every channel, with a reminder while it lasts. Grain: one row per breach, from its beginning to its end.';
comment on column ops.health_episode.check_name is 'the check that found it';
comment on column ops.health_episode.subject is 'what it was found of';
comment on column ops.health_episode.began_at is 'when it was first found';
comment on column ops.health_episode.level is 'breach, or warn where warnings are sent too';
comment on column ops.health_episode.last_seen_at is 'when it was last found';
comment on column ops.health_episode.last_as_of_date is 'day of the look that last found it';
comment on column ops.health_episode.well_since is 'since when it is well again; null while it is not';
comment on column ops.health_episode.ended_at is 'when it was called over; null while it is not';
comment on column ops.health_episode.told_at is 'when people were last told of it: its beginning or a reminder; null until then';
comment on column ops.health_episode.end_told_at is 'when people were told of its end; null until then, and for good where nobody was told of its beginning';
comment on column ops.health_episode.owed_to is 'channels that the newest message about it did not reach: told at the next look';

create table ops.lease (
    dataset text not null,
    slice_key text not null,
    token bigint not null,
    dag_id text,
    run_id text,
    task_id text,
    try_number integer,
    acquired_at timestamptz,
    expires_at timestamptz not null,
    primary key (dataset, slice_key)
);
comment on table ops.lease is 'Who may write which slice, with the fencing token that decides when two believe they may. Grain: one row per dataset and slice ever written.';
comment on column ops.lease.dataset is 'What is written.';
comment on column ops.lease.slice_key is 'Part of it: an as-of date, or * for all of it.';
comment on column ops.lease.token is 'Grows by one with every holder; the publishing transaction compares it.';
comment on column ops.lease.dag_id is 'DAG of the holder; null before the first.';
comment on column ops.lease.run_id is 'Run of the holder.';
comment on column ops.lease.task_id is 'Task of the holder.';
comment on column ops.lease.try_number is 'Try of the holder''s task.';
comment on column ops.lease.acquired_at is 'When the holder took it.';
comment on column ops.lease.expires_at is 'When it runs out unless renewed; -infinity when free.';

create table ops.linkage_model (
    model_version text not null,
    state text not null,
    model text not null,
    sha256 text not null,
    link_probability double precision not null,
    review_probability double precision not null,
    training_records bigint not null,
    trained_by text not null,
    created_at timestamptz default now() not null,
    primary key (model_version)
);
create unique index on ops.linkage_model (state) where state = 'champion';
comment on table ops.linkage_model is 'Linkage models trained on this company''s customers. Without one, the shipped model (include/identity/model.json) links. Grain: one row per model version.';
comment on column ops.linkage_model.model_version is 'linkage- and the digest''s beginning: the same training data give the same version';
comment on column ops.linkage_model.state is 'champion (links) or retired';
comment on column ops.linkage_model.model is 'the model as JSON: splink''s m and u probabilities, name frequencies, thresholds';
comment on column ops.linkage_model.sha256 is 'digest of the model; one that differs is refused';
comment on column ops.linkage_model.link_probability is 'probability from which pairs are linked';
comment on column ops.linkage_model.review_probability is 'probability from which pairs are shown to people';
comment on column ops.linkage_model.training_records is 'source customers it learned from';
comment on column ops.linkage_model.trained_by is 'login or task';
comment on column ops.linkage_model.created_at is 'when it was stored';

create table ops.measured_day (
    business_date date not null,
    fingerprint text not null,
    known_as_of date not null,
    primary key (business_date, known_as_of)
);
comment on table ops.measured_day is 'What the facts of each recent business day came to when its KPIs were last computed: a day that comes to something else is told anew. Grain: one row per business day and measurement, of the newest two measurements.';
comment on column ops.measured_day.business_date is 'the day';
comment on column ops.measured_day.fingerprint is 'counts and sums of orders, complaints, answers, referrals and feedback of the day';
comment on column ops.measured_day.known_as_of is 'as-of date of the measurement that saw it so';

create table ops.model (
    model_version text not null,
    kind text not null,
    state text not null,
    as_of_date date not null,
    labels_until date not null,
    definition text not null,
    horizon_days integer not null,
    file_name text not null,
    file_sha256 text not null,
    training_rows bigint not null,
    details jsonb not null,
    profile jsonb not null,
    report jsonb,
    decision text not null,
    run_id text not null,
    created_at timestamptz default now() not null,
    promoted_at timestamptz,
    retired_at timestamptz,
    primary key (model_version)
);
create unique index on ops.model (kind) where state = 'champion';
comment on table ops.model is 'Model registry: every trained model, what it was measured at, whether it scores, and why it does or does not. Grain: one row per model version.';
comment on column ops.model.model_version is 'kind, as-of date of training and a digest of training data and settings: the same data give the same version';
comment on column ops.model.kind is 'what it speaks of: churn, clv, repurchase, renewal, persona, preference, association, next_best or text';
comment on column ops.model.state is 'champion (scores), challenger (registered, not promoted) or retired (was champion)';
comment on column ops.model.as_of_date is 'date D of training: nothing from D on was used';
comment on column ops.model.labels_until is 'end of the newest label window that the scoring model learned from';
comment on column ops.model.definition is 'what the score means';
comment on column ops.model.horizon_days is 'horizon of the score in days';
comment on column ops.model.file_name is 'file under models/ in the home folder';
comment on column ops.model.file_sha256 is 'digest of that file; a file that differs is refused';
comment on column ops.model.training_rows is 'rows learned from: customers times training dates';
comment on column ops.model.details is 'training dates, features, parameters, calibration, fit reports, library versions';
comment on column ops.model.profile is 'share of nulls by feature and spread of the scores in training; scoring compares itself with it';
comment on column ops.model.report is 'its chapter of the training report: measurements, diagrams, importances, effects; small averages only';
comment on column ops.model.decision is 'why the model was promoted, kept back or retired, in plain words';
comment on column ops.model.run_id is 'run that trained it';
comment on column ops.model.created_at is 'when it was registered';
comment on column ops.model.promoted_at is 'when it last became champion; null if it never did';
comment on column ops.model.retired_at is 'when it last ceased to be champion';

create table ops.model_evaluation (
    model_version text not null,
    candidate text not null,
    metric text not null,
    kind text not null,
    evaluated_as_of date not null,
    horizon_days integer not null,
    customers bigint not null,
    metric_value double precision,
    metric_lower double precision,
    metric_upper double precision,
    measured_at timestamptz default now() not null,
    primary key (model_version, candidate, metric)
);
comment on table ops.model_evaluation is 'Out-of-time measurements of every training: challenger, champion and baselines on the same customers, with bootstrap intervals. Grain: one row per model version, candidate and metric.';
comment on column ops.model_evaluation.model_version is 'model whose training measured';
comment on column ops.model_evaluation.candidate is 'challenger, champion, or the name of a baseline';
comment on column ops.model_evaluation.metric is 'name of the metric';
comment on column ops.model_evaluation.kind is 'kind of the model, as in ops.model';
comment on column ops.model_evaluation.evaluated_as_of is 'date as of which was predicted; nothing from it on was known to any candidate';
comment on column ops.model_evaluation.horizon_days is 'days of outcomes that were compared';
comment on column ops.model_evaluation.customers is 'customers compared';
comment on column ops.model_evaluation.metric_value is 'value; null where undefined (e.g. only one class)';
comment on column ops.model_evaluation.metric_lower is 'lower end of the 95 % bootstrap interval over customers';
comment on column ops.model_evaluation.metric_upper is 'upper end of the 95 % bootstrap interval over customers';
comment on column ops.model_evaluation.measured_at is 'when';

create table ops.published (
    table_name text not null,
    slice_key text not null,
    token bigint not null,
    rows bigint not null,
    checksum bigint,
    run_id text not null,
    published_at timestamptz not null,
    is_stale boolean default false not null,
    primary key (table_name, slice_key)
);
comment on table ops.published is 'What is in force, by table and slice, and which attempt put it there. Grain: one row per table and slice.';
comment on column ops.published.table_name is 'Schema and table.';
comment on column ops.published.slice_key is 'As-of date, or * for tables that are not sliced.';
comment on column ops.published.token is 'Fencing token of the attempt that published it.';
comment on column ops.published.rows is 'Rows of the slice; of a table that is not sliced, rows changed.';
comment on column ops.published.checksum is 'Order-independent checksum of the slice''s rows; equal after a re-run that changes nothing. Null where rows were carried forward, or a person was erased.';
comment on column ops.published.run_id is 'Run that published it.';
comment on column ops.published.published_at is 'When.';
comment on column ops.published.is_stale is 'Whether an earlier slice was published again since: rerun this date to follow.';

create table ops.run_ledger (
    ledger_id bigint generated always as identity not null,
    stage text not null,
    dataset text not null,
    slice_key text not null,
    business_date date not null,
    dag_id text not null,
    run_id text not null,
    task_id text not null,
    try_number integer not null,
    token bigint not null,
    state text default 'running' not null,
    started_at timestamptz default clock_timestamp() not null,
    ended_at timestamptz,
    counts jsonb,
    message text,
    primary key (ledger_id)
);
create index on ops.run_ledger (state);
create index on ops.run_ledger (dataset, slice_key, token);
create index on ops.run_ledger (started_at);
comment on table ops.run_ledger is 'Every attempt to write, with how it ended. An attempt that died is closed as abandoned by the next one. Grain: one row per attempt to write one slice of one dataset.';
comment on column ops.run_ledger.ledger_id is 'Number of the attempt.';
comment on column ops.run_ledger.stage is 'Stage of the pipeline that wrote, e.g. features.';
comment on column ops.run_ledger.dataset is 'What the lease is on: a stage, or core.';
comment on column ops.run_ledger.slice_key is 'Part of the dataset: an as-of date, or * for all of it.';
comment on column ops.run_ledger.business_date is 'Closed business day that the run is for.';
comment on column ops.run_ledger.dag_id is 'DAG that ran it; ''cli'' when started from the command line.';
comment on column ops.run_ledger.run_id is 'Run of that DAG.';
comment on column ops.run_ledger.task_id is 'Task of that run.';
comment on column ops.run_ledger.try_number is 'Try of that task, from 1.';
comment on column ops.run_ledger.token is 'Fencing token held; greater tokens are newer.';
comment on column ops.run_ledger.state is 'running, published, no_data (nothing to publish), failed, fenced (overtaken, noticed) or abandoned (died).';
comment on column ops.run_ledger.started_at is 'When the lease was taken.';
comment on column ops.run_ledger.ended_at is 'When the attempt ended; null while it runs.';
comment on column ops.run_ledger.counts is 'Rows written by table.';
comment on column ops.run_ledger.message is 'What went wrong, without row values.';

create table ops.score_drift (
    as_of_date date not null,
    kind text not null,
    input_name text not null,
    model_version text not null,
    stability_index double precision,
    null_share_training double precision not null,
    null_share_now double precision not null,
    level text not null,
    measured_at timestamptz default now() not null,
    primary key (as_of_date, kind, input_name)
);
comment on table ops.score_drift is 'Inputs and scores of every scored date beside what they were in the training of the model that scored; kept when it stopped the scores, too. Grain: one row per as_of_date, kind of score and input (the score itself is named score).';
comment on column ops.score_drift.as_of_date is 'date D that was scored';
comment on column ops.score_drift.kind is 'kind of the score, as in ops.model';
comment on column ops.score_drift.input_name is 'column of the features, or score';
comment on column ops.score_drift.model_version is 'model that scored';
comment on column ops.score_drift.stability_index is 'population stability index over tenths of training; null where fewer than 50 values are known';
comment on column ops.score_drift.null_share_training is 'share of customers without a value in training';
comment on column ops.score_drift.null_share_now is 'share of customers without a value on this date';
comment on column ops.score_drift.level is 'ok, warn (look at it) or stop (nothing was published)';
comment on column ops.score_drift.measured_at is 'when';

create table ops.source_column (
    batch_id bigint not null,
    source text not null,
    entity text not null,
    column_name text not null,
    type text,
    state text not null,
    filled_share double precision,
    readable_share double precision,
    first_seen date not null,
    last_seen date not null,
    primary key (batch_id, column_name)
);
create index on ops.source_column (source, entity, column_name, batch_id);
comment on table ops.source_column is 'The columns a source delivered, as of the last published batch of each entity and of batches not yet published: what the next delivery is compared with. Measures of a column, never a value of it. Grain: one row per batch and column of the source.';
comment on column ops.source_column.batch_id is 'Batch that brought the column (ops.batch); it counts once that batch is published.';
comment on column ops.source_column.source is 'Source as named in include/sources.';
comment on column ops.source_column.entity is 'Canonical entity.';
comment on column ops.source_column.column_name is 'The source''s own name of the column.';
comment on column ops.source_column.type is 'integer, number, text, timestamp, date, boolean or other, as delivered; null where nothing told it, or where a change was accepted in advance.';
comment on column ops.source_column.state is 'mapped (the description reads it) or ignored (it does not, so the column joins nothing).';
comment on column ops.source_column.filled_share is 'Share of rows in which it held a value; null for too small a batch.';
comment on column ops.source_column.readable_share is 'Share of its values that read as the type our column asks for; null where ours is text or the batch was too small.';
comment on column ops.source_column.first_seen is 'Business day of the first published batch that had it.';
comment on column ops.source_column.last_seen is 'Business day of this batch.';

create table ops.source_cursor (
    source text not null,
    entity text not null,
    cursor_value text not null,
    business_date date not null,
    updated_at timestamptz default clock_timestamp() not null,
    primary key (source, entity)
);
comment on table ops.source_cursor is 'Up to where each source has been read and published. Moves only in the transaction that publishes. Grain: one row per source and entity (a stream read on its own has its own entity name, e.g. consent@stream).';
comment on column ops.source_cursor.source is 'Source as named in include/sources.';
comment on column ops.source_cursor.entity is 'Canonical entity, or entity@stream.';
comment on column ops.source_cursor.cursor_value is 'Greatest cursor value published.';
comment on column ops.source_cursor.business_date is 'Business day of the batch that moved it last.';
comment on column ops.source_cursor.updated_at is 'When it moved.';

create table ops.touched (
    changed_in xid8 not null,
    fact text not null,
    customer_key bigint not null,
    is_everybody boolean not null,
    latest_at timestamptz,
    primary key (changed_in, fact, customer_key)
);
comment on table ops.touched is 'Whose facts changed, and in which transaction: what the next build of the features computes anew, while everybody else''s row is carried forward. Written by triggers on the tables of core that features read; rows that no build needs any more are deleted by the builds. Grain: one row per transaction, table and customer.';
comment on column ops.touched.changed_in is 'transaction that changed the rows; a build has seen it if its snapshot has';
comment on column ops.touched.fact is 'table of core whose rows changed';
comment on column ops.touched.customer_key is 'the person whose rows they are, or were before the change';
comment on column ops.touched.is_everybody is 'the statement changed so many rows that this one stands for every customer; customer_key is 0 then';
comment on column ops.touched.latest_at is 'latest time that the changed rows speak of: as of a date before it they still have something to say';

create table pii.address_refusal (
    address text not null,
    channel text not null,
    purpose text not null,
    customer_key bigint not null,
    refused_at timestamptz not null,
    left_at timestamptz,
    primary key (address, channel, purpose, customer_key)
);
create index on pii.address_refusal (customer_key);
comment on table pii.address_refusal is 'Addresses at which somebody said no: who refused which purpose on which channel while having the address. It binds everybody who has the address (privacy.consent_by_address). Stays when the person moves on to another address; goes when the same person grants again. Grain: one row per address, channel, purpose and person who refused.';
comment on column pii.address_refusal.address is 'normalised e-mail address or E.164 number';
comment on column pii.address_refusal.channel is 'email, sms or phone';
comment on column pii.address_refusal.purpose is 'marketing or ads; profiling is about a person, not about an address';
comment on column pii.address_refusal.customer_key is 'the person who refused';
comment on column pii.address_refusal.refused_at is 'when, by the decision that holds';
comment on column pii.address_refusal.left_at is 'when it was noticed that the person no longer has the address; null while they have it';

create table pii.contact (
    customer_key bigint not null,
    name text,
    email text,
    phone text,
    is_email_shared boolean default false not null,
    is_phone_shared boolean default false not null,
    language text,
    birth_date date,
    wedding_anniversary date,
    updated_at timestamptz,
    primary key (customer_key)
);
comment on table pii.contact is 'How to reach each person: the best value of each field over all their source records. The only place a contact address is read from. Grain: one row per person.';
comment on column pii.contact.customer_key is 'the person';
comment on column pii.contact.name is 'full name';
comment on column pii.contact.email is 'normalised e-mail address';
comment on column pii.contact.phone is 'telephone number, E.164';
comment on column pii.contact.is_email_shared is 'another person uses the e-mail address as well (a family, a company)';
comment on column pii.contact.is_phone_shared is 'another person uses the telephone number as well';
comment on column pii.contact.language is 'language for contact, ISO 639-1';
comment on column pii.contact.birth_date is 'date of birth';
comment on column pii.contact.wedding_anniversary is 'date of the wedding';
comment on column pii.contact.updated_at is 'latest change among the source records';

create table pii.linkage_key (
    block bigint not null,
    source_customer_key bigint not null,
    primary key (block, source_customer_key)
);
create index on pii.linkage_key (source_customer_key);
comment on table pii.linkage_key is 'In which blocks source customers meet for comparison: keyed hashes of what records of one person often share (a telephone number; a name with a year of birth). An incremental day finds its candidates here, at the cost of what changed. Grain: one row per block and source customer.';
comment on column pii.linkage_key.block is 'keyed hash of what is shared; odd for e-mail addresses and telephone numbers, even for the rest';
comment on column pii.linkage_key.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id';

create table pii.source_customer (
    source_customer_key bigint not null,
    source text not null,
    customer_id text not null,
    customer_key bigint not null,
    source_created_at timestamptz not null,
    name text,
    email text,
    phone text,
    email_normalised text,
    phone_e164 text,
    birth_date date,
    wedding_anniversary date,
    language text,
    gender text,
    city text,
    region text,
    customer_kind text,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (source_customer_key)
);
create unique index on pii.source_customer (source, customer_id);
create index on pii.source_customer (customer_key);
create index on pii.source_customer (email_normalised);
create index on pii.source_customer (phone_e164);
comment on table pii.source_customer is 'Every customer number of every source with the personal data delivered for it, and the person it belongs to. The only table that can turn a key back into a customer number. Grain: one row per source and customer number.';
comment on column pii.source_customer.source_customer_key is 'keyed hash (HMAC-SHA256, secret pepper) of source and customer_id';
comment on column pii.source_customer.source is 'source system whose numbering this is';
comment on column pii.source_customer.customer_id is 'the source''s own number';
comment on column pii.source_customer.customer_key is 'the person';
comment on column pii.source_customer.source_created_at is 'when the customer became known to the source; decides which member names the person';
comment on column pii.source_customer.name is 'full name';
comment on column pii.source_customer.email is 'e-mail address as delivered';
comment on column pii.source_customer.phone is 'telephone number as delivered';
comment on column pii.source_customer.email_normalised is 'trimmed, lower case, domain in its ASCII form; null if not an address';
comment on column pii.source_customer.phone_e164 is 'E.164; null if not a possible number';
comment on column pii.source_customer.birth_date is 'date of birth';
comment on column pii.source_customer.wedding_anniversary is 'date of the wedding';
comment on column pii.source_customer.language is 'language for contact, ISO 639-1';
comment on column pii.source_customer.gender is 'gender as mapped; only to tell people apart in linkage';
comment on column pii.source_customer.city is 'city of residence; only for linkage';
comment on column pii.source_customer.region is 'province or region; only for linkage';
comment on column pii.source_customer.customer_kind is 'company or consumer; a company and a person are never one';
comment on column pii.source_customer.batch_id is 'batch that last changed the row';
comment on column pii.source_customer.updated_at is 'when the source last changed the row';
comment on column pii.source_customer.deleted_at is 'when the source deleted the row';
comment on column pii.source_customer.is_simulated is 'true where the simulator made the row';

create table privacy.campaign_refusal (
    event_key bigint not null,
    source_customer_key bigint not null,
    customer_key bigint not null,
    campaign text not null,
    channel text not null,
    refused_at timestamptz not null,
    recorded_at timestamptz default now() not null,
    primary key (event_key)
);
create index on privacy.campaign_refusal (customer_key);
comment on table privacy.campaign_refusal is 'Who unsubscribed from one campaign, or reported it as spam, and on which channel: beside the withdrawal of promotion in the ledger, what ends a service play for this person alone. Appended by the consent sync; privacy.campaign_refused says which of them hold. Grain: one row per reported event.';
comment on column privacy.campaign_refusal.event_key is 'hash of the source and its number of the event: an event that is read twice is one row';
comment on column privacy.campaign_refusal.source_customer_key is 'the customer as the event names them';
comment on column privacy.campaign_refusal.customer_key is 'the person as known then; core.customer_alias follows merges';
comment on column privacy.campaign_refusal.campaign is 'the play they unsubscribed from';
comment on column privacy.campaign_refusal.channel is 'email, sms, phone, wechat, app or post; all for every channel, and where the event names none that is known';
comment on column privacy.campaign_refusal.refused_at is 'when they did; when it was reported where that time is beyond reason';
comment on column privacy.campaign_refusal.recorded_at is 'when it was written here';

create table privacy.consent (
    consent_key bigint not null,
    source_customer_key bigint,
    customer_key bigint not null,
    purpose text not null,
    channel text not null,
    decision text not null,
    decided_at timestamptz not null,
    recorded_at timestamptz default now() not null,
    origin text,
    source text not null,
    basis text default 'decision' not null,
    batch_id bigint,
    is_simulated boolean default false not null,
    primary key (consent_key),
    check (purpose in ('marketing', 'profiling', 'ads', 'service')),
    check (channel in ('email', 'sms', 'phone', 'wechat', 'app', 'post', 'all')),
    check (decision in ('granted', 'withdrawn')),
    check (isfinite(decided_at)),
    check (basis = 'decision' or decision = 'withdrawn')
);
create index on privacy.consent (customer_key, purpose, channel, decided_at);
create index on privacy.consent (source_customer_key);
create index on privacy.consent using brin (recorded_at timestamptz_minmax_multi_ops) with (autosummarize = on);
comment on table privacy.consent is 'Consent ledger, append-only: what each customer decided, on which purpose and channel, when and where. The later decision holds; nothing is ever changed or overwritten, and the database refuses whoever tries. Grain: one row per decision.';
comment on column privacy.consent.consent_key is 'hash of source, the source''s number of the row and what it says: a row that the source changes in place is another decision';
comment on column privacy.consent.source_customer_key is 'the customer as the source knows them; null for decisions taken by the person in a tool';
comment on column privacy.consent.customer_key is 'the person (core.customer_alias follows merges)';
comment on column privacy.consent.purpose is 'marketing, profiling, ads or service: service messages need no grant, a withdrawal ends them';
comment on column privacy.consent.channel is 'email, sms, phone, wechat, app, post, or all';
comment on column privacy.consent.decision is 'granted or withdrawn';
comment on column privacy.consent.decided_at is 'when the customer decided';
comment on column privacy.consent.recorded_at is 'when it was written here';
comment on column privacy.consent.origin is 'where the decision was taken';
comment on column privacy.consent.source is 'source system, or the tool that reported it';
comment on column privacy.consent.basis is 'decision: the person decided; deleted_at_source: the source deleted a grant, which ends it; id_reused: the number passed to somebody else, who has not decided yet';
comment on column privacy.consent.batch_id is 'batch that delivered it; null if not from a batch';
comment on column privacy.consent.is_simulated is 'true where the simulator made the row';

create table privacy.order_tombstone (
    order_hash bigint not null,
    erased_at timestamptz default clock_timestamp() not null,
    primary key (order_hash)
);
comment on table privacy.order_tombstone is 'One row per order of an erased person. Lines delivered later name the order only; by this they are dropped with everything else of the person. Holds keyed hashes only, with nothing that joins the orders of one person. Grain: one row per order of an erased person.';
comment on column privacy.order_tombstone.order_hash is 'keyed hash of source and order number; the plain hash of core could be found by trying all numbers';
comment on column privacy.order_tombstone.erased_at is 'moment from which lines of this order are dropped';

create table privacy.receipt (
    request_id text not null,
    kind text not null,
    customer_key bigint,
    requested_at timestamptz not null,
    completed_at timestamptz not null,
    rows_by_store jsonb not null,
    recipients jsonb not null,
    verification jsonb not null,
    primary key (request_id)
);
comment on table privacy.receipt is 'Proof of a handled request: what was removed or exported from where, which recipients were told, and the result of the search made afterwards. Counts and names of stores only, never a value of the person. Grain: one row per closed request.';
comment on column privacy.receipt.request_id is 'the request this proves (privacy.request)';
comment on column privacy.receipt.kind is 'erasure or access';
comment on column privacy.receipt.customer_key is 'pseudonym of the person; null if no data were found';
comment on column privacy.receipt.requested_at is 'when the request was received';
comment on column privacy.receipt.completed_at is 'when the last step was done';
comment on column privacy.receipt.rows_by_store is 'rows removed (or exported) by database and table, and by file';
comment on column privacy.receipt.recipients is 'systems that had received data of the person and what they were told';
comment on column privacy.receipt.verification is 'stores searched afterwards, what was searched for (kinds of values, no values) and the number of hits';

create table privacy.request (
    request_id text not null,
    kind text not null,
    customer_key bigint,
    source_customer_keys bigint[] not null,
    subject jsonb,
    state text not null,
    requested_by text not null,
    requested_at timestamptz not null,
    progress jsonb default '{}'::jsonb not null,
    closed_at timestamptz,
    primary key (request_id)
);
create index on privacy.request (state, requested_at);
comment on table privacy.request is 'Requests of customers about their own data: to be erased, or to get a copy. `subject` is the working memory of an open request (which source ids and addresses to look for) and is emptied when the request is closed. Grain: one row per request.';
comment on column privacy.request.request_id is 'random identifier handed to the person who asked';
comment on column privacy.request.kind is 'erasure or access';
comment on column privacy.request.customer_key is 'pseudonym of the person; null if the source id was unknown when the request came in';
comment on column privacy.request.source_customer_keys is 'pseudonyms of every source id of the person found so far';
comment on column privacy.request.subject is 'source ids and addresses to look for, only while the request is open; null once it is closed';
comment on column privacy.request.state is 'open, running, settling (erased, waiting for writers that began before) or done';
comment on column privacy.request.requested_by is 'who entered the request (a staff account, never the person''s name)';
comment on column privacy.request.requested_at is 'when the request was received';
comment on column privacy.request.progress is 'rows removed so far per store, so that a restarted request still reports everything it removed';
comment on column privacy.request.closed_at is 'when the receipt was written; null while the request is open';

create table privacy.suppression (
    address_hash text not null,
    channel text not null,
    reason text not null,
    since timestamptz not null,
    primary key (address_hash, channel)
);
comment on table privacy.suppression is 'Addresses nobody may be contacted at, by keyed hash. Survives erasure, so that an address which comes back under a new customer id stays silent. Grain: one row per address and channel.';
comment on column privacy.suppression.address_hash is 'hex HMAC-SHA-256 of the normalised e-mail address or E.164 phone number under the pepper';
comment on column privacy.suppression.channel is 'channel the address is blocked for; ''all'' blocks every channel that uses it';
comment on column privacy.suppression.reason is 'why: erased, unsubscribed, bounced or complained';
comment on column privacy.suppression.since is 'moment the block took effect';

create table privacy.tombstone (
    source_customer_key bigint not null,
    request_id text not null,
    erased_at timestamptz not null,
    primary key (source_customer_key)
);
comment on table privacy.tombstone is 'One row per source id of an erased person. Everything a source delivers later for such an id is dropped before it reaches quarantine or core, and counted. Holds keyed hashes only: without the pepper nobody can tell who was erased. Grain: one row per erased source customer id.';
comment on column privacy.tombstone.source_customer_key is 'keyed hash of source and source customer id, as in core.customer_alias';
comment on column privacy.tombstone.request_id is 'erasure request that made it (privacy.request)';
comment on column privacy.tombstone.erased_at is 'moment from which deliveries for this id are dropped';

create table quarantine.row (
    quarantine_id bigint generated always as identity not null,
    batch_id bigint not null,
    source text not null,
    entity text not null,
    file text,
    position bigint not null,
    business_date date not null,
    rule text not null,
    rules text[] not null,
    column_name text,
    severity text not null,
    reason text not null,
    row jsonb not null,
    fingerprint text,
    state text default 'open' not null,
    first_quarantine_id bigint,
    replayed_in bigint,
    outcome text,
    times_seen integer default 1 not null,
    last_seen_at timestamptz default now() not null,
    last_batch_id bigint,
    created_at timestamptz default now() not null,
    changed_at timestamptz,
    run_id text,
    primary key (quarantine_id)
);
create index on quarantine.row (batch_id);
create index on quarantine.row (business_date, rule);
create index on quarantine.row (source, entity, state);
create index on quarantine.row (source, entity, fingerprint);
create index on quarantine.row (replayed_in) where replayed_in is not null;
comment on table quarantine.row is 'Rows refused by a check, kept as delivered so that they can be repaired and replayed. Every row names where it came from and which rule refused it; the reason never holds a value. Grain: one row per refused row of one batch.';
comment on column quarantine.row.quarantine_id is 'counter';
comment on column quarantine.row.batch_id is 'batch that delivered the row';
comment on column quarantine.row.source is 'source system';
comment on column quarantine.row.entity is 'entity';
comment on column quarantine.row.file is 'file the row stood in; null for tables';
comment on column quarantine.row.position is 'row number in the table read, or line in the file';
comment on column quarantine.row.business_date is 'business day of the batch';
comment on column quarantine.row.rule is 'first rule broken';
comment on column quarantine.row.rules is 'every rule broken, as rule(column)';
comment on column quarantine.row.column_name is 'column of the first rule';
comment on column quarantine.row.severity is 'severity of the first rule';
comment on column quarantine.row.reason is 'what the rule asks, in words, without the value';
comment on column quarantine.row.row is 'the landed row';
comment on column quarantine.row.fingerprint is 'SHA-256 of the row as it was refused: the same row delivered again is not stored a second time';
comment on column quarantine.row.state is 'open, fixed (repaired, waiting for replay), replayed, discarded, or superseded (the row came again and was valid)';
comment on column quarantine.row.first_quarantine_id is 'of a row that was refused again after a replay: its first refusal';
comment on column quarantine.row.replayed_in is 'batch in which it landed again; null while it waits';
comment on column quarantine.row.outcome is 'what became of it there: valid, refused (again) or left_out (a duplicate, or of somebody erased); null until that batch is validated';
comment on column quarantine.row.times_seen is 'how often the source has delivered this very row';
comment on column quarantine.row.last_seen_at is 'when it did so last';
comment on column quarantine.row.last_batch_id is 'the newest batch that delivered or superseded it';
comment on column quarantine.row.created_at is 'when it was refused';
comment on column quarantine.row.changed_at is 'when its state last changed';
comment on column quarantine.row.run_id is 'run that refused it';

create table scores.association (
    as_of_date date not null,
    level text not null,
    kind text not null,
    antecedent_key bigint not null,
    consequent_key bigint not null,
    antecedent text not null,
    consequent text not null,
    count_antecedent bigint not null,
    count_consequent bigint not null,
    count_both bigint not null,
    count_total bigint not null,
    count_customers bigint not null,
    support double precision not null,
    confidence double precision not null,
    confidence_lower double precision not null,
    lift double precision not null,
    mean_days double precision,
    primary key (as_of_date, level, kind, antecedent_key, consequent_key)
) partition by range (as_of_date);
comment on table scores.association is 'Products and categories bought together, or one after the other, as of a date: the rules surely above chance. Every rule rests on enough orders of enough customers (settings.associations) that it tells nothing about any one of them. Grain: one row per level, kind, antecedent and consequent per as_of_date.';
comment on column scores.association.as_of_date is 'date D the rule holds for: only orders before D were counted';
comment on column scores.association.level is 'product or category';
comment on column scores.association.kind is 'together (both in one order) or sequence (the consequent comes new with the next order)';
comment on column scores.association.antecedent_key is 'product_key, or hash of the category''s path';
comment on column scores.association.consequent_key is 'likewise';
comment on column scores.association.antecedent is 'name of the product, or path of the category';
comment on column scores.association.consequent is 'likewise';
comment on column scores.association.count_antecedent is 'orders that hold the antecedent; for a sequence, steps to a next order whose first order holds it and not the consequent';
comment on column scores.association.count_consequent is 'orders that hold the consequent; for a sequence, steps with which it comes new';
comment on column scores.association.count_both is 'orders (steps) in which the rule held';
comment on column scores.association.count_total is 'orders counted; for a sequence, steps whose first order does not hold the consequent';
comment on column scores.association.count_customers is 'different customers for whom it held';
comment on column scores.association.support is 'count_both over count_total';
comment on column scores.association.confidence is 'count_both over count_antecedent';
comment on column scores.association.confidence_lower is 'one-sided 95 % lower bound of confidence (Wilson); always above the consequent''s share without condition';
comment on column scores.association.lift is 'confidence over the consequent''s share without condition: 2 is twice as often as by chance';
comment on column scores.association.mean_days is 'mean days to the next order; null for together';

create table scores.churn (
    as_of_date date not null,
    customer_key bigint not null,
    churn_probability double precision not null,
    horizon_days integer not null,
    definition text not null,
    model_version text not null,
    calibration_id text not null,
    is_fallback boolean not null,
    primary key (as_of_date, customer_key)
) partition by range (as_of_date);
comment on table scores.churn is 'Probability that a purchaser places no paid order within the horizon after the as-of date, with the model that says so. Grain: one row per purchaser per as_of_date.';
comment on column scores.churn.as_of_date is 'date D the score holds for: only what happened before D was used';
comment on column scores.churn.customer_key is 'pseudonym of the purchaser';
comment on column scores.churn.churn_probability is 'calibrated probability of no paid order in the horizon, 0 to 1';
comment on column scores.churn.horizon_days is 'days after the as-of date that the probability is about';
comment on column scores.churn.definition is 'identifier of what churn means here, with the horizon';
comment on column scores.churn.model_version is 'version in ops.model, or the name of the fallback rule';
comment on column scores.churn.calibration_id is 'calibration used: model version and the date whose outcomes it was fitted to; ''none'' for the fallback';
comment on column scores.churn.is_fallback is 'true where no champion could score and the stated rule of thumb stands in';

create table scores.clv (
    as_of_date date not null,
    customer_key bigint not null,
    clv_12m_minor bigint not null,
    net_revenue_12m_minor bigint not null,
    margin_share double precision not null,
    cost_to_serve_12m_minor bigint not null,
    basis text not null,
    expected_orders_12m double precision not null,
    expected_order_value_minor bigint,
    probability_alive double precision,
    clv_12m_lower_minor bigint,
    clv_12m_upper_minor bigint,
    interval_probability double precision,
    horizon_days integer not null,
    definition text not null,
    model_version text not null,
    is_fallback boolean not null,
    primary key (as_of_date, customer_key)
) partition by range (as_of_date);
comment on table scores.clv is 'What a purchaser is expected to bring in the coming twelve months, discounted, with its parts and an interval: net margin where unit costs are known, net revenue otherwise, less what complaints and returns cost in either case. The fallback is plain net revenue. What is compared with these values (cut-offs of the value matrix, offers by value at risk) is meant in the row''s basis. Grain: one row per purchaser per as_of_date.';
comment on column scores.clv.as_of_date is 'date D the score holds for: only what happened before D was used';
comment on column scores.clv.customer_key is 'pseudonym of the purchaser';
comment on column scores.clv.clv_12m_minor is 'expected value of the coming twelve months in the row''s basis: net revenue times margin share less cost to serve, discounted, minor units of the base currency; negative for a customer who costs more than they bring';
comment on column scores.clv.net_revenue_12m_minor is 'expected net revenue of the coming twelve months, discounted, minor units: what realised revenue is compared with';
comment on column scores.clv.margin_share is 'share of net revenue left after the cost of goods, the customer''s own pulled towards that of all; 1 where the basis is net_revenue';
comment on column scores.clv.cost_to_serve_12m_minor is 'expected cost of complaints (handling, compensation) and returns that comes with those orders, minor units';
comment on column scores.clv.basis is 'net_margin where unit costs are known for enough of the revenue (settings.clv.least_costed_share), else net_revenue, as always for the fallback; the same for all rows of a date';
comment on column scores.clv.expected_orders_12m is 'expected days with an order in the coming twelve months';
comment on column scores.clv.expected_order_value_minor is 'expected net revenue of one order day, minor units; null for the fallback';
comment on column scores.clv.probability_alive is 'probability of not having left for good; 1 for one-time buyers by construction, so never read it as loyalty; null for the fallback';
comment on column scores.clv.clv_12m_lower_minor is 'lower end of the prediction interval for this one customer (not of the mean); null for the fallback';
comment on column scores.clv.clv_12m_upper_minor is 'upper end of the prediction interval for this one customer; null for the fallback';
comment on column scores.clv.interval_probability is 'probability that the interval holds what comes, as measured on matured outcomes: settings.clv.interval, or more where buying nothing is likelier than that; null for the fallback';
comment on column scores.clv.horizon_days is 'days after the as-of date that the value is about';
comment on column scores.clv.definition is 'identifier of what the value means here, with horizon and discount rate';
comment on column scores.clv.model_version is 'version in ops.model, or the name of the fallback rule';
comment on column scores.clv.is_fallback is 'true where no champion could score and the stated rule of thumb stands in';

create table scores.next_best (
    as_of_date date not null,
    customer_key bigint not null,
    level text not null,
    list text not null,
    rank integer not null,
    item_key bigint not null,
    item text not null,
    order_probability double precision not null,
    why text not null,
    because_of text,
    why_en text not null,
    why_zh text not null,
    days_since_bought integer,
    is_replenishable boolean not null,
    model_version text not null,
    is_fallback boolean not null,
    primary key (as_of_date, customer_key, level, list, rank)
) partition by range (as_of_date);
comment on table scores.next_best is 'What to propose to each purchaser: the products and categories that the next order most probably holds, of those that can be bought; never one just bought unless it is used up and bought again, never one out of stock. No rows where no order has lines. Grain: one row per purchaser, level, list and rank per as_of_date.';
comment on column scores.next_best.as_of_date is 'date D the proposal holds for: only what happened before D was used';
comment on column scores.next_best.customer_key is 'pseudonym of the purchaser';
comment on column scores.next_best.level is 'product or category';
comment on column scores.next_best.list is 'next (anything) or new (not bought within the window: for cross-selling)';
comment on column scores.next_best.rank is '1 is the most probable of its list';
comment on column scores.next_best.item_key is 'product_key, or hash of the category''s path';
comment on column scores.next_best.item is 'name of the product, or path of the category';
comment on column scores.next_best.order_probability is 'estimated probability that the customer''s next order holds it, 0 to 1';
comment on column scores.next_best.why is 'habit (bought before), association (goes with what is bought) or popular';
comment on column scores.next_best.because_of is 'for association, the item of the customer''s that raises it most; else null';
comment on column scores.next_best.why_en is 'the reason as an English sentence';
comment on column scores.next_best.why_zh is 'the reason as a Chinese sentence';
comment on column scores.next_best.days_since_bought is 'business days since the customer last bought it; null if not within the window';
comment on column scores.next_best.is_replenishable is 'used up and bought again, by the catalogue or because enough of its buyers came back for it';
comment on column scores.next_best.model_version is 'name of the ranking rule';
comment on column scores.next_best.is_fallback is 'true where the customer''s lines say nothing and what is popular stands in';

create table scores.outcome (
    kind text not null,
    scored_as_of date not null,
    customer_key bigint not null,
    contract_key bigint default 0 not null,
    horizon_days integer not null,
    model_version text not null,
    is_fallback boolean not null,
    predicted double precision not null,
    predicted_lower double precision,
    predicted_upper double precision,
    realised double precision not null,
    matured_on date not null,
    measured_as_of date not null,
    primary key (kind, scored_as_of, customer_key, contract_key)
);
create index on scores.outcome (customer_key);
comment on table scores.outcome is 'What became of each prediction whose horizon has passed: the outcome beside what was said at the time. Predictions that were made later, by a model that had learned from the outcome, are left out. Grain: one row per kind of score, date scored and purchaser; for renewal one per contract.';
comment on column scores.outcome.kind is 'churn, clv, repurchase_30d, repurchase_90d (scores.repurchase within so many days) or renewal';
comment on column scores.outcome.scored_as_of is 'as_of_date of the score';
comment on column scores.outcome.customer_key is 'pseudonym of the purchaser, as scored';
comment on column scores.outcome.contract_key is 'renewal: the contract that was due; 0 for all others';
comment on column scores.outcome.horizon_days is 'days after scored_as_of that the prediction is about; renewal: until the contract was decided';
comment on column scores.outcome.model_version is 'version in ops.model that scored, or the name of the fallback rule';
comment on column scores.outcome.is_fallback is 'true where a rule of thumb scored';
comment on column scores.outcome.predicted is 'churn, repurchase, renewal: probability (of no order, of an order, of not being renewed); clv: net revenue expected in the horizon, discounted, minor units';
comment on column scores.outcome.predicted_lower is 'clv: lower end of the interval stated for the customer; null where none was, and where it was stated in margin';
comment on column scores.outcome.predicted_upper is 'upper end of that interval';
comment on column scores.outcome.realised is 'churn: 1 where no paid order followed in the horizon, else 0; repurchase: 1 where one did; renewal: 1 where the contract was not renewed; clv: net revenue of the horizon, discounted, minor units';
comment on column scores.outcome.matured_on is 'first date on which the whole horizon had passed';
comment on column scores.outcome.measured_as_of is 'as_of_date of the run that compared; orders corrected within a week of maturing are taken in by comparing again';

create table scores.persona (
    as_of_date date not null,
    customer_key bigint not null,
    persona text not null,
    persona_en text not null,
    persona_zh text not null,
    fit double precision not null,
    second_persona text not null,
    discount_share double precision,
    price_position double precision,
    count_lines bigint not null,
    model_version text not null,
    is_fallback boolean not null,
    primary key (as_of_date, customer_key)
) partition by range (as_of_date);
comment on table scores.persona is 'The group of customers each purchaser belongs to by the way they shop: discounts, position of prices within categories, order rate and order value. Price-sensitive and quality-seeking are defined by discounts and prices (include/personas). Grain: one row per purchaser per as_of_date.';
comment on column scores.persona.as_of_date is 'date D the row holds for: only what happened before D was used';
comment on column scores.persona.customer_key is 'pseudonym of the purchaser';
comment on column scores.persona.persona is 'code of the group, e.g. price_sensitive; stays the same when the groups are learned again';
comment on column scores.persona.persona_en is 'its English name';
comment on column scores.persona.persona_zh is 'its Chinese name';
comment on column scores.persona.fit is 'how clearly: 0 halfway to the second group, 1 in the centre of its own';
comment on column scores.persona.second_persona is 'code of the next nearest group';
comment on column scores.persona.discount_share is 'share of the price saved by discounts within the window, drawn to the company''s where there are few lines; null where nothing tells';
comment on column scores.persona.price_position is 'mean position of what was bought among the products of its category by price before discounts, 0 cheapest to 1 dearest, drawn likewise; null where nothing tells';
comment on column scores.persona.count_lines is 'order lines of the customer that these two rest on';
comment on column scores.persona.model_version is 'version in ops.model, or the name of the fallback rule';
comment on column scores.persona.is_fallback is 'true where no learned groups are in force and the stated rule stands in, or nothing within the window tells how the customer shops';

create table scores.preference (
    as_of_date date not null,
    customer_key bigint not null,
    favourite_category text,
    favourite_category_share double precision,
    second_category text,
    order_channel text,
    best_hour integer,
    best_weekday integer,
    count_visits bigint not null,
    preferred_channel text not null,
    channel_response_rate double precision not null,
    channel_basis text not null,
    is_reachable boolean not null,
    reachable_channels text,
    count_messages bigint not null,
    price_band text,
    price_position double precision,
    discount_affinity double precision,
    discount_band text,
    count_lines bigint not null,
    model_version text not null,
    is_fallback boolean not null,
    primary key (as_of_date, customer_key)
) partition by range (as_of_date);
comment on table scores.preference is 'What each purchaser prefers as of a date: category, prices, discounts, channel, hour and weekday. Every estimate is drawn to the company''s (channels: to a stated prior) by as much as the customer''s own evidence is thin. Grain: one row per purchaser per as_of_date.';
comment on column scores.preference.as_of_date is 'date D the row holds for: only what happened before D was used';
comment on column scores.preference.customer_key is 'pseudonym of the purchaser';
comment on column scores.preference.favourite_category is 'path of the category with the highest shrunk share of the lines; null where no line has one';
comment on column scores.preference.favourite_category_share is 'that share, 0 to 1';
comment on column scores.preference.second_category is 'path of the category after it';
comment on column scores.preference.order_channel is 'channel most orders come by; null where orders name none';
comment on column scores.preference.best_hour is 'hour of the day (0 to 23, business time zone) of most orders and inbound touches, neighbouring hours counting by half; null where times are not recorded';
comment on column scores.preference.best_weekday is 'weekday of most of them, 1 Monday to 7 Sunday; null without any';
comment on column scores.preference.count_visits is 'orders and inbound touches of the customer that hour and weekday rest on';
comment on column scores.preference.preferred_channel is 'channel on which the customer most probably answers, of those that may be used; of all where none may';
comment on column scores.preference.channel_response_rate is 'estimated share of messages answered there (opened, clicked or led to an order), 0 to 1';
comment on column scores.preference.channel_basis is 'responses (the customer''s own on that channel), company (of customers of the age group) or prior (the stated one: nobody has been asked yet)';
comment on column scores.preference.is_reachable is 'whether any channel may be used: marketing granted on it and not unsubscribed; checked again at every push';
comment on column scores.preference.reachable_channels is 'these channels, separated by commas; null when there are none';
comment on column scores.preference.count_messages is 'messages to the customer within the window';
comment on column scores.preference.price_band is 'low, middle or high third of customers by price_position; null where nothing tells';
comment on column scores.preference.price_position is 'mean position of what was bought among the products of its category by price before discounts, 0 cheapest to 1 dearest, shrunk';
comment on column scores.preference.discount_affinity is 'shrunk share of lines bought at a discount, 0 to 1; null where no order has lines';
comment on column scores.preference.discount_band is 'low, middle or high third of customers by it';
comment on column scores.preference.count_lines is 'order lines of the customer that category, prices and discounts rest on';
comment on column scores.preference.model_version is 'name of the rule';
comment on column scores.preference.is_fallback is 'true where nothing of the customer''s own tells and every estimate is the company''s or the stated prior''s';

create table scores.reason (
    as_of_date date not null,
    customer_key bigint not null,
    score text not null,
    rank integer not null,
    is_top_risk boolean not null,
    is_top_value boolean not null,
    reason text not null,
    is_raising boolean not null,
    contribution double precision not null,
    score_base double precision not null,
    score_rest double precision not null,
    score_total double precision not null,
    sentence_en text not null,
    sentence_zh text not null,
    model_version text not null,
    is_fallback boolean not null,
    primary key (as_of_date, customer_key, score, rank)
) partition by range (as_of_date);
comment on table scores.reason is 'Why a score is what it is, for the purchasers of the top bands: the weightiest reasons, as fixed sentences, from exact additive contributions. For the score churn they add up to the model''s log-odds before calibration, for clv to the natural logarithm of the published value: score_base + the contributions of a customer''s rows + score_rest = score_total. Grain: one row per purchaser of a top band, score and rank per as_of_date.';
comment on column scores.reason.as_of_date is 'date D of the score that is explained';
comment on column scores.reason.customer_key is 'pseudonym of the purchaser';
comment on column scores.reason.score is 'score that is explained: churn (scores.churn) or clv (scores.clv)';
comment on column scores.reason.rank is '1 is the weightiest reason';
comment on column scores.reason.is_top_risk is 'true where the purchaser is in the top band of churn probability';
comment on column scores.reason.is_top_value is 'true where the purchaser is in the top band of predicted value';
comment on column scores.reason.reason is 'code of the reason, see include/reasons: a group of inputs that people understand as one';
comment on column scores.reason.is_raising is 'true where the reason makes the score higher than the usual customer''s, false where lower';
comment on column scores.reason.contribution is 'what the reason adds to score_total, in log-odds (churn) or as a natural logarithm (clv)';
comment on column scores.reason.score_base is 'score_total of the usual customer: the same for all rows of a score and date';
comment on column scores.reason.score_rest is 'sum of the contributions of this customer that are not listed';
comment on column scores.reason.score_total is 'churn: log-odds before calibration; clv: natural logarithm of the predicted value in minor units';
comment on column scores.reason.sentence_en is 'the reason in English: fixed wording with the customer''s own figures';
comment on column scores.reason.sentence_zh is 'the reason in Chinese: fixed wording with the customer''s own figures';
comment on column scores.reason.model_version is 'version in ops.model that scored, or the name of the fallback rule';
comment on column scores.reason.is_fallback is 'true where the stated rule of thumb scored: the reasons explain that rule';

create table scores.renewal (
    as_of_date date not null,
    contract_key bigint not null,
    customer_key bigint not null,
    renewal_date date not null,
    decided_on date not null,
    non_renewal_probability double precision not null,
    definition text not null,
    model_version text not null,
    calibration_id text not null,
    is_fallback boolean not null,
    primary key (as_of_date, contract_key)
) partition by range (as_of_date);
comment on table scores.renewal is 'Probability that a contract which is up for renewal will not be renewed, with the model that says so. Grain: one row per contract due and as_of_date.';
comment on column scores.renewal.as_of_date is 'date D the score holds for: only what was known before D was used';
comment on column scores.renewal.contract_key is 'contract that is due (core.contract)';
comment on column scores.renewal.customer_key is 'pseudonym of the customer who holds it';
comment on column scores.renewal.renewal_date is 'date it is up for renewal: from D less the grace period to the last day of the look-ahead';
comment on column scores.renewal.decided_on is 'end of the grace period: not renewed before this date is churned';
comment on column scores.renewal.non_renewal_probability is 'calibrated probability of not being renewed before decided_on, 0 to 1';
comment on column scores.renewal.definition is 'identifier of what not renewing means here, with look-ahead and grace period';
comment on column scores.renewal.model_version is 'version in ops.model, or the name of the fallback rule';
comment on column scores.renewal.calibration_id is 'calibration used: model version and the date whose outcomes it was fitted to; ''none'' for the fallback';
comment on column scores.renewal.is_fallback is 'true where no champion could score and the rate of the contracts decided in the past year stands in';

create table scores.renewal_reason (
    as_of_date date not null,
    contract_key bigint not null,
    customer_key bigint not null,
    rank integer not null,
    reason text not null,
    is_raising boolean not null,
    contribution double precision not null,
    score_base double precision not null,
    score_rest double precision not null,
    score_total double precision not null,
    sentence_en text not null,
    sentence_zh text not null,
    model_version text not null,
    primary key (as_of_date, contract_key, rank)
) partition by range (as_of_date);
comment on table scores.renewal_reason is 'Why a contract may not be renewed: the weightiest reasons, as fixed sentences, from exact additive contributions to the model''s log-odds before calibration: score_base + the contributions of a contract''s rows + score_rest = score_total. No rows where the rate of the past year scores, which is the same for all contracts. Grain: one row per contract due and rank per as_of_date.';
comment on column scores.renewal_reason.as_of_date is 'date D of the score that is explained';
comment on column scores.renewal_reason.contract_key is 'contract that is due (scores.renewal)';
comment on column scores.renewal_reason.customer_key is 'pseudonym of the customer who holds it';
comment on column scores.renewal_reason.rank is '1 is the weightiest reason';
comment on column scores.renewal_reason.reason is 'code of the reason, see include/reasons/renewal.yml and churn.yml';
comment on column scores.renewal_reason.is_raising is 'true where the reason makes the probability of not being renewed higher than the usual contract''s, false where lower';
comment on column scores.renewal_reason.contribution is 'what the reason adds to score_total, in log-odds';
comment on column scores.renewal_reason.score_base is 'score_total of the usual contract: the same for all rows of a date';
comment on column scores.renewal_reason.score_rest is 'sum of the contributions of this contract that are not listed';
comment on column scores.renewal_reason.score_total is 'log-odds before calibration';
comment on column scores.renewal_reason.sentence_en is 'the reason in English: fixed wording with the contract''s own figures';
comment on column scores.renewal_reason.sentence_zh is 'the reason in Chinese: fixed wording with the contract''s own figures';
comment on column scores.renewal_reason.model_version is 'version in ops.model that scored';

create table scores.replenishment (
    as_of_date date not null,
    customer_key bigint not null,
    rank integer not null,
    product_key bigint not null,
    product text not null,
    count_days bigint not null,
    last_bought_on date not null,
    own_gap_days double precision not null,
    product_gap_days double precision not null,
    gap_from text not null,
    expected_gap_days double precision not null,
    expected_on date not null,
    expected_earliest_on date,
    expected_latest_on date,
    days_until_expected integer not null,
    model_version text not null,
    is_fallback boolean not null,
    primary key (as_of_date, customer_key, product_key)
) partition by range (as_of_date);
comment on table scores.replenishment is 'When each purchaser is expected to buy again what is used up, from the own and the product''s rhythm. Products in stock, bought on two days at least within the window and not given up since. Grain: one row per purchaser and product per as_of_date.';
comment on column scores.replenishment.as_of_date is 'date D the expectation holds for: only what happened before D was used';
comment on column scores.replenishment.customer_key is 'pseudonym of the purchaser';
comment on column scores.replenishment.rank is '1 is the product the customer buys most often';
comment on column scores.replenishment.product_key is 'the product';
comment on column scores.replenishment.product is 'its name';
comment on column scores.replenishment.count_days is 'days within the window on which the customer bought it';
comment on column scores.replenishment.last_bought_on is 'business day of the last of them';
comment on column scores.replenishment.own_gap_days is 'the customer''s mean days between them';
comment on column scores.replenishment.product_gap_days is 'days after which customers usually buy it again';
comment on column scores.replenishment.gap_from is 'whose rhythm that is: the product''s, its category''s (too few came back for the product) or all products''';
comment on column scores.replenishment.expected_gap_days is 'the own mean gap, drawn to the product''s the fewer gaps there are';
comment on column scores.replenishment.expected_on is 'business day on which the next purchase is expected; before D it is overdue';
comment on column scores.replenishment.expected_earliest_on is 'start of the interval meant to hold four in five next purchases; null where too few histories tell how wide it is';
comment on column scores.replenishment.expected_latest_on is 'end of that interval';
comment on column scores.replenishment.days_until_expected is 'days from D to that day; negative when overdue';
comment on column scores.replenishment.model_version is 'name of the rule';
comment on column scores.replenishment.is_fallback is 'true where no rhythm of the product or its category is known and that of all products stands in';

create table scores.repurchase (
    as_of_date date not null,
    customer_key bigint not null,
    probability_30d double precision not null,
    probability_90d double precision not null,
    expected_orders_30d double precision not null,
    expected_orders_90d double precision not null,
    next_order_date date,
    next_order_from date,
    next_order_until date,
    next_order_within_days integer,
    usual_gap_days double precision,
    overdue_ratio double precision,
    definition text not null,
    model_version text not null,
    orders_model_version text not null,
    is_fallback boolean not null,
    primary key (as_of_date, customer_key)
) partition by range (as_of_date);
comment on table scores.repurchase is 'When a purchaser is expected to order again: probability within 30 and 90 days, expected orders, date of the next order with an interval, and how overdue they are against their own rhythm. Grain: one row per purchaser per as_of_date.';
comment on column scores.repurchase.as_of_date is 'date D the score holds for: only what happened before D was used';
comment on column scores.repurchase.customer_key is 'pseudonym of the purchaser';
comment on column scores.repurchase.probability_30d is 'probability of a paid order in the 30 days from D on';
comment on column scores.repurchase.probability_90d is 'probability of a paid order in the 90 days from D on; one less churn_probability where the churn horizon is 90 days';
comment on column scores.repurchase.expected_orders_30d is 'expected days with an order in those 30 days';
comment on column scores.repurchase.expected_orders_90d is 'expected days with an order in those 90 days';
comment on column scores.repurchase.next_order_date is 'day by which half of such customers have ordered again, of those who order within next_order_within_days; null for a one-time buyer without a champion';
comment on column scores.repurchase.next_order_from is 'earlier end of the interval of that date; null for the fallback';
comment on column scores.repurchase.next_order_until is 'later end of the interval of that date; null for the fallback';
comment on column scores.repurchase.next_order_within_days is 'the three dates hold if the customer orders within this many days at all; null for the fallback';
comment on column scores.repurchase.usual_gap_days is 'the customer''s own mean days between orders; null for one-time buyers';
comment on column scores.repurchase.overdue_ratio is 'days since the last order over that mean; above 1 is later than usual; null for one-time buyers';
comment on column scores.repurchase.definition is 'identifier of what counts as repurchase';
comment on column scores.repurchase.model_version is 'version in ops.model that gave the probabilities, or the name of the fallback rule';
comment on column scores.repurchase.orders_model_version is 'version in ops.model that gave expected orders and dates, or the name of the fallback rule';
comment on column scores.repurchase.is_fallback is 'true where a champion was missing and a stated rule of thumb stands in for any of the numbers';

create table scores.text_label (
    as_of_date date not null,
    text_kind text not null,
    text_key bigint not null,
    customer_key bigint,
    happened_at timestamptz not null,
    state_at timestamptz not null,
    language text not null,
    topic text,
    topic_probability double precision,
    topic_basis text not null,
    sentiment text not null,
    sentiment_probability double precision,
    sentiment_basis text not null,
    severity text,
    severity_probability double precision,
    severity_basis text not null,
    lexicon_version text not null,
    model_version text not null,
    is_fallback boolean not null,
    primary key (as_of_date, text_kind, text_key)
) partition by range (as_of_date);
comment on table scores.text_label is 'What the texts of the look-back are about: topic, sentiment and severity of complaints, survey comments and public mentions, in Chinese and English. The texts themselves are not here. Grain: one row per text per as_of_date.';
comment on column scores.text_label.as_of_date is 'date D the reading holds for: texts written before D, as they stood at D';
comment on column scores.text_label.text_kind is 'complaint, survey_comment or mention';
comment on column scores.text_label.text_key is 'complaint_key of core.complaint, answer_key of core.survey_answer or mention_key of core.external_mention';
comment on column scores.text_label.customer_key is 'pseudonym of the writer; null for public mentions';
comment on column scores.text_label.happened_at is 'when the complaint was opened, the survey answered, the mention published';
comment on column scores.text_label.state_at is 'state of the source''s row that was read';
comment on column scores.text_label.language is 'zh, en (any text in Latin letters), mixed, or other';
comment on column scores.text_label.topic is 'what it is about: the company''s own category where learned from these, else a topic of include/text/lexicon.yml; null where no word says one';
comment on column scores.text_label.topic_probability is 'probability of the topic by the model; null from the lexicon';
comment on column scores.text_label.topic_basis is 'model (learned from the company''s complaint categories) or lexicon';
comment on column scores.text_label.sentiment is 'positive, neutral or negative';
comment on column scores.text_label.sentiment_probability is 'probability of the sentiment by the model; null from the lexicon';
comment on column scores.text_label.sentiment_basis is 'model (learned from scores of surveys and labelled mentions) or lexicon';
comment on column scores.text_label.severity is 'minor, medium or severe; null where the text is no complaint and not negative';
comment on column scores.text_label.severity_probability is 'probability of the severity by the model; null from the lexicon';
comment on column scores.text_label.severity_basis is 'model (learned from the company''s severities) or lexicon';
comment on column scores.text_label.lexicon_version is 'beginning of the digest of the lexicon''s file; labels are carried forward only while it is the same';
comment on column scores.text_label.model_version is 'version in ops.model, or fallback-lexicon';
comment on column scores.text_label.is_fallback is 'true where at least one of the three was read by the lexicon';

create table scores.warning (
    as_of_date date not null,
    customer_key bigint not null,
    warning text not null,
    value_now double precision not null,
    value_before double precision not null,
    value_expected double precision not null,
    change_ratio double precision,
    chance double precision not null,
    sentence_en text not null,
    sentence_zh text not null,
    primary key (as_of_date, customer_key, warning)
) partition by range (as_of_date);
comment on table scores.warning is 'Warning signs of purchasers, on their own and not inside a model: orders falling, complaints per order rising, touches falling, overdue against the own rhythm. One row where a sign shows; nobody without a sign has a row. Grain: one row per purchaser and warning sign that shows per as_of_date.';
comment on column scores.warning.as_of_date is 'date D as of which the sign shows: only what happened before D was used';
comment on column scores.warning.customer_key is 'pseudonym of the purchaser';
comment on column scores.warning.warning is 'frequency_falling, complaints_rising, interactions_falling or overdue';
comment on column scores.warning.value_now is 'orders or complaints of the last 90 days, touches of the last 30, or days since the last order (overdue)';
comment on column scores.warning.value_before is 'the same of the window before, without the first order ever; mean days between orders (overdue)';
comment on column scores.warning.value_expected is 'value_now of a customer who has not changed: value_before for as much exposure (days, orders) and the company''s own change; the own rhythm (overdue)';
comment on column scores.warning.change_ratio is 'value_now over value_expected; null where nothing was expected';
comment on column scores.warning.chance is 'probability that a customer who has not changed shows as much: small is a clear sign';
comment on column scores.warning.sentence_en is 'the sign with its evidence in English: fixed wording';
comment on column scores.warning.sentence_zh is 'the sign with its evidence in Chinese: fixed wording';

create table segments.crm_tag_rule (
    crm_tag text not null,
    effect text not null,
    service_tier text,
    label_en text not null,
    label_zh text not null,
    primary key (crm_tag, effect)
);
comment on table segments.crm_tag_rule is 'What tags that people set in the CRM decide here. Kept equal to include/segments/crm_tags.csv; tags that are not in it are kept and shown, and decide nothing. Grain: one row per tag and effect.';
comment on column segments.crm_tag_rule.crm_tag is 'the tag in lower case';
comment on column segments.crm_tag_rule.effect is 'tier_at_least, tier_exactly, no_promotion or legal_hold';
comment on column segments.crm_tag_rule.service_tier is 'the tier, for the first two effects';
comment on column segments.crm_tag_rule.label_en is 'name for people, English';
comment on column segments.crm_tag_rule.label_zh is 'name for people, Chinese';

create table segments.cutoff (
    as_of_date date not null,
    measure text not null,
    level integer not null,
    rule text not null,
    quantile double precision,
    border bigint not null,
    customers bigint not null,
    primary key (as_of_date, measure, level)
);
comment on table segments.cutoff is 'The borders that the day''s classes and scores rest on, so that a past assignment can be explained long after the rows are gone. A run puts its own date''s in place; kept for ever. Grain: one row per as-of date, measure and level.';
comment on column segments.cutoff.as_of_date is 'date D the borders hold for';
comment on column segments.cutoff.measure is 'current_value, potential_value, recency, frequency or monetary';
comment on column segments.cutoff.level is 'for the values 2, which is high; for the others the score 1 to 5';
comment on column segments.cutoff.rule is 'quantile or amount (settings.value) for the values, fifths for the scores';
comment on column segments.cutoff.quantile is 'the quantile, where that is the rule';
comment on column segments.cutoff.border is 'values: the amount above which they are high, minor units. Scores: the worst value that has the score: most days for recency, fewest orders, least money in minor units';
comment on column segments.cutoff.customers is 'customers with this level; for the values of all customers, for the scores of purchasers';

create table segments.label (
    label_group text not null,
    label text not null,
    label_order integer not null,
    label_en text not null,
    label_zh text not null,
    primary key (label_group, label)
);
comment on table segments.label is 'What every class, tier, stage and segment is called in English and Chinese, and their order. Kept equal to include/segments/labels.csv. Grain: one row per group and label.';
comment on column segments.label.label_group is 'rfm_class, rfm_segment, value_class, service_tier, lifecycle_stage or tier_move_reason';
comment on column segments.label.label is 'name used in tables, plays and code';
comment on column segments.label.label_order is 'place within the group, 1 the lowest; for tiers and classes a higher one is the better one';
comment on column segments.label.label_en is 'name for people, English';
comment on column segments.label.label_zh is 'name for people, Chinese';

create table segments.lifecycle (
    as_of_date date not null,
    customer_key bigint not null,
    lifecycle_stage text not null,
    lifecycle_stage_zh text not null,
    stage_since date not null,
    previous_stage text,
    won_back_on date,
    primary key (as_of_date, customer_key)
) partition by range (as_of_date);
comment on table segments.lifecycle is 'Stage of every customer''s life with the company: prospect (no order), new (one order, at most 90 days ago), lapsed_new (one order, longer ago), repeat (two or more), loyal (four or more over at least 180 days, or three and a converted referral), at_risk (segments.tier.is_at_risk: churn probability or days overdue, damped), lost (no order for more than 365 days), won_back (an order after being lost, for 90 days). The later rule wins; the numbers are settings. Grain: one row per customer per as_of_date.';
comment on column segments.lifecycle.as_of_date is 'date D the row holds for';
comment on column segments.lifecycle.customer_key is 'pseudonym of the customer';
comment on column segments.lifecycle.lifecycle_stage is 'prospect, new, lapsed_new, repeat, loyal, at_risk, lost or won_back';
comment on column segments.lifecycle.lifecycle_stage_zh is 'the stage in Chinese';
comment on column segments.lifecycle.stage_since is 'as-of date from which the stage has held, also where that day was not run; who was at risk by the score alone, or bought repeatedly, before the first run: the date of that run';
comment on column segments.lifecycle.previous_stage is 'stage before; null if none was computed';
comment on column segments.lifecycle.won_back_on is 'day of the latest order that came after the customer counted as lost; null if none did';

create table segments.lifecycle_gap (
    as_of_date date not null,
    customer_key bigint not null,
    stage_from date not null,
    from_stage text,
    to_stage text not null,
    primary key (as_of_date, customer_key, stage_from)
) partition by range (as_of_date);
comment on table segments.lifecycle_gap is 'Transitions between lifecycle stages on days that were not run, as the next run tells them from orders and calendar. Empty where the day before was run. They stand in segments.lifecycle_move for ever. Grain: one row per customer and day on which a stage began.';
comment on column segments.lifecycle_gap.as_of_date is 'as-of date of the run that told them';
comment on column segments.lifecycle_gap.customer_key is 'pseudonym of the customer';
comment on column segments.lifecycle_gap.stage_from is 'as-of date from which the stage held';
comment on column segments.lifecycle_gap.from_stage is 'stage before; null where no slice had known the customer';
comment on column segments.lifecycle_gap.to_stage is 'stage after';

create table segments.lifecycle_move (
    customer_key bigint not null,
    as_of_date date not null,
    from_stage text,
    to_stage text not null,
    run_as_of_date date not null,
    primary key (customer_key, as_of_date)
);
create index on segments.lifecycle_move (as_of_date);
create index on segments.lifecycle_move (run_as_of_date);
comment on table segments.lifecycle_move is 'Every transition between lifecycle stages, for ever. A run adds the transitions of its own date and those of the days not run before it; running that date again puts its transitions in their place. What a run told about a day not run gives way when that day is run itself. Grain: one row per customer and date of a transition.';
comment on column segments.lifecycle_move.customer_key is 'pseudonym of the customer';
comment on column segments.lifecycle_move.as_of_date is 'as-of date from which the new stage holds';
comment on column segments.lifecycle_move.from_stage is 'stage before; null when the customer was first seen';
comment on column segments.lifecycle_move.to_stage is 'stage after';
comment on column segments.lifecycle_move.run_as_of_date is 'as-of date of the run that found it: later than as_of_date for days that were not run, or before the first run';

create table segments.membership (
    as_of_date date not null,
    customer_key bigint not null,
    membership_level text not null,
    membership_level_zh text not null,
    membership_spend_minor bigint not null,
    next_level text,
    next_level_zh text,
    amount_to_next_level_minor bigint,
    points_balance bigint not null,
    points_expiring_30d bigint not null,
    primary key (as_of_date, customer_key)
) partition by range (as_of_date);
comment on table segments.membership is 'Membership level of every customer by net spend of the membership year that the day before the as-of date lies in, what is missing to the next level, and points. Grain: one row per customer per as_of_date.';
comment on column segments.membership.as_of_date is 'date D the row holds for';
comment on column segments.membership.customer_key is 'pseudonym of the customer';
comment on column segments.membership.membership_level is 'highest level whose spend is reached (settings); the lowest level asks for nothing';
comment on column segments.membership.membership_level_zh is 'the level in Chinese';
comment on column segments.membership.membership_spend_minor is 'net spend of the membership year, minor units of the base currency';
comment on column segments.membership.next_level is 'the level above; null at the top';
comment on column segments.membership.next_level_zh is 'the level above in Chinese; null at the top';
comment on column segments.membership.amount_to_next_level_minor is 'spend missing to the level above, minor units; null at the top';
comment on column segments.membership.points_balance is 'points that can be used';
comment on column segments.membership.points_expiring_30d is 'of the balance, points that run out in the next 30 days (settings)';

create table segments.migration (
    as_of_date date not null,
    span text not null,
    since_date date not null,
    dimension text not null,
    from_member text not null,
    to_member text not null,
    customers bigint not null,
    primary key (as_of_date, span, dimension, from_member, to_member)
);
comment on table segments.migration is 'The migration matrix: how many customers went from which group to which, in each kind of group, since the slice before and over a month. Those who stayed are in it, so the rows of a group sum up to it. Kept for ever. Grain: one row per as-of date, span, dimension, group before and group now.';
comment on column segments.migration.as_of_date is 'date of the later slice';
comment on column segments.migration.span is 'previous: since the newest slice before; month: since the newest slice at least 28 days older, where there is one';
comment on column segments.migration.since_date is 'date of the earlier slice';
comment on column segments.migration.dimension is 'tier, stage, value_class, rfm_segment or membership_level';
comment on column segments.migration.from_member is 'group in the earlier slice; none for customers who were not in it';
comment on column segments.migration.to_member is 'group in the later slice; none for customers who are not in it any more';
comment on column segments.migration.customers is 'customers who went this way';

create table segments.rfm (
    as_of_date date not null,
    customer_key bigint not null,
    recency_days integer not null,
    count_orders_365d bigint not null,
    net_minor_365d bigint not null,
    recency_score integer not null,
    frequency_score integer not null,
    monetary_score integer not null,
    rfm_class text not null,
    rfm_class_zh text not null,
    rfm_segment text not null,
    rfm_segment_zh text not null,
    primary key (as_of_date, customer_key)
) partition by range (as_of_date);
comment on table segments.rfm is 'Recency, frequency and monetary value of every purchaser, scored 1 to 5 by fifths of all purchasers, with class and named segment. A score is 1 plus the fifths of purchasers who are strictly worse, so equal values share a score; with fewer than five purchasers all score 3. Grain: one row per purchaser per as_of_date.';
comment on column segments.rfm.as_of_date is 'date D the row holds for';
comment on column segments.rfm.customer_key is 'pseudonym of the purchaser';
comment on column segments.rfm.recency_days is 'business days since the last order';
comment on column segments.rfm.count_orders_365d is 'orders of the last 365 days';
comment on column segments.rfm.net_minor_365d is 'net amount of the last 365 days, minor units of the base currency';
comment on column segments.rfm.recency_score is '5 the nearest fifth, 1 the farthest';
comment on column segments.rfm.frequency_score is '5 the fifth with most orders, 1 with fewest';
comment on column segments.rfm.monetary_score is '5 the fifth with most spend, 1 with least';
comment on column segments.rfm.rfm_class is 'high_value, potential, general or low_value, by segments.rfm_cell';
comment on column segments.rfm.rfm_class_zh is 'the class in Chinese';
comment on column segments.rfm.rfm_segment is 'one of eleven named segments, by segments.rfm_cell';
comment on column segments.rfm.rfm_segment_zh is 'the segment in Chinese';

create table segments.rfm_cell (
    recency_score integer not null,
    frequency_score integer not null,
    monetary_score integer not null,
    rfm_class text not null,
    rfm_segment text not null,
    primary key (recency_score, frequency_score, monetary_score)
);
comment on table segments.rfm_cell is 'The reviewed table from the 125 RFM score cells to the four classes and the eleven named segments. Kept equal to include/segments/rfm_cells.csv. Grain: one row per cell.';
comment on column segments.rfm_cell.recency_score is '1 (longest ago) to 5 (nearest)';
comment on column segments.rfm_cell.frequency_score is '1 (fewest orders) to 5 (most)';
comment on column segments.rfm_cell.monetary_score is '1 (least money) to 5 (most)';
comment on column segments.rfm_cell.rfm_class is 'high_value, potential, general or low_value: the nearest pattern, ties to the lower class';
comment on column segments.rfm_cell.rfm_segment is 'one of the eleven named segments, by recency and the mean of frequency and money';

create table segments.service_tier_rule (
    value_class text not null,
    rfm_class text not null,
    service_tier text not null,
    primary key (value_class, rfm_class)
);
comment on table segments.service_tier_rule is 'The stated table from value class and RFM class to service tier. Kept equal to include/segments/service_tiers.csv. Grain: one row per value class and RFM class.';
comment on column segments.service_tier_rule.value_class is 'class of the value matrix';
comment on column segments.service_tier_rule.rfm_class is 'RFM class; none for customers without an order';
comment on column segments.service_tier_rule.service_tier is 'vip, potential, ordinary or marginal';

create table segments.stability (
    as_of_date date not null,
    dimension text not null,
    since_date date not null,
    customers bigint not null,
    movers bigint not null,
    undamped_movers bigint,
    flap_days integer not null,
    flappers bigint,
    flap_rate double precision,
    primary key (as_of_date, dimension)
);
comment on table segments.stability is 'How steady the groups are: who moved since the slice before, and who flapped, that is left a tier or stage and was back within settings.value.flap_days. For tiers also how many would have moved without damping. Kept for ever. Grain: one row per as-of date and dimension.';
comment on column segments.stability.as_of_date is 'date D';
comment on column segments.stability.dimension is 'tier, stage, value_class, rfm_segment or membership_level';
comment on column segments.stability.since_date is 'date of the slice before, with which movers are counted';
comment on column segments.stability.customers is 'customers in both slices';
comment on column segments.stability.movers is 'of these, customers in another group than then';
comment on column segments.stability.undamped_movers is 'tier only: of these, customers whose computed tier changed; without damping they had moved';
comment on column segments.stability.flap_days is 'days within which being back counts as flapping';
comment on column segments.stability.flappers is 'tier and stage: customers who, within the flap days before D, were back in the group they had left within the flap days before that; null for the others';
comment on column segments.stability.flap_rate is 'flappers over customers; null where flappers is';

create table segments.tag (
    as_of_date date not null,
    customer_key bigint not null,
    tags text[] not null,
    demographic_tags text[] not null,
    geographic_tags text[] not null,
    crm_tags text[] not null,
    is_promotion_barred boolean not null,
    is_legal_hold boolean not null,
    tier_tag text,
    tier_effect text,
    effect_tier text,
    primary key (as_of_date, customer_key)
) partition by range (as_of_date);
comment on table segments.tag is 'Tags of every customer: geographic, demographic and behavioural ones by the rules in include/segments/tags.csv, and those that the CRM keeps, with what include/segments/crm_tags.csv makes of them. What a tag is called and which rule gives it is in segments.tag_rule; `retention segment tags` shows the values behind a customer''s. Grain: one row per customer per as_of_date.';
comment on column segments.tag.as_of_date is 'date D the row holds for';
comment on column segments.tag.customer_key is 'pseudonym of the customer';
comment on column segments.tag.tags is 'behavioural tags by rule, in the order of the rules: what the customer does; may enter any rule';
comment on column segments.tag.demographic_tags is 'protected: what the customer is (age band, gender, occupation …); may not decide about an offer';
comment on column segments.tag.geographic_tags is 'protected: where the customer lives; may not decide about an offer';
comment on column segments.tag.crm_tags is 'tags of the CRM in force as of D, in lower case, sorted';
comment on column segments.tag.is_promotion_barred is 'a tag of the CRM says that no promotion may go to the customer';
comment on column segments.tag.is_legal_hold is 'a tag of the CRM says that the customer is part of a legal matter: no promotion, and nothing is changed unasked';
comment on column segments.tag.tier_tag is 'tag of the CRM that names a service tier; null if none does';
comment on column segments.tag.tier_effect is 'tier_at_least: the tier is at least that one; tier_exactly: it is that one';
comment on column segments.tag.effect_tier is 'the service tier that the tag names';

create table segments.tag_rule (
    tag text not null,
    kind text not null,
    label_en text not null,
    label_zh text not null,
    attribute text not null,
    operator text not null,
    value text,
    primary key (tag, attribute, operator)
);
comment on table segments.tag_rule is 'The stated rules by which customers get geographic, demographic and behavioural tags. Kept equal to include/segments/tags.csv; all rules of one tag must hold. Grain: one row per tag and condition.';
comment on column segments.tag_rule.tag is 'code of the tag; with the operator each the code is followed by a colon and the value';
comment on column segments.tag_rule.kind is 'geographic, demographic or behavioural';
comment on column segments.tag_rule.label_en is 'name for people, English; {value} stands for the value with the operator each';
comment on column segments.tag_rule.label_zh is 'name for people, Chinese';
comment on column segments.tag_rule.attribute is 'column of the features, of scores.preference, scores.persona or of the person that is asked';
comment on column segments.tag_rule.operator is 'at_least, at_most, equals, in (values separated by |), or each (one tag per value)';
comment on column segments.tag_rule.value is 'value compared with; empty with each';

create table segments.tier (
    as_of_date date not null,
    customer_key bigint not null,
    service_tier text not null,
    service_tier_zh text not null,
    is_at_risk boolean not null,
    at_risk_since date,
    tier_since date not null,
    previous_tier text,
    own_tier text not null,
    tier_tag text,
    computed_tier text not null,
    tier_probability double precision not null,
    lower_since date,
    value_class text not null,
    rfm_class text,
    basis_value_class text not null,
    basis_rfm_class text,
    move_reason text,
    primary key (as_of_date, customer_key)
) partition by range (as_of_date);
comment on table segments.tier is 'Service tier of every customer with the flag that the customer is about to be lost. The tier held moves up once the probability of belonging there is high enough, and down only after the probability of belonging to it has been low for the days of grace. A tag of the CRM may force a tier. Grain: one row per customer per as_of_date.';
comment on column segments.tier.as_of_date is 'date D the row holds for';
comment on column segments.tier.customer_key is 'pseudonym of the customer';
comment on column segments.tier.service_tier is 'tier held: vip, potential, ordinary or marginal';
comment on column segments.tier.service_tier_zh is 'the tier in Chinese';
comment on column segments.tier.is_at_risk is 'churn probability, or days overdue against the own rhythm, from the thresholds in settings on, until both are below those of release; false for prospects';
comment on column segments.tier.at_risk_since is 'as-of date from which the flag has stood; null where it does not';
comment on column segments.tier.tier_since is 'as-of date from which the tier has been held';
comment on column segments.tier.previous_tier is 'tier held before; null if there was none';
comment on column segments.tier.own_tier is 'tier held by the customer''s own value, without what a tag of the CRM forces';
comment on column segments.tier.tier_tag is 'tag of the CRM that forces the tier; null where the tier is the customer''s own';
comment on column segments.tier.computed_tier is 'tier that the day''s classes give by segments.service_tier_rule, before damping';
comment on column segments.tier.tier_probability is 'probability that the customer belongs at least to own_tier, given the interval of the predicted value';
comment on column segments.tier.lower_since is 'as-of date from which that probability has been too low without a break; null if it is not';
comment on column segments.tier.value_class is 'the day''s class of the value matrix';
comment on column segments.tier.rfm_class is 'the day''s RFM class; null for prospects';
comment on column segments.tier.basis_value_class is 'class of the value matrix that own_tier rests on: of the newest day that gave it';
comment on column segments.tier.basis_rfm_class is 'RFM class that own_tier rests on; null for prospects';
comment on column segments.tier.move_reason is 'why the tier changed on this date: first_seen, crm_tag, crm_tag_removed, value_class, rfm_class, value_and_rfm_class (what differs from what the tier rested on), probability (same classes, but surer or less sure) or rules (the table or the settings changed); null where it did not';

create table segments.tier_move (
    customer_key bigint not null,
    as_of_date date not null,
    from_tier text,
    to_tier text not null,
    value_class text not null,
    rfm_class text,
    reason text not null,
    from_value_class text,
    from_rfm_class text,
    tier_probability double precision not null,
    tier_tag text,
    primary key (customer_key, as_of_date)
);
create index on segments.tier_move (as_of_date);
comment on table segments.tier_move is 'Every move between service tiers with why, for ever. A run adds the moves of its own date; running that date again puts the same date''s moves in their place and leaves all others alone. Grain: one row per customer and date of a move.';
comment on column segments.tier_move.customer_key is 'pseudonym of the customer';
comment on column segments.tier_move.as_of_date is 'as-of date from which the new tier is held';
comment on column segments.tier_move.from_tier is 'tier before; null when the customer was first seen';
comment on column segments.tier_move.to_tier is 'tier after';
comment on column segments.tier_move.value_class is 'class of the value matrix that led here';
comment on column segments.tier_move.rfm_class is 'RFM class that led here; null for prospects';
comment on column segments.tier_move.reason is 'why, as segments.tier.move_reason says it; segments.label has the words in both languages';
comment on column segments.tier_move.from_value_class is 'class of the value matrix that the tier before rested on; null when the customer was first seen';
comment on column segments.tier_move.from_rfm_class is 'RFM class that the tier before rested on; null for prospects and when the customer was first seen';
comment on column segments.tier_move.tier_probability is 'probability of belonging at least to the tier after, without a tag''s force';
comment on column segments.tier_move.tier_tag is 'tag of the CRM that forced it; null otherwise';

create table segments.value_matrix (
    as_of_date date not null,
    customer_key bigint not null,
    current_value_minor bigint not null,
    potential_value_minor bigint not null,
    current_cutoff_minor bigint not null,
    potential_cutoff_minor bigint not null,
    potential_high_probability double precision not null,
    value_class text not null,
    value_class_zh text not null,
    primary key (as_of_date, customer_key)
) partition by range (as_of_date);
comment on table segments.value_matrix is 'Current value (net amount of the last 365 days) by potential value (predicted net value of the coming twelve months) of every customer: strategic (high, high), growth (low, high), base (high, low), marginal (low, low). High is above the cut-off: a quantile over the purchasers of the day, or the amount that the settings name. Grain: one row per customer per as_of_date.';
comment on column segments.value_matrix.as_of_date is 'date D the row holds for';
comment on column segments.value_matrix.customer_key is 'pseudonym of the customer';
comment on column segments.value_matrix.current_value_minor is 'net amount of the last 365 days plus the newest balance of every holding (deposits, stored value), minor units of the base currency; 0 for prospects who hold nothing';
comment on column segments.value_matrix.potential_value_minor is 'predicted net value of the coming twelve months; 0 for prospects';
comment on column segments.value_matrix.current_cutoff_minor is 'current value above which it counts as high, never below 0';
comment on column segments.value_matrix.potential_cutoff_minor is 'potential value above which it counts as high, never below 0';
comment on column segments.value_matrix.potential_high_probability is 'probability that the potential value is above its cut-off, from the interval of the prediction (from settings.value.fallback_spread_share where it has none): above one half exactly for those above; 0 for prospects';
comment on column segments.value_matrix.value_class is 'strategic, growth, base or marginal';
comment on column segments.value_matrix.value_class_zh is 'the class in Chinese';

-- ops.log_touched(): writes down in ops.touched whose rows a statement inserted, changed or deleted, and up to which time they speak.
-- Fired once per statement by every table whose contract says `touched`, so that no way of writing core can be forgotten.
-- A statement of very many rows (a first load) logs one row that stands for everybody: sorting them by customer would cost more
-- than it saves, for the next build computes everybody anyway. Whose rows speak of a time that has not come yet is logged person by
-- person even then: or one order dated years ahead would have everybody computed every day until then.
-- Arguments: the columns with the times of a row, separated by commas, and how the customer is found (column or join).
create function ops.log_touched() returns trigger language plpgsql as $log_touched$
declare
    changed constant text := case tg_op
        when 'INSERT' then 'select * from new_rows'
        when 'DELETE' then 'select * from old_rows'
        else 'select * from new_rows union all select * from old_rows'
    end;
    fact_name constant text := tg_table_schema || '.' || tg_table_name;
    many constant bigint := (
        select greatest(100000, reltuples / 5) from pg_catalog.pg_class where oid = 'core.customer'::regclass
    );
    logged constant text := 'insert into ops.touched as known (changed_in, fact, customer_key, is_everybody, latest_at)
        select pg_current_xact_id(), %L, owner.customer_key, false, max(greatest(%s))
        from (%s) as fact inner join lateral (%s) as owner on true
        where %s
        group by owner.customer_key
        on conflict (changed_in, fact, customer_key) do update set latest_at = excluded.latest_at
        where known.latest_at is null or excluded.latest_at > known.latest_at';
    row_count bigint;
    ahead_count bigint;
    latest timestamptz;
    latest_ahead timestamptz;
begin
    execute format(
        'select count(*), count(*) filter (where latest > now()), max(latest) filter (where latest <= now()), max(latest)
        from (select greatest(%s) as latest from (%s) as fact) as timed',
        tg_argv[0],
        changed
    ) into row_count, ahead_count, latest, latest_ahead;
    if row_count > many then
        insert into ops.touched as known (changed_in, fact, customer_key, is_everybody, latest_at)
        values (pg_current_xact_id(), fact_name, 0, true, case when ahead_count > many then latest_ahead else latest end)
        on conflict (changed_in, fact, customer_key) do update
        set is_everybody = true, latest_at = greatest(known.latest_at, excluded.latest_at);
        if ahead_count between 1 and many then
            execute format(
                logged, fact_name, tg_argv[0], changed, tg_argv[1], format('greatest(%s) > now()', tg_argv[0])
            );
        end if;
    elsif row_count > 0 then
        execute format(logged, fact_name, tg_argv[0], changed, tg_argv[1], 'true');
    end if;
    return null;
end
$log_touched$;

create trigger log_touched_by_insert after insert on core.campaign_event referencing new table as new_rows for each statement execute function ops.log_touched('fact.happened_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_update after update on core.campaign_event referencing old table as old_rows new table as new_rows for each statement execute function ops.log_touched('fact.happened_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_delete after delete on core.campaign_event referencing old table as old_rows for each statement execute function ops.log_touched('fact.happened_at, fact.deleted_at', 'select fact.customer_key');

create trigger log_touched_by_insert after insert on core.complaint referencing new table as new_rows for each statement execute function ops.log_touched('fact.valid_from, fact.valid_to, fact.opened_at, fact.acknowledged_at, fact.first_replied_at, fact.resolved_at, fact.satisfaction_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_update after update on core.complaint referencing old table as old_rows new table as new_rows for each statement execute function ops.log_touched('fact.valid_from, fact.valid_to, fact.opened_at, fact.acknowledged_at, fact.first_replied_at, fact.resolved_at, fact.satisfaction_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_delete after delete on core.complaint referencing old table as old_rows for each statement execute function ops.log_touched('fact.valid_from, fact.valid_to, fact.opened_at, fact.acknowledged_at, fact.first_replied_at, fact.resolved_at, fact.satisfaction_at, fact.deleted_at', 'select fact.customer_key');

create trigger log_touched_by_insert after insert on core.customer referencing new table as new_rows for each statement execute function ops.log_touched('fact.valid_from, fact.valid_to, fact.member_since, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_update after update on core.customer referencing old table as old_rows new table as new_rows for each statement execute function ops.log_touched('fact.valid_from, fact.valid_to, fact.member_since, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_delete after delete on core.customer referencing old table as old_rows for each statement execute function ops.log_touched('fact.valid_from, fact.valid_to, fact.member_since, fact.updated_at, fact.deleted_at', 'select fact.customer_key');

create trigger log_touched_by_insert after insert on core.interaction referencing new table as new_rows for each statement execute function ops.log_touched('fact.happened_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_update after update on core.interaction referencing old table as old_rows new table as new_rows for each statement execute function ops.log_touched('fact.happened_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_delete after delete on core.interaction referencing old table as old_rows for each statement execute function ops.log_touched('fact.happened_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');

create trigger log_touched_by_insert after insert on core.interaction_version referencing new table as new_rows for each statement execute function ops.log_touched('fact.happened_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_update after update on core.interaction_version referencing old table as old_rows new table as new_rows for each statement execute function ops.log_touched('fact.happened_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_delete after delete on core.interaction_version referencing old table as old_rows for each statement execute function ops.log_touched('fact.happened_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');

create trigger log_touched_by_insert after insert on core.order_entry referencing new table as new_rows for each statement execute function ops.log_touched('fact.happened_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_update after update on core.order_entry referencing old table as old_rows new table as new_rows for each statement execute function ops.log_touched('fact.happened_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_delete after delete on core.order_entry referencing old table as old_rows for each statement execute function ops.log_touched('fact.happened_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');

create trigger log_touched_by_insert after insert on core.order_header referencing new table as new_rows for each statement execute function ops.log_touched('fact.paid_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_update after update on core.order_header referencing old table as old_rows new table as new_rows for each statement execute function ops.log_touched('fact.paid_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_delete after delete on core.order_header referencing old table as old_rows for each statement execute function ops.log_touched('fact.paid_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');

create trigger log_touched_by_insert after insert on core.order_line referencing new table as new_rows for each statement execute function ops.log_touched('fact.happened_at, fact.returned_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_update after update on core.order_line referencing old table as old_rows new table as new_rows for each statement execute function ops.log_touched('fact.happened_at, fact.returned_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_delete after delete on core.order_line referencing old table as old_rows for each statement execute function ops.log_touched('fact.happened_at, fact.returned_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');

create trigger log_touched_by_insert after insert on core.order_line_version referencing new table as new_rows for each statement execute function ops.log_touched('fact.returned_at, fact.updated_at, fact.deleted_at', 'select header.customer_key from core.order_header as header where header.order_key = fact.order_key');
create trigger log_touched_by_update after update on core.order_line_version referencing old table as old_rows new table as new_rows for each statement execute function ops.log_touched('fact.returned_at, fact.updated_at, fact.deleted_at', 'select header.customer_key from core.order_header as header where header.order_key = fact.order_key');
create trigger log_touched_by_delete after delete on core.order_line_version referencing old table as old_rows for each statement execute function ops.log_touched('fact.returned_at, fact.updated_at, fact.deleted_at', 'select header.customer_key from core.order_header as header where header.order_key = fact.order_key');

create trigger log_touched_by_insert after insert on core.order_version referencing new table as new_rows for each statement execute function ops.log_touched('fact.version_at, fact.paid_at, fact.updated_at, fact.deleted_at', 'select header.customer_key from core.order_header as header where header.order_key = fact.order_key');
create trigger log_touched_by_update after update on core.order_version referencing old table as old_rows new table as new_rows for each statement execute function ops.log_touched('fact.version_at, fact.paid_at, fact.updated_at, fact.deleted_at', 'select header.customer_key from core.order_header as header where header.order_key = fact.order_key');
create trigger log_touched_by_delete after delete on core.order_version referencing old table as old_rows for each statement execute function ops.log_touched('fact.version_at, fact.paid_at, fact.updated_at, fact.deleted_at', 'select header.customer_key from core.order_header as header where header.order_key = fact.order_key');

create trigger log_touched_by_insert after insert on core.points_entry referencing new table as new_rows for each statement execute function ops.log_touched('fact.happened_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_update after update on core.points_entry referencing old table as old_rows new table as new_rows for each statement execute function ops.log_touched('fact.happened_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_delete after delete on core.points_entry referencing old table as old_rows for each statement execute function ops.log_touched('fact.happened_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');

create trigger log_touched_by_insert after insert on core.points_entry_version referencing new table as new_rows for each statement execute function ops.log_touched('fact.happened_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_update after update on core.points_entry_version referencing old table as old_rows new table as new_rows for each statement execute function ops.log_touched('fact.happened_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_delete after delete on core.points_entry_version referencing old table as old_rows for each statement execute function ops.log_touched('fact.happened_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');

create trigger log_touched_by_insert after insert on core.referral referencing new table as new_rows for each statement execute function ops.log_touched('fact.referred_at, fact.converted_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_update after update on core.referral referencing old table as old_rows new table as new_rows for each statement execute function ops.log_touched('fact.referred_at, fact.converted_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_delete after delete on core.referral referencing old table as old_rows for each statement execute function ops.log_touched('fact.referred_at, fact.converted_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');

create trigger log_touched_by_insert after insert on core.referral_version referencing new table as new_rows for each statement execute function ops.log_touched('fact.referred_at, fact.converted_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_update after update on core.referral_version referencing old table as old_rows new table as new_rows for each statement execute function ops.log_touched('fact.referred_at, fact.converted_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_delete after delete on core.referral_version referencing old table as old_rows for each statement execute function ops.log_touched('fact.referred_at, fact.converted_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');

create trigger log_touched_by_insert after insert on core.survey_answer referencing new table as new_rows for each statement execute function ops.log_touched('fact.happened_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_update after update on core.survey_answer referencing old table as old_rows new table as new_rows for each statement execute function ops.log_touched('fact.happened_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_delete after delete on core.survey_answer referencing old table as old_rows for each statement execute function ops.log_touched('fact.happened_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');

create trigger log_touched_by_insert after insert on core.survey_answer_version referencing new table as new_rows for each statement execute function ops.log_touched('fact.happened_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_update after update on core.survey_answer_version referencing old table as old_rows new table as new_rows for each statement execute function ops.log_touched('fact.happened_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');
create trigger log_touched_by_delete after delete on core.survey_answer_version referencing old table as old_rows for each statement execute function ops.log_touched('fact.happened_at, fact.updated_at, fact.deleted_at', 'select fact.customer_key');

-- features.forget_past(): marks in features.order_past whose entries before the cut a statement wrote, so that they are read from the
-- ledger again. Fired once per statement by core.order_entry, so that no way of writing it can be forgotten. A row that is
-- missing says that there was no entry before the cut: whoever gets one gets a stale row. A statement of very many such rows
-- drops the cut instead, and with it the use of all that is kept.
-- Who may write the ledger need not know these tables: it runs with the rights of their owner.
create function features.forget_past() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $forget_past$
declare
    cut constant timestamptz := (select max(cut_at) from features.order_past_cut);
    changed constant text := case tg_op
        when 'INSERT' then 'select customer_key, happened_at from new_rows'
        when 'DELETE' then 'select customer_key, happened_at from old_rows'
        else 'select customer_key, happened_at from new_rows union all select customer_key, happened_at from old_rows'
    end;
    customers bigint[];
begin
    if cut is null then
        return null;
    end if;
    execute format('select array_agg(distinct customer_key) from (%s) as fact where happened_at < $1', changed)
    into customers using cut;
    if cardinality(customers) > 100000 then
        delete from features.order_past_cut where true;
    elsif tg_op = 'DELETE' then
        update features.order_past set is_stale = true where customer_key = any(customers) and not is_stale;
    elsif customers is not null then
        insert into features.order_past as known (customer_key, is_stale)
        select person.customer_key, true
        from unnest(customers) as person (customer_key)
        on conflict (customer_key) do update set is_stale = true where not known.is_stale;
    end if;
    return null;
end
$forget_past$;

create trigger forget_past_by_insert after insert on core.order_entry referencing new table as new_rows for each statement
execute function features.forget_past();
create trigger forget_past_by_update after update on core.order_entry referencing old table as old_rows new table as new_rows
for each statement execute function features.forget_past();
create trigger forget_past_by_delete after delete on core.order_entry referencing old table as old_rows for each statement
execute function features.forget_past();

create view bi.allocation (as_of_date, contenders, chosen, value_minor, cost_minor, net_minor, gap_share, method, top_share, meant_share, top_cost_minor, rest_cost_minor, actual_share, actual_share_30d) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.allocation: the published days' allocations.
select
    allocation.as_of_date,
    allocation.contenders,
    allocation.chosen,
    allocation.value_minor,
    allocation.cost_minor,
    allocation.value_minor - allocation.cost_minor as net_minor,
    allocation.gap_share,
    allocation.method,
    allocation.top_share,
    allocation.top_budget_share as meant_share,
    allocation.top_cost_minor,
    allocation.rest_cost_minor,
    allocation.top_cost_minor / nullif(allocation.cost_minor, 0) as actual_share,
    sum(allocation.top_cost_minor) over last_days / nullif(sum(allocation.cost_minor) over last_days, 0) as actual_share_30d
from campaigns.allocation as allocation
window last_days as (order by allocation.as_of_date range between interval '29 days' preceding and current row);
comment on view bi.allocation is 'Where the money for promotion went, by day: expected margin, cost, and the actual split between the customers who matter most and the others against the rule of 80/20. Grain: one row per as_of_date.';
comment on column bi.allocation.as_of_date is 'day the decisions are for';
comment on column bi.allocation.contenders is 'promotional contacts that no rule kept out';
comment on column bi.allocation.chosen is 'contacts chosen';
comment on column bi.allocation.value_minor is 'expected incremental margin of the chosen before their cost, minor units';
comment on column bi.allocation.cost_minor is 'expected cost of the chosen, minor units';
comment on column bi.allocation.net_minor is 'the difference, minor units';
comment on column bi.allocation.gap_share is 'share by which it may fall short of the best allocation there is; 0 where it is known to be the best';
comment on column bi.allocation.method is 'unconstrained, exact or bounded';
comment on column bi.allocation.top_share is 'share of purchasers that counts as those who matter most';
comment on column bi.allocation.meant_share is 'share of the money that is meant for them; 0 without such a rule';
comment on column bi.allocation.top_cost_minor is 'expected cost of contacts of theirs, minor units';
comment on column bi.allocation.rest_cost_minor is 'expected cost of contacts of the others, minor units';
comment on column bi.allocation.actual_share is 'share of the expected cost that goes to those who matter most; null on a day without cost';
comment on column bi.allocation.actual_share_30d is 'the same over the 30 days that end with the day';

create view bi.audience (as_of_date, play, label, label_zh, members, sendable_members, added, updated, removed, audience_date, days_behind, planned_selected, planned_control, planned_excluded) as
-- bi.audience: what is in the marketing database beside what the day's plan said.
with

newest as (
    select max(cast(slice_key as date)) as as_of_date
    from ops.published
    where table_name = 'bi.audience_health'
),

names as (
    select distinct on (play)
        play,
        name_en,
        name_zh
    from campaigns.play
    order by play, registered_at desc
),

health as (
    select audience_health.*
    from newest
    inner join bi.audience_health as audience_health on newest.as_of_date = audience_health.as_of_date
),

planned as (
    select play_run.*
    from newest
    inner join campaigns.play_run as play_run on newest.as_of_date = play_run.as_of_date
)

select
    coalesce(health.as_of_date, planned.as_of_date) as as_of_date,
    coalesce(health.campaign, planned.play) as play,
    coalesce(names.name_en, health.campaign, planned.play) as label,
    coalesce(names.name_zh, health.campaign, planned.play) as label_zh,
    coalesce(health.members, 0) as members,
    coalesce(health.sendable_members, 0) as sendable_members,
    coalesce(health.added, 0) as added,
    coalesce(health.updated, 0) as updated,
    coalesce(health.removed, 0) as removed,
    health.audience_date,
    health.days_behind,
    planned.selected as planned_selected,
    planned.control as planned_control,
    planned.excluded as planned_excluded
from health
full outer join planned on health.campaign = planned.play
left join names on coalesce(health.campaign, planned.play) = names.play;
comment on view bi.audience is 'Every audience as of the newest measurement, with how its day''s candidates were split. Grain: one row per play that was planned or is in the marketing database.';
comment on column bi.audience.as_of_date is 'date of the measurement';
comment on column bi.audience.play is 'the play';
comment on column bi.audience.label is 'name of the play in English';
comment on column bi.audience.label_zh is 'name of the play in Chinese';
comment on column bi.audience.members is 'people in the audience in the marketing database';
comment on column bi.audience.sendable_members is 'of these, people who could be contacted at the time of measurement';
comment on column bi.audience.added is 'joined with the newest push';
comment on column bi.audience.updated is 'changed with the newest push';
comment on column bi.audience.removed is 'left with the newest push';
comment on column bi.audience.audience_date is 'date the audience was built for';
comment on column bi.audience.days_behind is 'days between as_of_date and audience_date; 0 is fresh';
comment on column bi.audience.planned_selected is 'people chosen by the day''s plan';
comment on column bi.audience.planned_control is 'people held back at random by the day''s plan';
comment on column bi.audience.planned_excluded is 'people who matched but were kept out by a rule';

create view bi.budget_change (play, label, label_zh, decided_on, old_factor, new_factor, is_newest, reason, treated_customers, control_customers, difference_minor, lower_any_95, upper_any_95, detectable_minor, cost_minor, sentence_en, sentence_zh) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.budget_change: changes of the plays' budgets with their reasons.
with

names as (
    select distinct on (play)
        play,
        name_en,
        name_zh
    from campaigns.play
    order by play, registered_at desc
),

changes as (
    select
        change.*,
        change.decided_on = max(change.decided_on) over (partition by change.play) as is_newest,
        least(change.treated_customers, change.control_customers) >= coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as is_shown
    from campaigns.budget_change as change
)

select
    changes.play,
    coalesce(names.name_en, changes.play) as label,
    coalesce(names.name_zh, changes.play) as label_zh,
    changes.decided_on,
    changes.old_factor,
    changes.new_factor,
    changes.is_newest,
    changes.reason,
    case when changes.is_shown then changes.treated_customers end as treated_customers,
    case when changes.is_shown then changes.control_customers end as control_customers,
    case when changes.is_shown then changes.difference_minor end as difference_minor,
    case when changes.is_shown then changes.lower_any_95 end as lower_any_95,
    case when changes.is_shown then changes.upper_any_95 end as upper_any_95,
    case when changes.is_shown then changes.detectable_minor end as detectable_minor,
    changes.cost_minor,
    changes.sentence_en,
    changes.sentence_zh
from changes
left join names on changes.play = names.play;
comment on view bi.budget_change is 'Which plays lost or got back budget because of what they were measured to bring, when and why. Groups below the suppression size are hidden. Grain: one row per play and day of a change.';
comment on column bi.budget_change.play is 'the play';
comment on column bi.budget_change.label is 'name of the play in English';
comment on column bi.budget_change.label_zh is 'name of the play in Chinese';
comment on column bi.budget_change.decided_on is 'date from which it holds';
comment on column bi.budget_change.old_factor is 'share of its budget that the play had';
comment on column bi.budget_change.new_factor is 'share that it has from then on; 1 is all of it';
comment on column bi.budget_change.is_newest is 'whether it is the play''s newest change: what holds today';
comment on column bi.budget_change.reason is 'lowered_harmful, lowered_does_not_pay, lowered_no_effect, raised_pays, raised_evidence_gone or pinned';
comment on column bi.budget_change.treated_customers is 'contacted people compared; null where hidden';
comment on column bi.budget_change.control_customers is 'people held back; null where hidden';
comment on column bi.budget_change.difference_minor is 'effect of a contact on net revenue, minor units; null where hidden';
comment on column bi.budget_change.lower_any_95 is 'lower end of its 95 % interval for daily looks';
comment on column bi.budget_change.upper_any_95 is 'upper end of that interval';
comment on column bi.budget_change.detectable_minor is 'smallest effect that would have been seen, minor units';
comment on column bi.budget_change.cost_minor is 'what a touch cost on average, minor units';
comment on column bi.budget_change.sentence_en is 'why, in English';
comment on column bi.budget_change.sentence_zh is 'why, in Chinese';

create view bi.budget_price (as_of_date, kind, applies_to, label, label_zh, unit, most, used, used_share, shadow_price_minor, meaning_en, meaning_zh) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.budget_price: limits of the published days' allocations with their prices.
with

names as (
    select distinct on (play)
        play,
        name_en,
        name_zh
    from campaigns.play
    order by play, registered_at desc
),

labelled as (
    select
        price.*,
        case price.kind
            when 'total_budget' then 'budget of all promotion'
            when 'rest_budget' then 'budget of customers outside the top'
            when 'play_budget' then 'budget of ' || coalesce(names.name_en, price.applies_to)
            when 'play_capacity' then 'contacts of ' || coalesce(names.name_en, price.applies_to)
            else 'contacts through ' || price.applies_to
        end as label,
        case price.kind
            when 'total_budget' then '全部促销预算'
            when 'rest_budget' then '非重点客户预算'
            when 'play_budget' then coalesce(names.name_zh, price.applies_to) || '预算'
            when 'play_capacity' then coalesce(names.name_zh, price.applies_to) || '每日名额'
            else price.applies_to || '渠道每日名额'
        end as label_zh
    from campaigns.allocation_limit as price
    left join names on price.applies_to = names.play
)

select
    as_of_date,
    kind,
    applies_to,
    label,
    label_zh,
    case when is_money then 'money' else 'contacts' end as unit,
    most,
    used,
    used / nullif(most, 0) as used_share,
    shadow_price_minor,
    case
        when shadow_price_minor = 0 then 'Not used up: more of it would change nothing.'
        when is_money
            then
                'One more unit of money would bring ' || round(cast(shadow_price_minor + 1 as numeric), 2)
                || ' units of margin, itself included.'
        else 'One more contact would bring ' || round(cast(shadow_price_minor as numeric)) || ' minor units of margin after cost.'
    end as meaning_en,
    case
        when shadow_price_minor = 0 then '尚未用完，增加也不会改变结果。'
        when is_money
            then '每多投入1单位预算，预计带来' || round(cast(shadow_price_minor + 1 as numeric), 2) || '单位毛利（含收回的投入）。'
        else '每多一个名额，预计带来净毛利' || round(cast(shadow_price_minor as numeric)) || '（最小货币单位）。'
    end as meaning_zh
from labelled;
comment on view bi.budget_price is 'Budgets and capacities of each day, how far they were used, and what one more unit would bring (shadow price): above 1 for a unit of money, more money would have brought more than itself. Grain: one row per limit and as_of_date.';
comment on column bi.budget_price.as_of_date is 'day the decisions are for';
comment on column bi.budget_price.kind is 'total_budget, rest_budget (customers outside the top), play_budget, play_capacity or channel_capacity';
comment on column bi.budget_price.applies_to is 'the play or channel; all for budgets over all plays';
comment on column bi.budget_price.label is 'what is limited, in English';
comment on column bi.budget_price.label_zh is 'what is limited, in Chinese';
comment on column bi.budget_price.unit is 'money (minor units) or contacts';
comment on column bi.budget_price.most is 'what was left to use on the day';
comment on column bi.budget_price.used is 'what the chosen use';
comment on column bi.budget_price.used_share is 'used over most; null where nothing was left';
comment on column bi.budget_price.shadow_price_minor is 'margin after cost that one more unit would bring, minor units; 0 where the limit binds nothing';
comment on column bi.budget_price.meaning_en is 'the same as a sentence, in English';
comment on column bi.budget_price.meaning_zh is 'the same as a sentence, in Chinese';

create view bi.cohort (cohort_month, month, months_since, as_of_date, cohort_customers, active_customers, retention, orders, net_minor) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.cohort: the newest figures of every cohort and month, small groups hidden.
with

newest as (
    select distinct on (value.cohort_month, value.month)
        value.*,
        coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as smallest
    from bi.cohort_value as value
    order by value.cohort_month, value.month, value.as_of_date desc
),

shown as (
    select
        newest.*,
        -- A handful who came is as telling as a handful who did not.
        newest.cohort_customers >= newest.smallest
        and (newest.active_customers = 0 or newest.active_customers >= newest.smallest) as is_shown
    from newest
)

select
    shown.cohort_month,
    shown.month,
    shown.months_since,
    shown.as_of_date,
    case when shown.cohort_customers >= shown.smallest then shown.cohort_customers end as cohort_customers,
    case when shown.is_shown then shown.active_customers end as active_customers,
    case
        when shown.is_shown then cast(shown.active_customers as double precision) / shown.cohort_customers
    end as retention,
    case when shown.is_shown then shown.orders end as orders,
    case when shown.is_shown then shown.net_minor end as net_minor
from shown;
comment on view bi.cohort is 'Cohorts of customers by the month of their first order, and in each month since, how many ordered and for how much: the newest figures. Cells with fewer people than the suppression size are null. Grain: one row per cohort and month.';
comment on column bi.cohort.cohort_month is 'first day of the month of the first paid order';
comment on column bi.cohort.month is 'first day of the month looked at';
comment on column bi.cohort.months_since is 'months from one to the other; 0 is the month of the first order';
comment on column bi.cohort.as_of_date is 'date the figures are from: a month is followed daily until the end of the next, and once a month after that';
comment on column bi.cohort.cohort_customers is 'customers who first bought in the cohort''s month';
comment on column bi.cohort.active_customers is 'of these, customers who paid an order in the month';
comment on column bi.cohort.retention is 'active over cohort customers, a share';
comment on column bi.cohort.orders is 'paid orders less cancelled ones';
comment on column bi.cohort.net_minor is 'net amount, minor units of the base currency';

create view bi.complaint_cause (week_start, is_complete, dimension, member, root_cause, complaints, complaints_before, severe, late, median_hours_to_resolve, compensation_minor, is_suppressed) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.complaint_cause: the newest review of complaints by cause, small groups hidden, with one more where a hidden one could be computed.
with

newest as (
    select max(cause.as_of_date) as as_of_date
    from bi.complaint_root_cause as cause
),

least_size as (
    select
        coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as rows_needed
),

sized as (
    select
        cause.*,
        least_size.rows_needed,
        cause.complaints < least_size.rows_needed as is_small
    from bi.complaint_root_cause as cause
    inner join newest on cause.as_of_date = newest.as_of_date
    cross join least_size
),

ranked as (
    select
        sized.*,
        count(*) filter (where sized.is_small and sized.root_cause <> 'all') over siblings as count_small,
        row_number() over (
            partition by sized.week_start, sized.dimension, sized.member
            order by sized.root_cause = 'all', sized.is_small, sized.complaints, sized.root_cause
        ) as place
    from sized
    window siblings as (partition by sized.week_start, sized.dimension, sized.member)
),

shown as (
    select
        ranked.*,
        ranked.is_small or (ranked.count_small = 1 and ranked.place = 1) as is_suppressed
    from ranked
)

select
    shown.week_start,
    shown.is_complete,
    shown.dimension,
    shown.member,
    shown.root_cause,
    case when not shown.is_suppressed then shown.complaints end as complaints,
    case when not shown.is_suppressed and shown.complaints_before >= shown.rows_needed then shown.complaints_before end
        as complaints_before,
    case when not shown.is_suppressed then shown.severe end as severe,
    case when not shown.is_suppressed then shown.late end as late,
    case when not shown.is_suppressed then shown.median_hours_to_resolve end as median_hours_to_resolve,
    case when not shown.is_suppressed then shown.compensation_minor end as compensation_minor,
    shown.is_suppressed
from shown;
comment on view bi.complaint_cause is 'The newest weekly review of complaints by cause for BI tools: groups of fewer complaints than the setting keep.suppressed_group_size are not shown, and neither is the last group from which a hidden one could be computed. Grain: one row per week, dimension, member and cause.';
comment on column bi.complaint_cause.week_start is 'Monday of the week in which the complaints were opened';
comment on column bi.complaint_cause.is_complete is 'the week has ended';
comment on column bi.complaint_cause.dimension is 'all, product, product_category, category, channel or team';
comment on column bi.complaint_cause.member is 'the product, category, channel or team; ''none'' where the complaint names none';
comment on column bi.complaint_cause.root_cause is 'cause found, ''not found yet'', ''other'', or ''all'' for the sum';
comment on column bi.complaint_cause.complaints is 'complaints opened in the week; null where the group is hidden';
comment on column bi.complaint_cause.complaints_before is 'the same in the week before; null where the group is hidden or was too small then';
comment on column bi.complaint_cause.severe is 'of them severe; null where the group is hidden';
comment on column bi.complaint_cause.late is 'of them answered too late or still waiting; null where the group is hidden';
comment on column bi.complaint_cause.median_hours_to_resolve is 'median time to resolution, hours; null where the group is hidden';
comment on column bi.complaint_cause.compensation_minor is 'compensation recorded, minor units; null where the group is hidden';
comment on column bi.complaint_cause.is_suppressed is 'the group is hidden';

create view bi.complaint_clock (team, clock, severity, breaches_open, breaches_closed, oldest_due_at) as
-- bi.complaint_clock: broken clocks by team.
select
    coalesce(team, 'unassigned') as team,
    clock,
    coalesce(severity, 'unknown') as severity,
    count(*) filter (where state = 'open') as breaches_open,
    count(*) filter (where state = 'closed') as breaches_closed,
    min(due_at) filter (where state = 'open') as oldest_due_at
from ops.complaint_breach
group by coalesce(team, 'unassigned'), clock, coalesce(severity, 'unknown');
comment on view bi.complaint_clock is 'Complaints that were not acknowledged or answered in time, by team, as of the last check (every ten minutes). Cases, not people. Grain: one row per team, clock and severity.';
comment on column bi.complaint_clock.team is 'team that has to answer; ''unassigned'' if none is named';
comment on column bi.complaint_clock.clock is 'acknowledge or first_reply';
comment on column bi.complaint_clock.severity is 'minor, medium or severe; ''unknown'' if not given';
comment on column bi.complaint_clock.breaches_open is 'still waiting for the answer';
comment on column bi.complaint_clock.breaches_closed is 'answered late';
comment on column bi.complaint_clock.oldest_due_at is 'due time of the longest waiting open case; null if none is open';

create view bi.control_health (as_of_date, play, label, label_zh, service_tier, treated_customers, control_customers, expected_share, observed_share, p_value, balance, contaminated_share, contamination, advice_en, advice_zh) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.control_health: checks of the control groups as of the newest measurement.
with

newest as (
    select max(cast(slice_key as date)) as as_of_date
    from ops.published
    where table_name = 'bi.control_balance'
),

names as (
    select distinct on (play)
        play,
        name_en,
        name_zh
    from campaigns.play
    order by play, registered_at desc
),

checked as (
    select
        balance.*,
        contamination.contaminated_share,
        contamination.verdict as contamination,
        least(balance.treated_customers, balance.control_customers) >= coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as is_shown
    from newest
    inner join bi.control_balance as balance on newest.as_of_date = balance.as_of_date
    left join bi.control_contamination as contamination
        on balance.as_of_date = contamination.as_of_date and balance.play = contamination.play
)

select
    checked.as_of_date,
    checked.play,
    case when checked.play = '*' then 'universal control group' else coalesce(names.name_en, checked.play) end as label,
    case when checked.play = '*' then '全局对照组' else coalesce(names.name_zh, checked.play) end as label_zh,
    checked.service_tier,
    case when checked.is_shown then checked.treated_customers end as treated_customers,
    case when checked.is_shown then checked.control_customers end as control_customers,
    case when checked.is_shown then checked.expected_share end as expected_share,
    case when checked.is_shown then checked.observed_share end as observed_share,
    case when checked.is_shown then checked.p_value end as p_value,
    case when checked.is_shown then checked.verdict else 'too_few' end as balance,
    case when checked.is_shown then checked.contaminated_share end as contaminated_share,
    case when checked.is_shown then checked.contamination end as contamination,
    case
        when not checked.is_shown or checked.verdict = 'too_few' then 'Too few people yet to say anything.'
        when checked.verdict = 'imbalanced'
            then 'Do not trust the effect: chance does not explain the size of the control group. Look for what removes people from one group only.'
        when checked.contamination = 'contaminated'
            then 'The effect is understated: control customers were contacted. Ask which tool sends outside the audience.'
        else 'The groups can be compared.'
    end as advice_en,
    case
        when not checked.is_shown or checked.verdict = 'too_few' then '人数太少，暂无法判断。'
        when checked.verdict = 'imbalanced' then '效果不可信：对照组人数偏差无法用随机解释，请检查是否只从一组中剔除了客户。'
        when checked.contamination = 'contaminated' then '效果被低估：对照组客户仍被触达，请检查哪个工具绕过名单发送。'
        else '两组可以比较。'
    end as advice_zh
from checked
left join names on checked.play = names.play;
comment on view bi.control_health is 'Whether control groups can be trusted, as of the newest measurement: sizes against the draw, and who was contacted all the same. Groups below the suppression size are hidden. Grain: one row per play and tier.';
comment on column bi.control_health.as_of_date is 'date of the measurement';
comment on column bi.control_health.play is 'the play; * for the universal group, which no promotion reaches';
comment on column bi.control_health.label is 'name of the play in English';
comment on column bi.control_health.label_zh is 'name of the play in Chinese';
comment on column bi.control_health.service_tier is 'service tier; all for everybody';
comment on column bi.control_health.treated_customers is 'customers reached; null where hidden';
comment on column bi.control_health.control_customers is 'customers held back; null where hidden';
comment on column bi.control_health.expected_share is 'share that the draw holds back; null where hidden';
comment on column bi.control_health.observed_share is 'share held back; null where hidden';
comment on column bi.control_health.p_value is 'probability of such a deviation or a larger one by chance; null where hidden';
comment on column bi.control_health.balance is 'balanced, imbalanced (p below 0.001) or too_few';
comment on column bi.control_health.contaminated_share is 'share of the control group contacted all the same, all tiers together; null where hidden or not measured';
comment on column bi.control_health.contamination is 'clean, traces or contaminated (more than one in a hundred); null where not measured';
comment on column bi.control_health.advice_en is 'what to make of it, in English';
comment on column bi.control_health.advice_zh is 'what to make of it, in Chinese';

create view bi.customer (customer_key, as_of_date, region, customer_kind, member_since_month, service_tier, is_at_risk, lifecycle_stage, value_class, rfm_class, rfm_segment, membership_level, count_orders_365d, net_minor_365d, recency_days, mean_days_between_orders, overdue_ratio, discount_share_365d, count_complaints_open, latest_nps, churn_probability, clv_12m_minor, repurchase_probability_90d, next_order_date, persona, count_warnings, has_fallback_scores, member_since_year, acquisition_channel, tier_since, previous_tier, at_risk_since, stage_since, previous_stage, recency_score, frequency_score, monetary_score, amount_to_next_level_minor, points_balance, points_expiring_30d, count_orders_lifetime, net_minor_lifetime, net_change_90d_minor, mean_order_value_minor_365d, refund_share_365d, count_complaints_365d, mean_csat_365d, count_interactions_90d, count_converted_referrals_lifetime, count_categories_365d, top_category_365d, clv_12m_lower_minor, clv_12m_upper_minor, value_at_risk_minor, expected_orders_90d, preferred_channel, price_band) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.customer: the wide row per customer as of the newest published date. Columns are chosen one by one: nothing that names,
-- addresses or describes a person beyond what segments need ever gets in by `*`. Where and since when somebody is a customer is shown
-- as exactly as enough people share it (bi.customer_group), and not at all before the first measurement has counted them.
-- Every table is joined by its whole key and none is needed for a column of another: a query pays for the columns it names. The date
-- is asked for by a subquery and not joined, so that only the newest partition of each table is opened.
with

warnings as (
    select
        warning.customer_key,
        count(*) as count_warnings
    from scores.warning as warning
    where warning.as_of_date = (
        select max(cast(published.slice_key as date))
        from ops.published as published
        where published.table_name = 'segments.tier'
    )
    group by warning.customer_key
)

select
    customer.customer_key,
    tier.as_of_date,
    case when groups.shown in ('month', 'year', 'region') then customer.region end as region,
    case when groups.shown <> 'nothing' then customer.customer_kind end as customer_kind,
    case when groups.shown = 'month' then groups.member_since_month end as member_since_month,
    tier.service_tier,
    tier.is_at_risk,
    lifecycle.lifecycle_stage,
    matrix.value_class,
    rfm.rfm_class,
    rfm.rfm_segment,
    membership.membership_level,
    coalesce(orders.count_orders_365d, 0) as count_orders_365d,
    coalesce(orders.net_minor_365d, 0) as net_minor_365d,
    orders.recency_days,
    orders.mean_days_between_orders,
    orders.overdue_ratio,
    orders.discount_share_365d,
    service.count_complaints_open,
    engagement.latest_nps,
    churn.churn_probability,
    clv.clv_12m_minor,
    repurchase.probability_90d as repurchase_probability_90d,
    repurchase.next_order_date,
    persona.persona,
    coalesce(warnings.count_warnings, 0) as count_warnings,
    coalesce(churn.is_fallback, clv.is_fallback) as has_fallback_scores,
    case
        when groups.shown in ('month', 'year') then cast(extract(year from groups.member_since_month) as integer)
    end as member_since_year,
    case when groups.shown in ('month', 'year') then customer.acquisition_channel end as acquisition_channel,
    tier.tier_since,
    tier.previous_tier,
    tier.at_risk_since,
    lifecycle.stage_since,
    lifecycle.previous_stage,
    rfm.recency_score,
    rfm.frequency_score,
    rfm.monetary_score,
    membership.amount_to_next_level_minor,
    membership.points_balance,
    membership.points_expiring_30d,
    coalesce(orders.count_orders_lifetime, 0) as count_orders_lifetime,
    coalesce(orders.net_minor_lifetime, 0) as net_minor_lifetime,
    orders.net_change_90d_minor,
    orders.mean_order_value_minor_365d,
    orders.refund_share_365d,
    service.count_complaints_365d,
    engagement.mean_csat_365d,
    engagement.count_interactions_90d,
    engagement.count_converted_referrals_lifetime,
    basket.count_categories_365d,
    basket.top_category_365d,
    clv.clv_12m_lower_minor,
    clv.clv_12m_upper_minor,
    cast(round(cast(churn.churn_probability * clv.clv_12m_minor as numeric)) as bigint) as value_at_risk_minor,
    repurchase.expected_orders_90d,
    preference.preferred_channel,
    preference.price_band
from segments.tier as tier
inner join core.customer as customer
    on tier.customer_key = customer.customer_key and customer.valid_to is null and not customer.is_test and not customer.is_staff
left join bi.customer_group as groups
    on groups.as_of_date = (
        select max(cast(published.slice_key as date))
        from ops.published as published
        where published.table_name = 'bi.customer_group'
    )
    and coalesce(customer.region, '') = groups.region
    and customer.customer_kind = groups.customer_kind
    and coalesce(customer.acquisition_channel, '') = groups.acquisition_channel
    and cast(
        date_trunc(
            'month',
            customer.member_since at time zone coalesce(
                (select setting.value from bi.setting as setting where setting.name = 'business_timezone'), 'Asia/Shanghai'
            )
        ) as date
    ) = groups.member_since_month
left join segments.lifecycle as lifecycle
    on tier.as_of_date = lifecycle.as_of_date and tier.customer_key = lifecycle.customer_key
left join segments.value_matrix as matrix
    on tier.as_of_date = matrix.as_of_date and tier.customer_key = matrix.customer_key
left join segments.rfm as rfm on tier.as_of_date = rfm.as_of_date and tier.customer_key = rfm.customer_key
left join segments.membership as membership
    on tier.as_of_date = membership.as_of_date and tier.customer_key = membership.customer_key
left join features.customer_orders as orders
    on tier.as_of_date = orders.as_of_date and tier.customer_key = orders.customer_key
left join features.customer_service as service
    on tier.as_of_date = service.as_of_date and tier.customer_key = service.customer_key
left join features.customer_engagement as engagement
    on tier.as_of_date = engagement.as_of_date and tier.customer_key = engagement.customer_key
left join features.customer_basket as basket
    on tier.as_of_date = basket.as_of_date and tier.customer_key = basket.customer_key
left join scores.churn as churn on tier.as_of_date = churn.as_of_date and tier.customer_key = churn.customer_key
left join scores.clv as clv on tier.as_of_date = clv.as_of_date and tier.customer_key = clv.customer_key
left join scores.repurchase as repurchase
    on tier.as_of_date = repurchase.as_of_date and tier.customer_key = repurchase.customer_key
left join scores.persona as persona on tier.as_of_date = persona.as_of_date and tier.customer_key = persona.customer_key
left join scores.preference as preference
    on tier.as_of_date = preference.as_of_date and tier.customer_key = preference.customer_key
left join warnings on tier.customer_key = warnings.customer_key
where
    tier.as_of_date = (
        select max(cast(published.slice_key as date))
        from ops.published as published
        where published.table_name = 'segments.tier'
    );
comment on view bi.customer is 'One wide row per customer as of the newest date: what they bought, how they feel, what is predicted, where they stand. By pseudonym, without names, addresses, dates of birth, gender or free text; where and since when somebody is a customer only as exactly as at least as many people share it as the setting keep.suppressed_group_size says. A query pays for the columns it names: avoid `select *`. Grain: one row per customer.';
comment on column bi.customer.customer_key is 'pseudonym of the customer; means nothing outside this warehouse';
comment on column bi.customer.as_of_date is 'date the row holds for: only what happened before it counts';
comment on column bi.customer.region is 'province or region; null where too few share it together with kind, channel and year of joining';
comment on column bi.customer.customer_kind is 'company or consumer; null where too few share it';
comment on column bi.customer.member_since_month is 'first day of the month in which the customer became known; null where too few share it together with region, kind and channel';
comment on column bi.customer.service_tier is 'vip, potential, ordinary or marginal';
comment on column bi.customer.is_at_risk is 'whether the customer is about to be lost';
comment on column bi.customer.lifecycle_stage is 'prospect, new, lapsed_new, repeat, loyal, at_risk, lost or won_back';
comment on column bi.customer.value_class is 'strategic, growth, base or marginal';
comment on column bi.customer.rfm_class is 'high_value, potential, general or low_value; null for prospects';
comment on column bi.customer.rfm_segment is 'one of eleven named segments; null for prospects';
comment on column bi.customer.membership_level is 'membership level held';
comment on column bi.customer.count_orders_365d is 'paid orders of the last 365 days; 0 for prospects';
comment on column bi.customer.net_minor_365d is 'net amount of the last 365 days, minor units of the base currency';
comment on column bi.customer.recency_days is 'days since the last order; null for prospects';
comment on column bi.customer.mean_days_between_orders is 'the customer''s own rhythm; null below two order days';
comment on column bi.customer.overdue_ratio is 'days since the last order over the own rhythm; above 1 is late';
comment on column bi.customer.discount_share_365d is 'discounts over gross amount of the last 365 days';
comment on column bi.customer.count_complaints_open is 'complaints not solved yet';
comment on column bi.customer.latest_nps is 'latest answer to the recommendation question, 0 to 10; null if none';
comment on column bi.customer.churn_probability is 'probability of no order within the churn horizon; null for prospects';
comment on column bi.customer.clv_12m_minor is 'predicted net value of the coming twelve months, minor units; null for prospects';
comment on column bi.customer.repurchase_probability_90d is 'probability of a paid order within 90 days; null for prospects';
comment on column bi.customer.next_order_date is 'day by which half of such customers order again, of those who do; null for prospects and rules of thumb';
comment on column bi.customer.persona is 'group of customers with the same way of buying, e.g. price_sensitive; null for prospects';
comment on column bi.customer.count_warnings is 'warning signs that show: orders falling, complaints rising, touches falling, overdue';
comment on column bi.customer.has_fallback_scores is 'true where a rule of thumb stands in for a model';
comment on column bi.customer.member_since_year is 'year in which the customer became known; null where even that is shared by too few';
comment on column bi.customer.acquisition_channel is 'how the customer was won; null where too few share it';
comment on column bi.customer.tier_since is 'day from which the service tier holds';
comment on column bi.customer.previous_tier is 'service tier before that; null if none';
comment on column bi.customer.at_risk_since is 'day from which the customer is marked at risk; null if not at risk';
comment on column bi.customer.stage_since is 'day from which the lifecycle stage holds';
comment on column bi.customer.previous_stage is 'lifecycle stage before that; null if none';
comment on column bi.customer.recency_score is 'RFM score of recency, 5 the nearest fifth; null for prospects';
comment on column bi.customer.frequency_score is 'RFM score of frequency, 5 the fifth with most orders; null for prospects';
comment on column bi.customer.monetary_score is 'RFM score of spend, 5 the fifth with most; null for prospects';
comment on column bi.customer.amount_to_next_level_minor is 'net spend missing to the next membership level, minor units; null at the highest';
comment on column bi.customer.points_balance is 'points that can be used';
comment on column bi.customer.points_expiring_30d is 'of the balance, points that run out within 30 days';
comment on column bi.customer.count_orders_lifetime is 'paid orders ever; 0 for prospects';
comment on column bi.customer.net_minor_lifetime is 'net amount ever, minor units; 0 for prospects';
comment on column bi.customer.net_change_90d_minor is 'net amount of the last 90 days less that of the 90 days before, minor units; null for prospects';
comment on column bi.customer.mean_order_value_minor_365d is 'mean net amount of an order of the last 365 days, minor units; null without orders';
comment on column bi.customer.refund_share_365d is 'money given back over money paid in the last 365 days; null without orders';
comment on column bi.customer.count_complaints_365d is 'complaints opened in the last 365 days; null where none was ever opened';
comment on column bi.customer.mean_csat_365d is 'mean satisfaction answer of the last 365 days, 1 to 5; null without answers';
comment on column bi.customer.count_interactions_90d is 'touches in either direction in the last 90 days; null where there was none ever';
comment on column bi.customer.count_converted_referrals_lifetime is 'people recommended who have bought; null where nothing is known of touches';
comment on column bi.customer.count_categories_365d is 'different widest categories bought from in the last 365 days; null without order lines';
comment on column bi.customer.top_category_365d is 'category with the largest net amount in the last 365 days; null without order lines';
comment on column bi.customer.clv_12m_lower_minor is 'lower end of the prediction interval of clv_12m_minor, minor units';
comment on column bi.customer.clv_12m_upper_minor is 'upper end of that interval, minor units';
comment on column bi.customer.value_at_risk_minor is 'churn probability times predicted value of the coming twelve months, minor units; null for prospects';
comment on column bi.customer.expected_orders_90d is 'expected number of paid orders within 90 days; null for prospects';
comment on column bi.customer.preferred_channel is 'channel on which the customer most probably answers, of those that may be used';
comment on column bi.customer.price_band is 'low, middle or high third by the prices paid within their categories; null where nothing tells';

create view bi.funnel (play, label, label_zh, month, as_of_date, held_back, handed_out, sent, delivered, opened, clicked, converted, bought, unsubscribed, cost_minor) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.funnel: the newest figures of every month, small steps hidden.
with

newest as (
    select distinct on (value.play, value.month)
        value.*,
        coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as smallest
    from bi.funnel_value as value
    order by value.play, value.month, value.as_of_date desc
),

names as (
    select distinct on (play)
        play,
        name_en,
        name_zh
    from campaigns.play
    order by play, registered_at desc
)

select
    newest.play,
    coalesce(names.name_en, newest.play) as label,
    coalesce(names.name_zh, newest.play) as label_zh,
    newest.month,
    newest.as_of_date,
    case when newest.held_back = 0 or newest.held_back >= newest.smallest then newest.held_back end as held_back,
    case when newest.handed_out = 0 or newest.handed_out >= newest.smallest then newest.handed_out end as handed_out,
    case when newest.sent = 0 or newest.sent >= newest.smallest then newest.sent end as sent,
    case when newest.delivered = 0 or newest.delivered >= newest.smallest then newest.delivered end as delivered,
    case when newest.opened = 0 or newest.opened >= newest.smallest then newest.opened end as opened,
    case when newest.clicked = 0 or newest.clicked >= newest.smallest then newest.clicked end as clicked,
    case when newest.converted = 0 or newest.converted >= newest.smallest then newest.converted end as converted,
    case when newest.bought = 0 or newest.bought >= newest.smallest then newest.bought end as bought,
    case when newest.unsubscribed = 0 or newest.unsubscribed >= newest.smallest then newest.unsubscribed end as unsubscribed,
    case when newest.handed_out = 0 or newest.handed_out >= newest.smallest then newest.cost_minor end as cost_minor
from newest
left join names on newest.play = names.play;
comment on view bi.funnel is 'From the audience rule to the purchase, per play and month: the newest figures of each month. Steps of fewer people than the suppression size are null. Grain: one row per play and month.';
comment on column bi.funnel.play is 'the play';
comment on column bi.funnel.label is 'name of the play in English';
comment on column bi.funnel.label_zh is 'name of the play in Chinese';
comment on column bi.funnel.month is 'first day of the month in which people were handed out or held back';
comment on column bi.funnel.as_of_date is 'date the figures are from: a month is followed daily until the end of the next, and once a month after that';
comment on column bi.funnel.held_back is 'people kept as control group';
comment on column bi.funnel.handed_out is 'people handed to a tool or to staff';
comment on column bi.funnel.sent is 'of these, people to whom a message was sent';
comment on column bi.funnel.delivered is 'of these, people whom it reached, as far as the tool reports';
comment on column bi.funnel.opened is 'of these, people who opened it';
comment on column bi.funnel.clicked is 'of these, people who clicked';
comment on column bi.funnel.converted is 'of these, people whom the tool reports as converted';
comment on column bi.funnel.bought is 'people handed out who paid an order within the outcome window; what the play itself brought is in bi.play_result';
comment on column bi.funnel.unsubscribed is 'people handed out who unsubscribed or complained of spam';
comment on column bi.funnel.cost_minor is 'cost of the touches, minor units';

create view bi.health (as_of_date, check_name, subject, area, label_en, label_zh, value, unit, objective, is_at_least, state, since, sentence_en, sentence_zh, advice_en, advice_zh, position, checked_at) as
-- bi.health: the newest look, with what each check is called and what to do.
select
    found.as_of_date,
    found.check_name,
    found.subject,
    found.area,
    coalesce(definition.label_en, found.check_name) as label_en,
    coalesce(definition.label_zh, found.check_name) as label_zh,
    found.value,
    found.unit,
    found.objective,
    found.is_at_least,
    found.state,
    found.since,
    found.sentence_en,
    found.sentence_zh,
    case when found.state in ('warn', 'breach') then definition.advice_en end as advice_en,
    case when found.state in ('warn', 'breach') then definition.advice_zh end as advice_zh,
    definition.position,
    found.checked_at
from bi.health_check as found
left join bi.health_definition as definition on found.check_name = definition.check_name
where found.as_of_date = (select max(as_of_date) from bi.health_check);
comment on view bi.health is 'Health of pipeline and audiences at the newest look, each beside its objective, with what to do where it is not well. Grain: one row per check and subject.';
comment on column bi.health.as_of_date is 'day of the look';
comment on column bi.health.check_name is 'name of the check, as in docs/health.md';
comment on column bi.health.subject is 'what was looked at: a stage, a source and entity, a task, a play, a channel, a target';
comment on column bi.health.area is 'pipeline or audience';
comment on column bi.health.label_en is 'what the check is called, in English';
comment on column bi.health.label_zh is 'what the check is called, in Chinese';
comment on column bi.health.value is 'what was found, in its unit; null where it could not be measured';
comment on column bi.health.unit is 'hours, share, times, index, count or minor (money in minor units of the base currency)';
comment on column bi.health.objective is 'the limit, in the same unit; null where there is none yet';
comment on column bi.health.is_at_least is 'whether the value is to be at least the objective; else at most';
comment on column bi.health.state is 'ok, warn (close to the limit), breach or not_measured';
comment on column bi.health.since is 'when it came to be in this state';
comment on column bi.health.sentence_en is 'what was found, in English';
comment on column bi.health.sentence_zh is 'what was found, in Chinese';
comment on column bi.health.advice_en is 'what to do, in English; null where it is well';
comment on column bi.health.advice_zh is 'what to do, in Chinese; null where it is well';
comment on column bi.health.position is 'order in which checks are shown';
comment on column bi.health.checked_at is 'when it was looked at';

create view bi.health_objective (check_name, subject, area, label_en, label_zh, days_measured, days_kept, kept_share, promised_share, days_left) as
-- bi.health_objective: days on which each objective held, beside the share that was promised.
with

newest as (
    select max(as_of_date) as as_of_date
    from bi.health_check
),

promised as (
    select coalesce(max(cast(value as double precision)), 0.95) as kept_share
    from bi.setting
    where name = 'health_kept_share'
),

days as (
    select
        found.check_name,
        found.subject,
        min(found.area) as area,
        count(*) as days_measured,
        count(*) filter (where found.state <> 'breach') as days_kept
    from bi.health_check as found
    inner join newest on found.as_of_date > newest.as_of_date - 28 and found.as_of_date <= newest.as_of_date
    where found.state <> 'not_measured'
    group by found.check_name, found.subject
)

select
    days.check_name,
    days.subject,
    days.area,
    coalesce(definition.label_en, days.check_name) as label_en,
    coalesce(definition.label_zh, days.check_name) as label_zh,
    days.days_measured,
    days.days_kept,
    cast(days.days_kept as double precision) / days.days_measured as kept_share,
    promised.kept_share as promised_share,
    28 * (1 - promised.kept_share) - (days.days_measured - days.days_kept) as days_left
from days
cross join promised
left join bi.health_definition as definition on days.check_name = definition.check_name;
comment on view bi.health_objective is 'How often each objective held over the last 28 days that were looked at, and what is left of the days on which it may not (health.kept_share): what was promised, beside what was kept. Grain: one row per check and subject that was measured.';
comment on column bi.health_objective.check_name is 'name of the check';
comment on column bi.health_objective.subject is 'what was looked at';
comment on column bi.health_objective.area is 'pipeline or audience';
comment on column bi.health_objective.label_en is 'what the check is called, in English';
comment on column bi.health_objective.label_zh is 'what the check is called, in Chinese';
comment on column bi.health_objective.days_measured is 'days with a measurement';
comment on column bi.health_objective.days_kept is 'of them days whose last look found no breach';
comment on column bi.health_objective.kept_share is 'share of the days on which it held';
comment on column bi.health_objective.promised_share is 'share on which it is to hold';
comment on column bi.health_objective.days_left is 'further days of these 28 on which it may not hold; negative where the promise is broken';

create view bi.kpi (as_of_date, period, period_start, kpi, label, label_zh, unit, dimension, member, value, numerator, denominator, customers, is_suppressed, formula, formula_zh) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.kpi: the KPIs with their dictionary, small groups hidden.
with

sizes as (
    select
        kpi_value.*,
        (
            kpi_value.customers > 0 and kpi_value.customers < coalesce(
                (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
            )
        )
        -- A month to date less the days that are shown would show the hidden ones.
        or coalesce(not hidden.is_released, false) as is_small
    from bi.kpi_value as kpi_value
    left join bi.kpi_hidden as hidden
        on
            kpi_value.as_of_date = hidden.as_of_date
            and kpi_value.kpi = hidden.kpi
            and kpi_value.dimension = hidden.dimension
            and kpi_value.member = hidden.member
            and kpi_value.period = 'month'
),

ranked as (
    select
        sizes.*,
        count(*) filter (where is_small) over (partition by as_of_date, kpi, period, dimension) as count_small,
        row_number() over (
            partition by as_of_date, kpi, period, dimension order by is_small, (customers = 0), customers, member
        ) as place
    from sizes
),

shown as (
    select
        ranked.*,
        is_small or (count_small = 1 and place = 1 and dimension <> 'all') as is_suppressed
    from ranked
)

select
    shown.as_of_date,
    shown.period,
    shown.period_start,
    shown.kpi,
    definition.label,
    definition.label_zh,
    definition.unit,
    shown.dimension,
    shown.member,
    case when not shown.is_suppressed then shown.value end as value,
    case when not shown.is_suppressed then shown.numerator end as numerator,
    case when not shown.is_suppressed then shown.denominator end as denominator,
    case when not shown.is_suppressed then shown.customers end as customers,
    shown.is_suppressed,
    definition.formula,
    definition.formula_zh
from shown
left join bi.kpi_definition as definition on shown.kpi = definition.kpi;
comment on view bi.kpi is 'Every KPI with its label, unit and formula. Numbers of groups below the suppression size are hidden, and where only one group of a breakdown would be hidden the next smallest is hidden too, so that the difference to the whole gives nothing away. Grain: one row per KPI, period, dimension and member per as_of_date.';
comment on column bi.kpi.as_of_date is 'first day not included: the day before it is the last one counted';
comment on column bi.kpi.period is 'day, or month (to date; final in the slice of the first day of the next month)';
comment on column bi.kpi.period_start is 'first day counted';
comment on column bi.kpi.kpi is 'name of the KPI';
comment on column bi.kpi.label is 'English label';
comment on column bi.kpi.label_zh is 'Chinese label';
comment on column bi.kpi.unit is 'unit of the value';
comment on column bi.kpi.dimension is 'all, tier, stage, play or channel';
comment on column bi.kpi.member is 'tier, stage, play or channel; ''all'' overall';
comment on column bi.kpi.value is 'the KPI; null where the group is hidden or nothing was there to divide by';
comment on column bi.kpi.numerator is 'what was counted or summed; null where hidden';
comment on column bi.kpi.denominator is 'what it was divided by; null where hidden';
comment on column bi.kpi.customers is 'people behind the number; null where hidden';
comment on column bi.kpi.is_suppressed is 'whether the number is hidden because the group is small';
comment on column bi.kpi.formula is 'how it is computed, in words';
comment on column bi.kpi.formula_zh is 'the same in Chinese';

create view bi.model_verdict (as_of_date, model, label, label_zh, verdict, reasons, sentence_en, sentence_zh, scored_as_of, matures_on, customers, predicted_mean, realised_mean, calibration_error, ranking, skill, drift) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.model_verdict: what to think of each model, as of the newest measurement.
with

newest as (
    select max(cast(slice_key as date)) as as_of_date
    from ops.published
    where table_name = 'bi.score_verdict'
)

select
    verdict.as_of_date,
    verdict.model,
    case verdict.model
        when 'churn' then 'Churn'
        when 'clv' then 'Customer lifetime value'
        when 'repurchase_30d' then 'Repurchase within 30 days'
        when 'repurchase_90d' then 'Repurchase within 90 days'
        else 'Renewal of contracts'
    end as label,
    case verdict.model
        when 'churn' then '流失'
        when 'clv' then '客户终身价值'
        when 'repurchase_30d' then '30天复购'
        when 'repurchase_90d' then '90天复购'
        else '合约续约'
    end as label_zh,
    verdict.verdict,
    verdict.reasons,
    verdict.sentence_en,
    verdict.sentence_zh,
    verdict.scored_as_of,
    verdict.matures_on,
    case when is_shown then verdict.customers end as customers,
    case when is_shown then verdict.predicted_mean end as predicted_mean,
    case when is_shown then verdict.realised_mean end as realised_mean,
    case when is_shown then verdict.calibration_error end as calibration_error,
    case when is_shown then verdict.ranking end as ranking,
    case when is_shown then verdict.skill end as skill,
    verdict.drift
from newest
inner join bi.score_verdict as verdict on newest.as_of_date = verdict.as_of_date
cross join lateral (
    select
        verdict.customers >= coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as is_shown
) as size;
comment on view bi.model_verdict is 'A plain verdict per model as of the newest measurement, with what it rests on. Grain: one row per model.';
comment on column bi.model_verdict.as_of_date is 'date of the measurement';
comment on column bi.model_verdict.model is 'churn, clv, repurchase_30d, repurchase_90d or renewal';
comment on column bi.model_verdict.label is 'what it predicts, in English';
comment on column bi.model_verdict.label_zh is 'what it predicts, in Chinese';
comment on column bi.model_verdict.verdict is 'good, watch, bad or waiting';
comment on column bi.model_verdict.reasons is 'what speaks against it, the worst first';
comment on column bi.model_verdict.sentence_en is 'the verdict in plain words, in English';
comment on column bi.model_verdict.sentence_zh is 'the verdict in plain words, in Chinese';
comment on column bi.model_verdict.scored_as_of is 'date of the scores compared; while waiting, of the oldest that wait';
comment on column bi.model_verdict.matures_on is 'first date on which they can be compared';
comment on column bi.model_verdict.customers is 'customers compared; null where hidden';
comment on column bi.model_verdict.predicted_mean is 'mean prediction: probability, or minor units; null where hidden';
comment on column bi.model_verdict.realised_mean is 'what happened: share, or net minor units; null where hidden';
comment on column bi.model_verdict.calibration_error is 'mean gap of single probabilities; null for clv and where hidden';
comment on column bi.model_verdict.ranking is 'AUC (0.5 is chance), for clv normalised Gini (0 is chance); null where hidden';
comment on column bi.model_verdict.skill is 'share by which the error is below that of saying the same of everybody; null where hidden';
comment on column bi.model_verdict.drift is 'ok, warn, stop, or unknown';

create view bi.operations_push (business_date, sync_id, booked_at, rows_added, rows_updated, rows_removed, tasks_added, tasks_withdrawn, plays_held_back, held_back, approvals_used) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.operations_push: pushes with what they changed and what the guard held back.
with

held as (
    select
        stop.business_date,
        stop.token,
        count(distinct stop.play) as plays_held_back,
        string_agg(distinct stop.play || ': ' || stop.measure || ' ' || stop.found || ' of ' || stop.allowed, '; ') as held_back
    from campaigns.guard_stop as stop
    group by stop.business_date, stop.token
)

select
    receipt.business_date,
    receipt.sync_id,
    receipt.received_at as booked_at,
    receipt.rows_added,
    receipt.rows_updated,
    receipt.rows_removed,
    receipt.tasks_added,
    receipt.tasks_withdrawn,
    coalesce(held.plays_held_back, 0) as plays_held_back,
    held.held_back,
    (
        select count(*)
        from campaigns.approval as approval
        where approval.business_date = receipt.business_date and approval.used_at is not null
    ) as approvals_used
from campaigns.push_receipt as receipt
left join held on receipt.business_date = held.business_date and receipt.token = held.token;
comment on view bi.operations_push is 'Every push to the marketing database, what it changed, what the guard held back and whether somebody had approved more. Grain: one row per push.';
comment on column bi.operations_push.business_date is 'business day it was for';
comment on column bi.operations_push.sync_id is 'the push, as in the marketing database';
comment on column bi.operations_push.booked_at is 'when its outcome was read back and booked';
comment on column bi.operations_push.rows_added is 'members who joined an audience';
comment on column bi.operations_push.rows_updated is 'members whose row changed';
comment on column bi.operations_push.rows_removed is 'members who left';
comment on column bi.operations_push.tasks_added is 'tasks for staff made';
comment on column bi.operations_push.tasks_withdrawn is 'tasks for staff taken back';
comment on column bi.operations_push.plays_held_back is 'audiences that would have changed more than allowed';
comment on column bi.operations_push.held_back is 'which, by what measure, found and allowed; null if none';
comment on column bi.operations_push.approvals_used is 'approvals for more that were used that day';

create view bi.operations_quality (business_date, table_name, rule, column_name, severity, passed, rows_checked, rows_failed, expected, checked_at) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.operations_quality: checks by business day, table and rule, over the last ninety days; the newest verdict of each.
with

ranked as (
    select
        result.*,
        row_number() over (
            partition by result.business_date, result.table_name, result.rule, result.column_name, result.batch_id
            order by result.checked_at desc, result.check_result_id desc
        ) as place
    from ops.check_result as result
    where result.checked_at >= current_timestamp - interval '90 days'
)

select
    business_date,
    table_name,
    rule,
    column_name,
    severity,
    bool_and(passed) as passed,
    cast(sum(rows_checked) as bigint) as rows_checked,
    cast(sum(rows_failed) as bigint) as rows_failed,
    max(expected) as expected,
    max(checked_at) as checked_at
from ranked
where place = 1
group by business_date, table_name, rule, column_name, severity;
comment on view bi.operations_quality is 'The newest verdict of every check of the last 90 days, by business day, table and rule. Counts only. Grain: one row per business day, table, rule, column and severity.';
comment on column bi.operations_quality.business_date is 'business day';
comment on column bi.operations_quality.table_name is 'table checked';
comment on column bi.operations_quality.rule is 'name of the rule';
comment on column bi.operations_quality.column_name is 'column; null for rules about the whole table';
comment on column bi.operations_quality.severity is 'fail (stops the run), quarantine (sets rows aside) or warn';
comment on column bi.operations_quality.passed is 'whether it holds';
comment on column bi.operations_quality.rows_checked is 'rows looked at';
comment on column bi.operations_quality.rows_failed is 'rows that break it';
comment on column bi.operations_quality.expected is 'what the rule asks, in words';
comment on column bi.operations_quality.checked_at is 'when it was checked last';

create view bi.operations_quarantine (business_date, source, entity, rule, column_name, state, rows, times_seen, first_refused_at, last_seen_at) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.operations_quarantine: refused rows by rule. The rows themselves hold personal data and stay where they are.
select
    refused.business_date,
    refused.source,
    refused.entity,
    refused.rule,
    refused.column_name,
    refused.state,
    count(*) as rows,
    cast(sum(refused.times_seen) as bigint) as times_seen,
    min(refused.created_at) as first_refused_at,
    max(refused.last_seen_at) as last_seen_at
from quarantine.row as refused
group by refused.business_date, refused.source, refused.entity, refused.rule, refused.column_name, refused.state;
comment on view bi.operations_quarantine is 'Refused rows by day, source, entity, rule and state. Numbers only; the rows are repaired with the retention program. Grain: one row per business day, source, entity, rule, column and state.';
comment on column bi.operations_quarantine.business_date is 'business day of the delivery';
comment on column bi.operations_quarantine.source is 'source that delivered the rows';
comment on column bi.operations_quarantine.entity is 'what they are, e.g. order';
comment on column bi.operations_quarantine.rule is 'first rule that they break';
comment on column bi.operations_quarantine.column_name is 'column it is about; null for the whole row';
comment on column bi.operations_quarantine.state is 'open, fixed, replayed, discarded or superseded';
comment on column bi.operations_quarantine.rows is 'rows';
comment on column bi.operations_quarantine.times_seen is 'how often the source has delivered them, all together';
comment on column bi.operations_quarantine.first_refused_at is 'when the first of them was refused';
comment on column bi.operations_quarantine.last_seen_at is 'when the source delivered one of them last';

create view bi.operations_run (business_date, dag_id, task_id, stage, dataset, slice_key, try_number, state, started_at, ended_at, duration_s, rows_written, message) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.operations_run: every attempt of the last ninety days.
select
    ledger.business_date,
    ledger.dag_id,
    ledger.task_id,
    ledger.stage,
    ledger.dataset,
    ledger.slice_key,
    ledger.try_number,
    ledger.state,
    ledger.started_at,
    ledger.ended_at,
    extract(epoch from coalesce(ledger.ended_at, current_timestamp) - ledger.started_at) as duration_s,
    (
        select cast(sum(cast(written.value as numeric)) as bigint)
        from jsonb_each_text(ledger.counts) as written
        where written.value ~ '^[0-9]+$'
    ) as rows_written,
    ledger.message
from ops.run_ledger as ledger
where ledger.started_at >= current_timestamp - interval '90 days';
comment on view bi.operations_run is 'Every attempt of the last 90 days to build or write something, how it ended and how long it took. What ran, what failed, what it cost in time. Grain: one row per attempt.';
comment on column bi.operations_run.business_date is 'business day the run was for';
comment on column bi.operations_run.dag_id is 'DAG that ran it; ''cli'' when started from the command line';
comment on column bi.operations_run.task_id is 'task of that run';
comment on column bi.operations_run.stage is 'stage of the pipeline';
comment on column bi.operations_run.dataset is 'what it wrote';
comment on column bi.operations_run.slice_key is 'which part of it: a date, or * for all';
comment on column bi.operations_run.try_number is 'try of the task, from 1';
comment on column bi.operations_run.state is 'running, published, no_data, failed, fenced (overtaken) or abandoned (died)';
comment on column bi.operations_run.started_at is 'when it began';
comment on column bi.operations_run.ended_at is 'when it ended; null while it runs';
comment on column bi.operations_run.duration_s is 'seconds it took, until now while it runs';
comment on column bi.operations_run.rows_written is 'rows written, all tables together; null where nothing is counted';
comment on column bi.operations_run.message is 'what went wrong; null if nothing did';

create view bi.operations_source (business_date, source, entity, batch_id, state, rows_extracted, rows_valid, rows_quarantined, rows_duplicate, rows_tombstoned, quarantined_share, created_at, landed_at, published_at, duration_s) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.operations_source: what the sources delivered, batch by batch, over the last ninety days, and whether every row is accounted for.
select
    batch.business_date,
    batch.source,
    batch.entity,
    batch.batch_id,
    batch.state,
    batch.rows_extracted,
    batch.rows_valid,
    batch.rows_quarantined,
    batch.rows_duplicate,
    batch.rows_tombstoned,
    batch.rows_quarantined / nullif(cast(batch.rows_extracted as double precision), 0) as quarantined_share,
    batch.created_at,
    batch.landed_at,
    batch.published_at,
    extract(epoch from batch.published_at - batch.created_at) as duration_s
from ops.batch as batch
where batch.created_at >= current_timestamp - interval '90 days';
comment on view bi.operations_source is 'What each source delivered in the last 90 days, and what became of the rows. Extracted is valid plus quarantined plus duplicate plus left out because the person was erased. Grain: one row per batch.';
comment on column bi.operations_source.business_date is 'business day the batch was read for';
comment on column bi.operations_source.source is 'source as named in its description';
comment on column bi.operations_source.entity is 'what was delivered, e.g. order';
comment on column bi.operations_source.batch_id is 'the batch';
comment on column bi.operations_source.state is 'how far it has come';
comment on column bi.operations_source.rows_extracted is 'rows delivered';
comment on column bi.operations_source.rows_valid is 'rows that passed every rule; null until validated';
comment on column bi.operations_source.rows_quarantined is 'rows set aside; null until validated';
comment on column bi.operations_source.rows_duplicate is 'rows delivered twice without a difference; null until validated';
comment on column bi.operations_source.rows_tombstoned is 'rows of people who were erased, left out; null until validated';
comment on column bi.operations_source.quarantined_share is 'share of the rows set aside; null until validated';
comment on column bi.operations_source.created_at is 'when reading began';
comment on column bi.operations_source.landed_at is 'when it was landed; null before';
comment on column bi.operations_source.published_at is 'when it reached core; null before';
comment on column bi.operations_source.duration_s is 'seconds from the one to the other; null before';

create view bi.parity (as_of_date, attribute, member, subject, outcome, customers, rate, rate_all, ratio, rate_expected, ratio_expected, is_notable) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.parity: do people of one sex, age or region get other tiers and offers than the rest, as of the newest planned date?
-- Beside the plain rates stands what was to be expected had only value class and stage decided: tiers follow what people spend, and
-- groups may spend differently. Nobody's row is shown, and no group below the suppression size.
with

offered as (
    select distinct decision.customer_key
    from campaigns.decision as decision
    where
        decision.as_of_date = (
            select max(cast(published.slice_key as date))
            from ops.published as published
            where published.table_name = 'campaigns.decision'
        )
        and decision.state = 'selected'
        and decision.kind = 'promotional'
        and cast(decision.offer_terms as jsonb) ->> 'kind' not in ('none', 'information', 'service')
),

people as (
    select
        tier.as_of_date,
        tier.service_tier,
        coalesce(matrix.value_class, 'none') as value_class,
        coalesce(lifecycle.lifecycle_stage, 'none') as lifecycle_stage,
        coalesce(customer.gender, 'unknown') as gender,
        coalesce(customer.region, 'unknown') as region,
        case
            when customer.birth_year is null then 'unknown'
            when extract(year from tier.as_of_date) - customer.birth_year < 25 then 'under 25'
            when extract(year from tier.as_of_date) - customer.birth_year < 35 then '25-34'
            when extract(year from tier.as_of_date) - customer.birth_year < 45 then '35-44'
            when extract(year from tier.as_of_date) - customer.birth_year < 55 then '45-54'
            when extract(year from tier.as_of_date) - customer.birth_year < 65 then '55-64'
            else '65 and over'
        end as age_band,
        offered.customer_key is not null as is_offered
    from segments.tier as tier
    inner join core.customer as customer
        on tier.customer_key = customer.customer_key and customer.valid_to is null and not customer.is_staff
    left join segments.value_matrix as matrix
        on tier.as_of_date = matrix.as_of_date and tier.customer_key = matrix.customer_key
    left join segments.lifecycle as lifecycle
        on tier.as_of_date = lifecycle.as_of_date and tier.customer_key = lifecycle.customer_key
    left join offered on tier.customer_key = offered.customer_key
    where tier.as_of_date = (
        select max(cast(published.slice_key as date))
        from ops.published as published
        where published.table_name = 'campaigns.decision'
    )
),

cells as (
    -- Few rows from here on: one per combination that occurs.
    select
        as_of_date,
        service_tier,
        value_class,
        lifecycle_stage,
        gender,
        region,
        age_band,
        count(*) as customers,
        count(*) filter (where is_offered) as offered_customers
    from people
    group by as_of_date, service_tier, value_class, lifecycle_stage, gender, region, age_band
),

outcomes as (
    select
        cells.as_of_date,
        cells.value_class,
        cells.lifecycle_stage,
        cells.gender,
        cells.region,
        cells.age_band,
        outcome.subject,
        outcome.outcome,
        sum(cells.customers) as customers,
        sum(outcome.customers_with) as customers_with
    from cells
    cross join lateral (
        values
        ('tier', 'vip', case when cells.service_tier = 'vip' then cells.customers else 0 end),
        ('tier', 'potential', case when cells.service_tier = 'potential' then cells.customers else 0 end),
        ('tier', 'ordinary', case when cells.service_tier = 'ordinary' then cells.customers else 0 end),
        ('tier', 'marginal', case when cells.service_tier = 'marginal' then cells.customers else 0 end),
        ('offer', 'priced', cells.offered_customers)
    ) as outcome (subject, outcome, customers_with)
    group by
        cells.as_of_date, cells.value_class, cells.lifecycle_stage, cells.gender, cells.region, cells.age_band, outcome.subject,
        outcome.outcome
),

alike as (
    -- Of all customers of one value class and stage, the share with the outcome.
    select
        subject,
        outcome,
        value_class,
        lifecycle_stage,
        sum(customers_with) / sum(customers) as rate
    from outcomes
    group by subject, outcome, value_class, lifecycle_stage
),

compared as (
    select
        outcomes.as_of_date,
        member.attribute,
        member.member,
        outcomes.subject,
        outcomes.outcome,
        sum(outcomes.customers) as customers,
        sum(outcomes.customers_with) as customers_with,
        sum(outcomes.customers * alike.rate) as customers_expected,
        sum(outcomes.customers * alike.rate * (1 - alike.rate)) as variance
    from outcomes
    inner join alike
        on outcomes.subject = alike.subject
        and outcomes.outcome = alike.outcome
        and outcomes.value_class = alike.value_class
        and outcomes.lifecycle_stage = alike.lifecycle_stage
    cross join lateral (
        values ('gender', outcomes.gender), ('age_band', outcomes.age_band), ('region', outcomes.region)
    ) as member (attribute, member)
    group by outcomes.as_of_date, member.attribute, member.member, outcomes.subject, outcomes.outcome
),

totals as (
    select
        compared.*,
        sum(compared.customers_with) over whole / sum(compared.customers) over whole as rate_all,
        compared.customers < coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as is_suppressed
    from compared
    window whole as (partition by compared.attribute, compared.subject, compared.outcome)
)

select
    as_of_date,
    attribute,
    case when is_suppressed then 'small groups' else member end as member,
    subject,
    outcome,
    cast(sum(customers) as bigint) as customers,
    cast(sum(customers_with) / sum(customers) as double precision) as rate,
    cast(max(rate_all) as double precision) as rate_all,
    cast(sum(customers_with) / sum(customers) / nullif(max(rate_all), 0) as double precision) as ratio,
    cast(sum(customers_expected) / sum(customers) as double precision) as rate_expected,
    cast(sum(customers_with) / nullif(sum(customers_expected), 0) as double precision) as ratio_expected,
    coalesce(
        sum(customers_with) < 0.8 * sum(customers_expected)
        and sum(customers_expected) - sum(customers_with) > 3 * sqrt(cast(sum(variance) as double precision)),
        false
    ) as is_notable
from totals
group by as_of_date, attribute, case when is_suppressed then 'small groups' else member end, subject, outcome
having sum(customers) >= coalesce(
    (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
);
comment on view bi.parity is 'Do people of one sex, age or region get other tiers and other priced offers than the rest? Rates as of the newest planned date, beside those to be expected had only value class and stage decided. Protected attributes enter no offer; this shows whether something that stands for them does. Groups below the suppression size are put together, and hidden where still too small. Grain: one row per protected attribute, member and outcome.';
comment on column bi.parity.as_of_date is 'day of the plan';
comment on column bi.parity.attribute is 'gender, age_band or region';
comment on column bi.parity.member is 'the group; unknown where the attribute is not known, small groups for all that are too small to show';
comment on column bi.parity.subject is 'tier or offer';
comment on column bi.parity.outcome is 'the service tier, or priced: selected for a promotion with an offer that has a price';
comment on column bi.parity.customers is 'customers in the group';
comment on column bi.parity.rate is 'share of them with the outcome';
comment on column bi.parity.rate_all is 'share of all customers with it';
comment on column bi.parity.ratio is 'rate over rate_all; 1 is parity';
comment on column bi.parity.rate_expected is 'share to be expected from the value classes and stages of the group alone';
comment on column bi.parity.ratio_expected is 'rate over rate_expected: below 1 the group gets the outcome more seldom than others of equal value and stage';
comment on column bi.parity.is_notable is 'less than four fifths of what was to be expected, and more than three standard errors away: look for the attribute that stands for this one';

create view bi.pipeline_run (business_date, dag_id, task_id, dataset, state, attempts, failed_attempts, started_at, ended_at, seconds, rows_written, cost_minor) as
-- bi.pipeline_run: the run ledger by business day and task.
with

rate as (
    select cast(value as double precision) as minor_per_hour
    from bi.setting
    where name = 'compute_minor_per_hour'
),

attempts as (
    select
        business_date,
        dag_id,
        task_id,
        dataset,
        count(*) as attempts,
        count(*) filter (where state in ('failed', 'abandoned')) as failed_attempts,
        cast(sum(extract(epoch from coalesce(ended_at, started_at) - started_at)) as double precision) as seconds,
        max(ledger_id) as newest
    from ops.run_ledger
    group by business_date, dag_id, task_id, dataset
)

select
    attempts.business_date,
    attempts.dag_id,
    attempts.task_id,
    attempts.dataset,
    last.state,
    attempts.attempts,
    attempts.failed_attempts,
    last.started_at,
    last.ended_at,
    attempts.seconds,
    (
        select cast(sum(cast(written.value as numeric)) as bigint)
        from jsonb_each(last.counts) as written
        where jsonb_typeof(written.value) = 'number' and position('.' in written.key) > 0
    ) as rows_written,
    attempts.seconds / 3600 * nullif(rate.minor_per_hour, 0) as cost_minor
from attempts
inner join ops.run_ledger as last on attempts.newest = last.ledger_id
left join rate on true;
comment on view bi.pipeline_run is 'What every task of every business day took and wrote, with the attempts it needed and what it cost (health.compute_hour_cost). Grain: one row per business day, DAG, task and dataset written.';
comment on column bi.pipeline_run.business_date is 'closed business day that the run is for';
comment on column bi.pipeline_run.dag_id is 'DAG that ran it; cli when started from the command line';
comment on column bi.pipeline_run.task_id is 'task of that DAG';
comment on column bi.pipeline_run.dataset is 'what it wrote';
comment on column bi.pipeline_run.state is 'how the newest attempt ended: running, published, no_data, failed, fenced or abandoned';
comment on column bi.pipeline_run.attempts is 'attempts to write';
comment on column bi.pipeline_run.failed_attempts is 'of them failed or died';
comment on column bi.pipeline_run.started_at is 'when the newest attempt began';
comment on column bi.pipeline_run.ended_at is 'when it ended; null while it runs';
comment on column bi.pipeline_run.seconds is 'time that all attempts took together';
comment on column bi.pipeline_run.rows_written is 'rows of the newest attempt, over all its tables';
comment on column bi.pipeline_run.cost_minor is 'what all attempts cost, minor units of the base currency; null where no cost of an hour is set';

create view bi.play_allocation (as_of_date, play, label, label_zh, contenders, chosen, beaten, over_budget, channel_full, do_not_disturb, not_worth_its_cost, measured_share, stated_share, value_minor, cost_minor) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.play_allocation: the published days' allocations by play.
with

names as (
    select distinct on (play)
        play,
        name_en,
        name_zh
    from campaigns.play
    order by play, registered_at desc
),

smallest as (
    select
        coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as customers
)

select
    allocated.as_of_date,
    allocated.play,
    coalesce(names.name_en, allocated.play) as label,
    coalesce(names.name_zh, allocated.play) as label_zh,
    case when allocated.contenders >= smallest.customers then allocated.contenders end as contenders,
    case when allocated.chosen >= smallest.customers then allocated.chosen end as chosen,
    case when allocated.beaten >= smallest.customers then allocated.beaten end as beaten,
    case when allocated.over_budget >= smallest.customers then allocated.over_budget end as over_budget,
    case when allocated.channel_full >= smallest.customers then allocated.channel_full end as channel_full,
    case when allocated.do_not_disturb >= smallest.customers then allocated.do_not_disturb end as do_not_disturb,
    case when allocated.not_worth_its_cost >= smallest.customers then allocated.not_worth_its_cost end as not_worth_its_cost,
    case
        when allocated.contenders >= smallest.customers
            then allocated.measured / cast(allocated.contenders as double precision)
    end as measured_share,
    case
        when allocated.contenders >= smallest.customers
            then allocated.stated / cast(allocated.contenders as double precision)
    end as stated_share,
    case when allocated.chosen >= smallest.customers then allocated.value_minor end as value_minor,
    case when allocated.chosen >= smallest.customers then allocated.cost_minor end as cost_minor
from campaigns.allocation_play as allocated
cross join smallest
left join names on allocated.play = names.play;
comment on view bi.play_allocation is 'What the allocation made of each promotional play''s contenders, by day. Groups below the suppression size are hidden. Grain: one row per promotional play and as_of_date.';
comment on column bi.play_allocation.as_of_date is 'day the decisions are for';
comment on column bi.play_allocation.play is 'the play';
comment on column bi.play_allocation.label is 'name of the play in English';
comment on column bi.play_allocation.label_zh is 'name of the play in Chinese';
comment on column bi.play_allocation.contenders is 'contacts that no rule kept out; null where hidden';
comment on column bi.play_allocation.chosen is 'chosen; null where hidden';
comment on column bi.play_allocation.beaten is 'the customer''s day went to another play; null where hidden';
comment on column bi.play_allocation.over_budget is 'worth it, but the money brings more elsewhere; null where hidden';
comment on column bi.play_allocation.channel_full is 'worth it, but the channel or the play serves others who bring more; null where hidden';
comment on column bi.play_allocation.do_not_disturb is 'expected to do harm; null where hidden';
comment on column bi.play_allocation.not_worth_its_cost is 'expected to bring less than it costs; null where hidden';
comment on column bi.play_allocation.measured_share is 'share of the contenders whose value was measured; null where hidden';
comment on column bi.play_allocation.stated_share is 'share whose value the play states; for the others its priority stands in; null where hidden';
comment on column bi.play_allocation.value_minor is 'expected incremental margin of the chosen before their cost, minor units; null where hidden';
comment on column bi.play_allocation.cost_minor is 'expected cost of the chosen, minor units; null where hidden';

create view bi.play_result (as_of_date, play, label, label_zh, service_tier, outcome, outcome_days, treated_customers, control_customers, treated_mean, control_mean, difference, lower_95, upper_95, lower_any_95, upper_any_95, detectable, verdict) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.play_result: effects as of the newest measurement.
with

newest as (
    select max(cast(slice_key as date)) as as_of_date
    from ops.published
    where table_name = 'bi.play_effect'
),

names as (
    select distinct on (play)
        play,
        name_en,
        name_zh
    from campaigns.play
    order by play, registered_at desc
),

effects as (
    select
        effect.*,
        least(effect.treated_customers, effect.control_customers) >= coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as is_shown
    from newest
    inner join bi.play_effect as effect on newest.as_of_date = effect.as_of_date
)

select
    effects.as_of_date,
    effects.play,
    coalesce(names.name_en, effects.play) as label,
    coalesce(names.name_zh, effects.play) as label_zh,
    effects.service_tier,
    effects.outcome,
    effects.outcome_days,
    case when effects.is_shown then effects.treated_customers end as treated_customers,
    case when effects.is_shown then effects.control_customers end as control_customers,
    case when effects.is_shown then effects.treated_mean end as treated_mean,
    case when effects.is_shown then effects.control_mean end as control_mean,
    case when effects.is_shown then effects.difference end as difference,
    case when effects.is_shown then effects.lower_95 end as lower_95,
    case when effects.is_shown then effects.upper_95 end as upper_95,
    case when effects.is_shown then effects.lower_any_95 end as lower_any_95,
    case when effects.is_shown then effects.upper_any_95 end as upper_any_95,
    case when effects.is_shown then effects.detectable end as detectable,
    effects.verdict
from effects
left join names on effects.play = names.play;
comment on view bi.play_result is 'What each play brought against its control group, as of the newest measurement, with labels. Groups below the suppression size are hidden. Grain: one row per play, tier and outcome.';
comment on column bi.play_result.as_of_date is 'date of the measurement';
comment on column bi.play_result.play is 'the play';
comment on column bi.play_result.label is 'name of the play in English';
comment on column bi.play_result.label_zh is 'name of the play in Chinese';
comment on column bi.play_result.service_tier is 'tier when it began; all for everybody';
comment on column bi.play_result.outcome is 'net_revenue_minor (per customer) or bought (share)';
comment on column bi.play_result.outcome_days is 'days after the delivery that count';
comment on column bi.play_result.treated_customers is 'customers reached; null where hidden';
comment on column bi.play_result.control_customers is 'customers held back; null where hidden';
comment on column bi.play_result.treated_mean is 'mean outcome of the treated; null where hidden';
comment on column bi.play_result.control_mean is 'mean outcome of the control group; null where hidden';
comment on column bi.play_result.difference is 'effect of one delivery, adjusted for what was known before; null where hidden';
comment on column bi.play_result.lower_95 is 'lower end of its 95 % interval for one planned look; null below 30 people in either group';
comment on column bi.play_result.upper_95 is 'upper end of that interval';
comment on column bi.play_result.lower_any_95 is 'lower end of its 95 % interval that may be looked at every day; null below 30 people in either group';
comment on column bi.play_result.upper_any_95 is 'upper end of that interval';
comment on column bi.play_result.detectable is 'smallest true difference that would have been seen in four of five such comparisons';
comment on column bi.play_result.verdict is 'positive, negative, no_effect_seen or too_few';

create view bi.product_association (as_of_date, level, kind, antecedent, consequent, orders_both, orders_antecedent, support, confidence, confidence_lower, lift, mean_days) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.product_association: what goes together, as of the newest published date. Rules of few customers never get as far as here
-- (settings.associations.least_customers); the suppression size is asked all the same.
select
    association.as_of_date,
    association.level,
    association.kind,
    association.antecedent,
    association.consequent,
    association.count_both as orders_both,
    association.count_antecedent as orders_antecedent,
    association.support,
    association.confidence,
    association.confidence_lower,
    association.lift,
    association.mean_days
from scores.association as association
where
    association.as_of_date = (
        select max(cast(published.slice_key as date))
        from ops.published as published
        where published.table_name = 'scores.association'
    )
    and association.count_customers >= coalesce(
        (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
    );
comment on view bi.product_association is 'Products and categories bought together, or one after the other, surely above chance, as of the newest date. For bundles, shelves and recommendations. Grain: one row per level, kind, antecedent and consequent.';
comment on column bi.product_association.as_of_date is 'date the rules hold for';
comment on column bi.product_association.level is 'product or category';
comment on column bi.product_association.kind is 'together (both in one order) or sequence (the consequent comes new with the next order)';
comment on column bi.product_association.antecedent is 'who bought this';
comment on column bi.product_association.consequent is 'bought that too';
comment on column bi.product_association.orders_both is 'orders (steps to the next order) in which it held';
comment on column bi.product_association.orders_antecedent is 'orders (steps) that hold the antecedent';
comment on column bi.product_association.support is 'share of all orders in which it held';
comment on column bi.product_association.confidence is 'share of those with the antecedent in which it held';
comment on column bi.product_association.confidence_lower is 'lower 95 % bound of that share';
comment on column bi.product_association.lift is 'confidence over the consequent''s share without condition: 2 is twice as often as by chance';
comment on column bi.product_association.mean_days is 'mean days to the next order; null for together';

create view bi.product_category (as_of_date, category, service_tier, customers, mean_net_minor_365d, mean_discount_share_365d, mean_returned_share_365d, mean_repeated_product_share_365d) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.product_category: who buys from which category, as of the newest published date: customers whose largest category it is, by
-- tier. Numbers of customers are rounded to multiples of the suppression size; smaller groups are hidden.
with

size as (
    select coalesce(
        (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
    ) as least_customers
),

groups as (
    select
        basket.as_of_date,
        basket.top_category_365d as category,
        tier.service_tier,
        count(*) as customers,
        avg(orders.net_minor_365d) as net_minor_365d,
        avg(orders.discount_share_365d) as discount_share_365d,
        avg(basket.returned_quantity_share_365d) as returned_share_365d,
        avg(basket.repeated_product_share_365d) as repeated_product_share_365d
    from features.customer_basket as basket
    inner join segments.tier as tier on basket.as_of_date = tier.as_of_date and basket.customer_key = tier.customer_key
    inner join features.customer_orders as orders
        on basket.as_of_date = orders.as_of_date and basket.customer_key = orders.customer_key
    where
        basket.as_of_date = (
            select max(cast(published.slice_key as date))
            from ops.published as published
            where published.table_name = 'segments.tier'
        )
        and basket.top_category_365d is not null
    group by basket.as_of_date, basket.top_category_365d, tier.service_tier
)

select
    groups.as_of_date,
    groups.category,
    groups.service_tier,
    cast(round(groups.customers / cast(size.least_customers as numeric)) as bigint) * size.least_customers as customers,
    cast(round(groups.net_minor_365d) as bigint) as mean_net_minor_365d,
    groups.discount_share_365d as mean_discount_share_365d,
    groups.returned_share_365d as mean_returned_share_365d,
    groups.repeated_product_share_365d as mean_repeated_product_share_365d
from groups
cross join size
where groups.customers >= size.least_customers;
comment on view bi.product_category is 'Who buys what: customers by the category they spend most in and by service tier, with how they buy, as of the newest date. Numbers of customers are rounded to multiples of the suppression size and smaller groups are left out. Grain: one row per category and tier.';
comment on column bi.product_category.as_of_date is 'date the figures hold for';
comment on column bi.product_category.category is 'category with the customers'' largest net amount of the last 365 days';
comment on column bi.product_category.service_tier is 'vip, potential, ordinary or marginal';
comment on column bi.product_category.customers is 'customers, rounded to a multiple of the suppression size';
comment on column bi.product_category.mean_net_minor_365d is 'mean net amount of the last 365 days over all categories, minor units of the base currency';
comment on column bi.product_category.mean_discount_share_365d is 'mean share of discounts in what they bought';
comment on column bi.product_category.mean_returned_share_365d is 'mean share of units they brought back';
comment on column bi.product_category.mean_repeated_product_share_365d is 'mean share of products they bought before';

create view bi.product_demand (as_of_date, product_key, product, category_1, customers_due_7d, customers_due_30d, mean_gap_days, stock_on_hand, is_short) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.product_demand: how many customers are about to need which product again, as of the newest published date, against the stock.
-- Customers are rounded to multiples of the suppression size; products with fewer are left out.
with

size as (
    select coalesce(
        (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
    ) as least_customers
),

expected as (
    select
        replenishment.as_of_date,
        replenishment.product_key,
        count(*) filter (where replenishment.days_until_expected <= 7) as due_7d,
        count(*) filter (where replenishment.days_until_expected <= 30) as due_30d,
        avg(replenishment.expected_gap_days) as mean_gap_days
    from scores.replenishment as replenishment
    where
        replenishment.as_of_date = (
            select max(cast(published.slice_key as date))
            from ops.published as published
            where published.table_name = 'scores.replenishment'
        )
    group by replenishment.as_of_date, replenishment.product_key
)

select
    expected.as_of_date,
    expected.product_key,
    coalesce(product.name, product.product_id) as product,
    product.category_1,
    case
        when expected.due_7d >= size.least_customers
            then cast(round(expected.due_7d / cast(size.least_customers as numeric)) as bigint) * size.least_customers
    end as customers_due_7d,
    cast(round(expected.due_30d / cast(size.least_customers as numeric)) as bigint) * size.least_customers as customers_due_30d,
    expected.mean_gap_days,
    cast(product.stock_on_hand as double precision) as stock_on_hand,
    case when expected.due_7d >= size.least_customers then product.stock_on_hand < expected.due_7d end as is_short
from expected
cross join size
left join core.product as product on expected.product_key = product.product_key
where expected.due_30d >= size.least_customers;
comment on view bi.product_demand is 'Products that customers are about to need again, from their own rhythm and the product''s: how many within a week and a month, against the stock. Numbers of customers are rounded to multiples of the suppression size; products that fewer need are left out. Grain: one row per product.';
comment on column bi.product_demand.as_of_date is 'date of the prediction';
comment on column bi.product_demand.product_key is 'the product';
comment on column bi.product_demand.product is 'name of the product, or its number';
comment on column bi.product_demand.category_1 is 'widest category';
comment on column bi.product_demand.customers_due_7d is 'customers expected to need it within 7 days or overdue, rounded; null where few';
comment on column bi.product_demand.customers_due_30d is 'the same within 30 days';
comment on column bi.product_demand.mean_gap_days is 'mean days between two purchases that are expected of them';
comment on column bi.product_demand.stock_on_hand is 'units in stock; null if not known';
comment on column bi.product_demand.is_short is 'fewer units in stock than customers due within 7 days; null where these are few or the stock is not known';

create view bi.product_sales (period, period_start, as_of_date, product_key, product, category_1, category_2, brand, orders, units, gross_minor, discount_minor, net_minor, discount_share, returned_units, returned_share, margin_minor, list_price_minor, stock_on_hand, is_listed) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.product_sales: products by month and, for the last weeks, by day. Of a month that is not over the newest figures.
with

newest as (
    select distinct on (value.period, value.period_start)
        value.period,
        value.period_start,
        value.as_of_date
    from (
        select distinct
            published.as_of_date,
            span.period,
            cast(date_trunc(span.period, published.as_of_date - 1) as date) as period_start
        from (
            select cast(slice_key as date) as as_of_date
            from ops.published
            where table_name = 'bi.product_value'
        ) as published
        cross join (values ('day'), ('month')) as span (period)
    ) as value
    order by value.period, value.period_start, value.as_of_date desc
)

select
    value.period,
    value.period_start,
    value.as_of_date,
    value.product_key,
    coalesce(product.name, product.product_id) as product,
    product.category_1,
    product.category_2,
    product.brand,
    value.orders,
    value.units,
    value.gross_minor,
    value.discount_minor,
    value.net_minor,
    value.discount_minor / nullif(cast(value.gross_minor as double precision), 0) as discount_share,
    value.returned_units,
    value.returned_units / nullif(value.units, 0) as returned_share,
    cast(
        round(cast(value.net_minor as numeric) - cast(value.units as numeric) * product.unit_cost_minor) as bigint
    ) as margin_minor,
    product.list_price_minor,
    cast(product.stock_on_hand as double precision) as stock_on_hand,
    coalesce(product.valid, false) as is_listed
from newest
inner join bi.product_value as value on newest.as_of_date = value.as_of_date and newest.period = value.period
left join core.product as product on value.product_key = product.product_key;
comment on view bi.product_sales is 'What was sold and returned of each product, by month for as long as months are kept, and by day for the last weeks. By the day the order was paid. Sums over all customers: no characteristic of anybody is in it. Grain: one row per period, its start and product.';
comment on column bi.product_sales.period is 'day or month; take one of them, they hold the same orders';
comment on column bi.product_sales.period_start is 'first day counted';
comment on column bi.product_sales.as_of_date is 'date of the newest figures: the day before it is the last one counted';
comment on column bi.product_sales.product_key is 'the product';
comment on column bi.product_sales.product is 'name of the product, or its number where it has no name';
comment on column bi.product_sales.category_1 is 'widest category as listed today';
comment on column bi.product_sales.category_2 is 'second category level';
comment on column bi.product_sales.brand is 'brand';
comment on column bi.product_sales.orders is 'orders that hold it';
comment on column bi.product_sales.units is 'units sold';
comment on column bi.product_sales.gross_minor is 'price before discounts, minor units of the base currency';
comment on column bi.product_sales.discount_minor is 'discounts, minor units';
comment on column bi.product_sales.net_minor is 'gross less discounts, before returns, minor units';
comment on column bi.product_sales.discount_share is 'discounts over gross; null where nothing was sold';
comment on column bi.product_sales.returned_units is 'units that came back in the period, whenever they were sold';
comment on column bi.product_sales.returned_share is 'returned units over units sold in the period; null where nothing was sold';
comment on column bi.product_sales.margin_minor is 'net less today''s unit cost, minor units; null where the cost is not known';
comment on column bi.product_sales.list_price_minor is 'list price today, minor units';
comment on column bi.product_sales.stock_on_hand is 'units in stock today; null if not known';
comment on column bi.product_sales.is_listed is 'false once the source deleted the product';

create view bi.programme (as_of_date, play_window, service_tier, window_start, window_days, treated_customers, control_customers, treated_mean, control_mean, difference, lower_95, upper_95, lower_any_95, upper_any_95, detectable, revenue_minor, margin_minor, spend_minor, net_minor, net_lower_minor, net_upper_minor, return_on_spend, verdict, balance, contaminated_share, sentence_en, sentence_zh) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.programme: what all promotion together brought, as of every measurement, with what the comparison is worth.
with

smallest as (
    select
        coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as customers
),

shown as (
    select
        effect.*,
        least(effect.treated_customers, effect.control_customers) >= smallest.customers as is_shown,
        balance.verdict as balance,
        contamination.contaminated_share
    from bi.programme_effect as effect
    cross join smallest
    left join bi.control_balance as balance
        on effect.as_of_date = balance.as_of_date and balance.play = '*' and effect.service_tier = balance.service_tier
    left join bi.control_contamination as contamination
        on effect.as_of_date = contamination.as_of_date and contamination.play = '*'
),

judged as (
    select
        shown.*,
        case
            when not is_shown or verdict = 'too_few' then 'too_few'
            when balance = 'imbalanced' then 'not_to_be_trusted'
            when verdict = 'negative' then 'harmful'
            when verdict = 'positive' and net_lower_minor > 0 then 'pays'
            when verdict = 'positive' and net_upper_minor < 0 then 'does_not_pay'
            when verdict = 'positive' then 'works'
            else 'no_effect_seen'
        end as judgement
    from shown
)

select
    as_of_date,
    play_window,
    service_tier,
    window_start,
    window_days,
    case when is_shown then treated_customers end as treated_customers,
    case when is_shown then control_customers end as control_customers,
    case when is_shown then treated_mean end as treated_mean,
    case when is_shown then control_mean end as control_mean,
    case when is_shown then difference end as difference,
    case when is_shown then lower_95 end as lower_95,
    case when is_shown then upper_95 end as upper_95,
    case when is_shown then lower_any_95 end as lower_any_95,
    case when is_shown then upper_any_95 end as upper_any_95,
    case when is_shown then detectable end as detectable,
    case when is_shown then revenue_minor end as revenue_minor,
    case when is_shown then margin_minor end as margin_minor,
    case when is_shown then spend_minor end as spend_minor,
    case when is_shown then net_minor end as net_minor,
    case when is_shown then net_lower_minor end as net_lower_minor,
    case when is_shown then net_upper_minor end as net_upper_minor,
    case when is_shown then return_on_spend end as return_on_spend,
    judgement as verdict,
    balance,
    contaminated_share,
    case judgement
        when 'too_few' then 'Too few people in the universal control group yet to say what promotion brings.'
        when 'not_to_be_trusted' then 'Not to be trusted: the universal control group is not as large as chance would make it.'
        when 'harmful' then 'All promotion together lowers revenue: customers who get none spend more.'
        when 'pays' then 'Promotion brings more margin than its touches cost.'
        when 'does_not_pay' then 'Promotion raises revenue, but by less margin than its touches cost.'
        when 'works' then 'Promotion raises revenue; whether it pays for its touches is not certain yet.'
        else 'No effect of promotion has been seen; one as large as "detectable" would have been.'
    end as sentence_en,
    case judgement
        when 'too_few' then '全局对照组人数尚少，暂无法判断营销整体效果。'
        when 'not_to_be_trusted' then '结果不可信：全局对照组人数偏差无法用随机解释。'
        when 'harmful' then '全部营销合计降低了收入：不接受营销的客户消费更多。'
        when 'pays' then '营销带来的毛利高于触达成本。'
        when 'does_not_pay' then '营销提升了收入，但带来的毛利低于触达成本。'
        when 'works' then '营销提升了收入，能否覆盖触达成本尚不确定。'
        else '未观察到营销效果；若效果达到“可检出”水平，应已被观察到。'
    end as sentence_zh
from judged;
comment on view bi.programme is 'What all promotion together brought against the universal control group, net of what was spent, as of every measurement, with whether the comparison can be trusted. Groups below the suppression size are hidden. Grain: one row per window and tier per as_of_date.';
comment on column bi.programme.as_of_date is 'date of the measurement';
comment on column bi.programme.play_window is 'year, quarter (both to date) or last_90_days';
comment on column bi.programme.service_tier is 'service tier at the beginning of the year''s comparison; all for everybody';
comment on column bi.programme.window_start is 'first day counted';
comment on column bi.programme.window_days is 'days counted';
comment on column bi.programme.treated_customers is 'customers who may get promotions; null where hidden';
comment on column bi.programme.control_customers is 'customers of the universal control group; null where hidden';
comment on column bi.programme.treated_mean is 'mean net revenue of the treated, minor units; null where hidden';
comment on column bi.programme.control_mean is 'mean net revenue of the control group, minor units; null where hidden';
comment on column bi.programme.difference is 'effect per customer, adjusted for what was known before, minor units; null where hidden';
comment on column bi.programme.lower_95 is 'lower end of its 95 % interval for one planned look';
comment on column bi.programme.upper_95 is 'upper end of that interval';
comment on column bi.programme.lower_any_95 is 'lower end of its 95 % interval that may be looked at every day';
comment on column bi.programme.upper_any_95 is 'upper end of that interval';
comment on column bi.programme.detectable is 'smallest true difference that would have been seen in four of five such comparisons';
comment on column bi.programme.revenue_minor is 'revenue that would not have come without promotion, minor units';
comment on column bi.programme.margin_minor is 'its margin, minor units';
comment on column bi.programme.spend_minor is 'expected cost of touches and offers handed out in the window, minor units';
comment on column bi.programme.net_minor is 'margin less the cost of the touches (offers are off the revenue already), minor units';
comment on column bi.programme.net_lower_minor is 'lower end of net_minor, valid at daily looks';
comment on column bi.programme.net_upper_minor is 'upper end of net_minor, valid at daily looks';
comment on column bi.programme.return_on_spend is 'margin before spend over spend; 1 pays for itself';
comment on column bi.programme.verdict is 'pays, works, no_effect_seen, does_not_pay, harmful, too_few or not_to_be_trusted';
comment on column bi.programme.balance is 'whether the groups are as large as the draw makes them: balanced, imbalanced or too_few (bi.control_health)';
comment on column bi.programme.contaminated_share is 'share of the control group who were contacted all the same';
comment on column bi.programme.sentence_en is 'the verdict in plain words, in English';
comment on column bi.programme.sentence_zh is 'the verdict in plain words, in Chinese';

create view bi.sales_customer (customer_key, as_of_date, account_owner, customer_kind, service_tier, service_tier_zh, tier_since, is_at_risk, at_risk_since, lifecycle_stage, lifecycle_stage_zh, value_class, membership_level, amount_to_next_level_minor, count_orders_365d, net_minor_365d, recency_days, overdue_ratio, churn_probability, clv_12m_minor, value_at_risk_minor, next_order_date, count_complaints_open, latest_nps, risk_reasons_en, risk_reasons_zh, warnings_en, warnings_zh, next_best_products, count_tasks) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.sales_customer: what an account manager needs to know of a customer before picking up the telephone. Reasons, warnings and the
-- next best product are looked up per row, when a query names them: for the customers of one manager that costs nothing.
select
    tier.customer_key,
    tier.as_of_date,
    customer.account_owner,
    customer.customer_kind,
    tier.service_tier,
    tier.service_tier_zh,
    tier.tier_since,
    tier.is_at_risk,
    tier.at_risk_since,
    lifecycle.lifecycle_stage,
    lifecycle.lifecycle_stage_zh,
    matrix.value_class,
    membership.membership_level,
    membership.amount_to_next_level_minor,
    coalesce(orders.count_orders_365d, 0) as count_orders_365d,
    coalesce(orders.net_minor_365d, 0) as net_minor_365d,
    orders.recency_days,
    orders.overdue_ratio,
    churn.churn_probability,
    clv.clv_12m_minor,
    cast(round(cast(churn.churn_probability * clv.clv_12m_minor as numeric)) as bigint) as value_at_risk_minor,
    repurchase.next_order_date,
    coalesce(service.count_complaints_open, 0) as count_complaints_open,
    engagement.latest_nps,
    (
        select string_agg(reason.sentence_en, '; ' order by reason.rank)
        from scores.reason as reason
        where
            reason.as_of_date = tier.as_of_date
            and reason.customer_key = tier.customer_key
            and reason.score = 'churn'
            and reason.is_raising
            and reason.rank <= 5
    ) as risk_reasons_en,
    (
        select string_agg(reason.sentence_zh, '；' order by reason.rank)
        from scores.reason as reason
        where
            reason.as_of_date = tier.as_of_date
            and reason.customer_key = tier.customer_key
            and reason.score = 'churn'
            and reason.is_raising
            and reason.rank <= 5
    ) as risk_reasons_zh,
    (
        select string_agg(warning.sentence_en, '; ' order by warning.warning)
        from scores.warning as warning
        where warning.as_of_date = tier.as_of_date and warning.customer_key = tier.customer_key
    ) as warnings_en,
    (
        select string_agg(warning.sentence_zh, '；' order by warning.warning)
        from scores.warning as warning
        where warning.as_of_date = tier.as_of_date and warning.customer_key = tier.customer_key
    ) as warnings_zh,
    (
        select string_agg(best.item, ', ' order by best.rank)
        from scores.next_best as best
        where
            best.as_of_date = tier.as_of_date
            and best.customer_key = tier.customer_key
            and best.level = 'product'
            and best.list = 'next'
            and best.rank <= 3
    ) as next_best_products,
    (
        select count(*)
        from campaigns.staff_task as task
        where
            task.as_of_date = (
                select max(cast(published.slice_key as date))
                from ops.published as published
                where published.table_name = 'campaigns.staff_task'
            )
            and task.customer_key = tier.customer_key
    ) as count_tasks
from segments.tier as tier
inner join core.customer as customer
    on tier.customer_key = customer.customer_key and customer.valid_to is null and not customer.is_test and not customer.is_staff
left join segments.lifecycle as lifecycle
    on tier.as_of_date = lifecycle.as_of_date and tier.customer_key = lifecycle.customer_key
left join segments.value_matrix as matrix
    on tier.as_of_date = matrix.as_of_date and tier.customer_key = matrix.customer_key
left join segments.membership as membership
    on tier.as_of_date = membership.as_of_date and tier.customer_key = membership.customer_key
left join features.customer_orders as orders
    on tier.as_of_date = orders.as_of_date and tier.customer_key = orders.customer_key
left join features.customer_service as service
    on tier.as_of_date = service.as_of_date and tier.customer_key = service.customer_key
left join features.customer_engagement as engagement
    on tier.as_of_date = engagement.as_of_date and tier.customer_key = engagement.customer_key
left join scores.churn as churn on tier.as_of_date = churn.as_of_date and tier.customer_key = churn.customer_key
left join scores.clv as clv on tier.as_of_date = clv.as_of_date and tier.customer_key = clv.customer_key
left join scores.repurchase as repurchase
    on tier.as_of_date = repurchase.as_of_date and tier.customer_key = repurchase.customer_key
where
    tier.as_of_date = (
        select max(cast(published.slice_key as date))
        from ops.published as published
        where published.table_name = 'segments.tier'
    )
    and (customer.account_owner is not null or tier.service_tier in ('vip', 'potential'));
comment on view bi.sales_customer is 'For account managers: customers with an account owner, VIP and potential customers, as of the newest date, with tier, value, risk and its reasons, warning signs and what to offer next. By pseudonym; whom to call, and whether, is in marketing.task_list. Filter by account_owner or customer_key: sentences are looked up row by row. Grain: one row per customer.';
comment on column bi.sales_customer.customer_key is 'pseudonym of the customer';
comment on column bi.sales_customer.as_of_date is 'date the row holds for';
comment on column bi.sales_customer.account_owner is 'member of staff who looks after the customer; null if nobody does';
comment on column bi.sales_customer.customer_kind is 'company or consumer';
comment on column bi.sales_customer.service_tier is 'vip, potential, ordinary or marginal';
comment on column bi.sales_customer.service_tier_zh is 'the tier in Chinese';
comment on column bi.sales_customer.tier_since is 'day from which it holds';
comment on column bi.sales_customer.is_at_risk is 'about to be lost';
comment on column bi.sales_customer.at_risk_since is 'day from which the customer is marked so; null if not';
comment on column bi.sales_customer.lifecycle_stage is 'prospect, new, lapsed_new, repeat, loyal, at_risk, lost or won_back';
comment on column bi.sales_customer.lifecycle_stage_zh is 'the stage in Chinese';
comment on column bi.sales_customer.value_class is 'strategic, growth, base or marginal';
comment on column bi.sales_customer.membership_level is 'membership level held';
comment on column bi.sales_customer.amount_to_next_level_minor is 'net spend missing to the next level, minor units of the base currency; null at the highest';
comment on column bi.sales_customer.count_orders_365d is 'paid orders of the last 365 days';
comment on column bi.sales_customer.net_minor_365d is 'net amount of the last 365 days, minor units';
comment on column bi.sales_customer.recency_days is 'days since the last order; null for prospects';
comment on column bi.sales_customer.overdue_ratio is 'days since the last order over the customer''s own rhythm; above 1 is late';
comment on column bi.sales_customer.churn_probability is 'probability of no order within the churn horizon; null for prospects';
comment on column bi.sales_customer.clv_12m_minor is 'predicted net value of the coming twelve months, minor units; null for prospects';
comment on column bi.sales_customer.value_at_risk_minor is 'the one times the other: what may be lost, minor units';
comment on column bi.sales_customer.next_order_date is 'day by which the next order may be expected; null without a prediction';
comment on column bi.sales_customer.count_complaints_open is 'complaints not solved yet: solve them before selling';
comment on column bi.sales_customer.latest_nps is 'latest answer to the recommendation question, 0 to 10; null if none';
comment on column bi.sales_customer.risk_reasons_en is 'what raises the risk, in English; null where no reasons were computed';
comment on column bi.sales_customer.risk_reasons_zh is 'the same in Chinese';
comment on column bi.sales_customer.warnings_en is 'warning signs with their evidence, in English; null without any';
comment on column bi.sales_customer.warnings_zh is 'the same in Chinese';
comment on column bi.sales_customer.next_best_products is 'up to three products to offer next, the best first; null without any';
comment on column bi.sales_customer.count_tasks is 'tasks for staff planned for the customer on the newest planned date';

create view bi.sales_portfolio (as_of_date, account_owner, customers, vip_customers, at_risk_customers, net_minor_365d, clv_12m_minor, value_at_risk_minor, customers_with_open_complaint, count_tasks) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.sales_portfolio: account owners and what they look after.
with

tasks as (
    select
        task.customer_key,
        count(*) as count_tasks
    from campaigns.staff_task as task
    where task.as_of_date = (
        select max(cast(published.slice_key as date))
        from ops.published as published
        where published.table_name = 'campaigns.staff_task'
    )
    group by task.customer_key
)

select
    tier.as_of_date,
    customer.account_owner,
    count(*) as customers,
    count(*) filter (where tier.service_tier = 'vip') as vip_customers,
    count(*) filter (where tier.is_at_risk) as at_risk_customers,
    cast(coalesce(sum(orders.net_minor_365d), 0) as bigint) as net_minor_365d,
    cast(coalesce(sum(clv.clv_12m_minor), 0) as bigint) as clv_12m_minor,
    cast(
        coalesce(round(cast(sum(churn.churn_probability * clv.clv_12m_minor) as numeric)), 0) as bigint
    ) as value_at_risk_minor,
    count(*) filter (where service.count_complaints_open > 0) as customers_with_open_complaint,
    cast(coalesce(sum(tasks.count_tasks), 0) as bigint) as count_tasks
from core.customer as customer
inner join segments.tier as tier
    on
        customer.customer_key = tier.customer_key
        and tier.as_of_date = (
            select max(cast(published.slice_key as date))
            from ops.published as published
            where published.table_name = 'segments.tier'
        )
left join features.customer_orders as orders
    on tier.as_of_date = orders.as_of_date and tier.customer_key = orders.customer_key
left join features.customer_service as service
    on tier.as_of_date = service.as_of_date and tier.customer_key = service.customer_key
left join scores.churn as churn on tier.as_of_date = churn.as_of_date and tier.customer_key = churn.customer_key
left join scores.clv as clv on tier.as_of_date = clv.as_of_date and tier.customer_key = clv.customer_key
left join tasks on tier.customer_key = tasks.customer_key
where customer.valid_to is null and not customer.is_test and not customer.is_staff and customer.account_owner is not null
group by tier.as_of_date, customer.account_owner;
comment on view bi.sales_portfolio is 'What each account owner looks after, as of the newest date - customers, value, what of it is at risk, and the work planned. Grain: one row per account owner.';
comment on column bi.sales_portfolio.as_of_date is 'date the figures hold for';
comment on column bi.sales_portfolio.account_owner is 'member of staff';
comment on column bi.sales_portfolio.customers is 'customers looked after';
comment on column bi.sales_portfolio.vip_customers is 'of them VIP';
comment on column bi.sales_portfolio.at_risk_customers is 'of them about to be lost';
comment on column bi.sales_portfolio.net_minor_365d is 'their net amount of the last 365 days, minor units of the base currency';
comment on column bi.sales_portfolio.clv_12m_minor is 'their predicted net value of the coming twelve months, minor units';
comment on column bi.sales_portfolio.value_at_risk_minor is 'churn probability times that value, summed, minor units';
comment on column bi.sales_portfolio.customers_with_open_complaint is 'of them with a complaint not solved yet';
comment on column bi.sales_portfolio.count_tasks is 'tasks for staff planned for them on the newest planned date';

create view bi.sales_task (as_of_date, account_owner, play, title_en, title_zh, customer_key, service_tier, is_at_risk, priority, due_until, opening_minor, midpoint_minor, ceiling_minor) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.sales_task: staff tasks of the newest planned date, for whoever shares out the work. Talking points stay with the task itself.
select
    task.as_of_date,
    task.account_owner,
    task.play,
    task.title_en,
    task.title_zh,
    task.customer_key,
    task.service_tier,
    task.is_at_risk,
    task.priority,
    task.due_until,
    task.opening_minor,
    task.midpoint_minor,
    task.ceiling_minor
from campaigns.staff_task as task
where task.as_of_date = (
    select max(cast(published.slice_key as date))
    from ops.published as published
    where published.table_name = 'campaigns.staff_task'
);
comment on view bi.sales_task is 'Calls and visits planned for staff on the newest planned date, by account owner: for sharing out the work. Who may be called at this moment, and what to say, is in marketing.task_list, which asks for consent when it is read. Grain: one row per staff play and customer.';
comment on column bi.sales_task.as_of_date is 'day the task is for';
comment on column bi.sales_task.account_owner is 'who looks after the customer; null: the team';
comment on column bi.sales_task.play is 'the staff play';
comment on column bi.sales_task.title_en is 'what to do, in English';
comment on column bi.sales_task.title_zh is 'what to do, in Chinese';
comment on column bi.sales_task.customer_key is 'pseudonym of the customer';
comment on column bi.sales_task.service_tier is 'service tier of the customer';
comment on column bi.sales_task.is_at_risk is 'the customer is about to be lost: first within one priority';
comment on column bi.sales_task.priority is 'priority of the play';
comment on column bi.sales_task.due_until is 'to be done before';
comment on column bi.sales_task.opening_minor is 'offer to open with, minor units of the base currency; null without a negotiation';
comment on column bi.sales_task.midpoint_minor is 'half way between opening and ceiling';
comment on column bi.sales_task.ceiling_minor is 'most that may be granted';

create view bi.score_history (model, scored_as_of, matured_on, bucket, is_fallback, customers, predicted_mean, realised_mean) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.score_history: predictions that have come due against what happened, date by date.
with

shown as (
    select
        buckets.*,
        buckets.customers >= coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as is_shown
    from bi.score_bucket as buckets
)

select
    model,
    scored_as_of,
    matured_on,
    bucket,
    is_fallback,
    case when is_shown then customers end as customers,
    case when is_shown then predicted_mean end as predicted_mean,
    case when is_shown then realised_mean end as realised_mean
from shown;
comment on view bi.score_history is 'Reliability of the scores over time: every scored date whose horizon has passed, by bucket of the prediction. Buckets below the suppression size are hidden. Grain: one row per model, scored date and bucket.';
comment on column bi.score_history.model is 'churn, clv, repurchase_30d, repurchase_90d or renewal (where there are contracts)';
comment on column bi.score_history.scored_as_of is 'date of the scores';
comment on column bi.score_history.matured_on is 'first date on which the whole horizon had passed';
comment on column bi.score_history.bucket is 'probabilities: tenth of the scale, 0 (below 0.1) to 9; clv: quintile of the prediction, 0 to 4';
comment on column bi.score_history.is_fallback is 'true where a rule of thumb scored';
comment on column bi.score_history.customers is 'customers in the bucket; null where hidden';
comment on column bi.score_history.predicted_mean is 'mean prediction: probability, or minor units; null where hidden';
comment on column bi.score_history.realised_mean is 'what happened: share without a paid order, or net minor units; null where hidden';

create view bi.score_quality (as_of_date, model, state, scored_as_of, matures_on, bucket, customers, predicted_mean, realised_mean) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.score_quality: reliability of the scores as of the newest measurement.
with

newest as (
    select max(cast(slice_key as date)) as as_of_date
    from ops.published
    where table_name = 'bi.score_reliability'
),

buckets as (
    select
        reliability.*,
        reliability.customers >= coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as is_shown
    from newest
    inner join bi.score_reliability as reliability on newest.as_of_date = reliability.as_of_date
)

select
    as_of_date,
    model,
    state,
    scored_as_of,
    matures_on,
    bucket,
    case when is_shown then customers end as customers,
    case when is_shown then predicted_mean end as predicted_mean,
    case when is_shown then realised_mean end as realised_mean
from buckets;
comment on view bi.score_quality is 'Predictions against what happened, as of the newest measurement. Buckets below the suppression size are hidden. Grain: one row per model and bucket.';
comment on column bi.score_quality.as_of_date is 'date of the measurement';
comment on column bi.score_quality.model is 'churn, clv, repurchase_30d, repurchase_90d or renewal (where there are contracts)';
comment on column bi.score_quality.state is 'matured, or waiting for the horizon to pass';
comment on column bi.score_quality.scored_as_of is 'date of the scores compared, or of the oldest that wait';
comment on column bi.score_quality.matures_on is 'first date on which they can be compared';
comment on column bi.score_quality.bucket is 'probabilities: tenth of the scale from 0; clv: quintile from 0';
comment on column bi.score_quality.customers is 'customers in the bucket; null where hidden';
comment on column bi.score_quality.predicted_mean is 'mean prediction; null where hidden';
comment on column bi.score_quality.realised_mean is 'what happened; null where hidden or not known yet';

create view bi.score_segment (model, scored_as_of, is_newest, dimension, member, customers, predicted_mean, realised_mean, gap) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.score_segment: reliability of the scores by group of customers, small groups hidden.
with

shown as (
    select
        value.*,
        value.customers >= coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as is_shown,
        value.scored_as_of = max(value.scored_as_of) over (partition by value.model) as is_newest
    from bi.score_segment_value as value
)

select
    model,
    scored_as_of,
    is_newest,
    dimension,
    member,
    case when is_shown then customers end as customers,
    case when is_shown then predicted_mean end as predicted_mean,
    case when is_shown then realised_mean end as realised_mean,
    case when is_shown then predicted_mean - realised_mean end as gap
from shown;
comment on view bi.score_segment is 'What was predicted beside what happened, by tier, lifecycle stage and RFM segment held when it was predicted. Groups below the suppression size are hidden. Grain: one row per model, scored date, dimension and member.';
comment on column bi.score_segment.model is 'churn, clv, repurchase_30d, repurchase_90d or renewal';
comment on column bi.score_segment.scored_as_of is 'date of the scores';
comment on column bi.score_segment.is_newest is 'whether it is the newest date of the model that can be compared';
comment on column bi.score_segment.dimension is 'tier, stage or segment';
comment on column bi.score_segment.member is 'which of them';
comment on column bi.score_segment.customers is 'customers in the group; null where hidden';
comment on column bi.score_segment.predicted_mean is 'mean prediction: probability, or minor units; null where hidden';
comment on column bi.score_segment.realised_mean is 'what happened: share, or net minor units; null where hidden';
comment on column bi.score_segment.gap is 'predicted less realised; null where hidden';

create view bi.segment_label (dimension, member, position, label_en, label_zh) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.segment_label: what groups are called, for BI tools to join on dimension and member.
select
    case label_group when 'service_tier' then 'tier' when 'lifecycle_stage' then 'stage' else label_group end as dimension,
    label as member,
    label_order as position,
    label_en,
    label_zh
from segments.label
where label_group in ('service_tier', 'lifecycle_stage', 'value_class', 'rfm_class', 'rfm_segment')
union all
select
    dimension,
    member,
    position,
    label_en,
    label_zh
from bi.segment_name;
comment on view bi.segment_label is 'Names of tiers, stages, classes, segments, membership levels and personas in English and Chinese, with their order. Join on dimension and member. Grain: one row per dimension and member.';
comment on column bi.segment_label.dimension is 'tier, stage, value_class, rfm_class, rfm_segment, membership_level, persona or all';
comment on column bi.segment_label.member is 'the group as the other views call it';
comment on column bi.segment_label.position is 'place within the dimension, 1 the lowest; null where there is no order';
comment on column bi.segment_label.label_en is 'name for people, English';
comment on column bi.segment_label.label_zh is 'name for people, Chinese';

create view bi.segment_stability (as_of_date, dimension, since_date, days, customers, movers, undamped_movers, flap_days, flappers, flap_rate) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.segment_stability: how steady the groups are, by date and dimension. Small numbers of people are hidden.
with

size as (
    select coalesce(
        (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
    ) as least_customers
)

select
    stability.as_of_date,
    stability.dimension,
    stability.since_date,
    stability.as_of_date - stability.since_date as days,
    case when stability.customers >= size.least_customers then stability.customers end as customers,
    case when stability.movers = 0 or stability.movers >= size.least_customers then stability.movers end as movers,
    case
        when stability.undamped_movers = 0 or stability.undamped_movers >= size.least_customers then stability.undamped_movers
    end as undamped_movers,
    stability.flap_days,
    case when stability.flappers = 0 or stability.flappers >= size.least_customers then stability.flappers end as flappers,
    case when stability.flappers = 0 or stability.flappers >= size.least_customers then stability.flap_rate end as flap_rate
from segments.stability as stability
cross join size;
comment on view bi.segment_stability is 'How steady tiers, stages, classes, segments and levels are from run to run; the flap rate says how many left a group and were soon back. Grain: one row per as-of date and dimension.';
comment on column bi.segment_stability.as_of_date is 'date D';
comment on column bi.segment_stability.dimension is 'tier, stage, value_class, rfm_segment or membership_level';
comment on column bi.segment_stability.since_date is 'date of the slice before';
comment on column bi.segment_stability.days is 'days between the two';
comment on column bi.segment_stability.customers is 'customers in both slices; null where hidden';
comment on column bi.segment_stability.movers is 'of these, customers in another group than then; null where hidden';
comment on column bi.segment_stability.undamped_movers is 'tier only: customers who would have moved without damping; null where hidden';
comment on column bi.segment_stability.flap_days is 'days within which being back counts as flapping';
comment on column bi.segment_stability.flappers is 'tier and stage: customers who left a group and were back within these days; null where hidden';
comment on column bi.segment_stability.flap_rate is 'flappers over customers; null where hidden';

create view bi.segment_tag (as_of_date, kind, tag, label_en, label_zh, customers) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.segment_tag: customers per tag as of the newest published date. Tags that few have are left out altogether: what staff
-- write into a tag, and a rare city or occupation, may tell who it is.
with

size as (
    select coalesce(
        (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
    ) as least_customers
),

rules as (
    select distinct
        tag,
        label_en,
        label_zh
    from segments.tag_rule
),

crm_rules as (
    select distinct
        crm_tag,
        label_en,
        label_zh
    from segments.crm_tag_rule
),

counted as (
    select
        tag.as_of_date,
        one.kind,
        one.code,
        count(*) as customers
    from segments.tag as tag
    cross join lateral (
        select
            'behavioural' as kind,
            unnest(tag.tags) as code
        union all
        select
            'demographic' as kind,
            unnest(tag.demographic_tags) as code
        union all
        select
            'geographic' as kind,
            unnest(tag.geographic_tags) as code
        union all
        select
            'crm' as kind,
            unnest(tag.crm_tags) as code
    ) as one
    where tag.as_of_date = (
        select max(cast(published.slice_key as date))
        from ops.published as published
        where published.table_name = 'segments.tag'
    )
    group by tag.as_of_date, one.kind, one.code
)

select
    counted.as_of_date,
    counted.kind,
    counted.code as tag,
    coalesce(
        replace(rules.label_en, '{value}', substr(counted.code, length(rules.tag) + 2)), crm_rules.label_en, counted.code
    ) as label_en,
    coalesce(
        replace(rules.label_zh, '{value}', substr(counted.code, length(rules.tag) + 2)), crm_rules.label_zh, counted.code
    ) as label_zh,
    counted.customers
from counted
inner join size on counted.customers >= size.least_customers
left join rules on counted.kind <> 'crm' and split_part(counted.code, ':', 1) = rules.tag
left join crm_rules on counted.kind = 'crm' and counted.code = crm_rules.crm_tag;
comment on view bi.segment_tag is 'How many customers have each tag as of the newest date. Tags that fewer customers have than the suppression size are left out, text and all. Grain: one row per kind and tag.';
comment on column bi.segment_tag.as_of_date is 'date the counts hold for';
comment on column bi.segment_tag.kind is 'behavioural, demographic, geographic or crm';
comment on column bi.segment_tag.tag is 'code of the tag, with its value after a colon where it has one; for crm the tag as the CRM has it, in lower case';
comment on column bi.segment_tag.label_en is 'name for people, English';
comment on column bi.segment_tag.label_zh is 'name for people, Chinese';
comment on column bi.segment_tag.customers is 'customers who have it';

create view bi.service_complaint (complaint_key, customer_key, service_tier, service_tier_zh, is_at_risk, channel, category, topic, sentiment, severity, team, opened_at, acknowledged_at, first_replied_at, resolved_at, acknowledge_due_at, reply_due_at, acknowledge_clock, reply_clock, hours_to_resolve, compensation_minor, satisfaction, root_cause) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.service_complaint: cases with their clocks, as they are now, so that whoever answers sees what is burning. Text is left out;
-- topic and sentiment of it are in. A cause that was written once only may be a sentence about somebody: 'other'.
with

cases as (
    select
        complaint.complaint_key,
        complaint.customer_key,
        complaint.channel,
        complaint.category,
        coalesce(complaint.severity, 'unknown') as severity,
        coalesce(complaint.responsible_team, 'unassigned') as team,
        complaint.opened_at,
        complaint.acknowledged_at,
        complaint.first_replied_at,
        complaint.resolved_at,
        complaint.compensation_minor,
        complaint.satisfaction,
        complaint.root_cause,
        complaint.opened_at + make_interval(secs => 3600 * coalesce(
            (select cast(setting.value as double precision) from bi.setting as setting where setting.name = 'acknowledge_hours'), 1
        )) as acknowledge_due_at,
        complaint.opened_at + make_interval(secs => 3600 * coalesce(
            (select cast(setting.value as double precision) from bi.setting as setting where setting.name = 'first_reply_hours'), 24
        )) as reply_due_at
    from core.complaint as complaint
    where
        complaint.valid_to is null
        and complaint.deleted_at is null
        and (complaint.resolved_at is null or complaint.opened_at >= current_date - 365)
),

causes as (
    select complaint.root_cause
    from core.complaint as complaint
    where complaint.valid_to is null and complaint.opened_at >= current_date - 365
    group by complaint.root_cause
    having count(*) > 1
)

select
    cases.complaint_key,
    cases.customer_key,
    tier.service_tier,
    tier.service_tier_zh,
    coalesce(tier.is_at_risk, false) as is_at_risk,
    cases.channel,
    cases.category,
    label.topic,
    label.sentiment,
    cases.severity,
    cases.team,
    cases.opened_at,
    cases.acknowledged_at,
    cases.first_replied_at,
    cases.resolved_at,
    cases.acknowledge_due_at,
    cases.reply_due_at,
    case
        when cases.acknowledged_at <= cases.acknowledge_due_at then 'in_time'
        when cases.acknowledged_at is not null then 'late'
        when cases.resolved_at is not null then 'never'
        when current_timestamp > cases.acknowledge_due_at then 'overdue'
        else 'waiting'
    end as acknowledge_clock,
    case
        when cases.first_replied_at <= cases.reply_due_at then 'in_time'
        when cases.first_replied_at is not null then 'late'
        when cases.resolved_at is not null then 'never'
        when current_timestamp > cases.reply_due_at then 'overdue'
        else 'waiting'
    end as reply_clock,
    extract(epoch from cases.resolved_at - cases.opened_at) / 3600.0 as hours_to_resolve,
    cases.compensation_minor,
    cases.satisfaction,
    case when cases.root_cause is null then null when causes.root_cause is null then 'other' else cases.root_cause end as root_cause
from cases
left join causes on cases.root_cause = causes.root_cause
left join segments.tier as tier
    on
        tier.as_of_date = (
            select max(cast(published.slice_key as date))
            from ops.published as published
            where published.table_name = 'segments.tier'
        )
        and cases.customer_key = tier.customer_key
left join scores.text_label as label
    on
        label.as_of_date = (
            select max(cast(published.slice_key as date))
            from ops.published as published
            where published.table_name = 'scores.text_label'
        )
        and label.text_kind = 'complaint'
        and cases.complaint_key = label.text_key;
comment on view bi.service_complaint is 'Complaints of the last 365 days and all that are open, one row per case, with the state of both clocks at this moment, the tier of the customer, topic and sentiment of the text. By pseudonym and without the text itself. Grain: one row per complaint.';
comment on column bi.service_complaint.complaint_key is 'the case';
comment on column bi.service_complaint.customer_key is 'pseudonym of the customer';
comment on column bi.service_complaint.service_tier is 'service tier of the customer as of the newest date; null if not known yet';
comment on column bi.service_complaint.service_tier_zh is 'the tier in Chinese';
comment on column bi.service_complaint.is_at_risk is 'the customer is about to be lost';
comment on column bi.service_complaint.channel is 'how it came in';
comment on column bi.service_complaint.category is 'what it is about, as the service desk says';
comment on column bi.service_complaint.topic is 'what the text is about, as read by the pipeline; null where it was not read';
comment on column bi.service_complaint.sentiment is 'how the text sounds: negative, neutral or positive; null where it was not read';
comment on column bi.service_complaint.severity is 'minor, medium or severe; ''unknown'' if not given';
comment on column bi.service_complaint.team is 'team that owns the case; ''unassigned'' if none is named';
comment on column bi.service_complaint.opened_at is 'when it was opened';
comment on column bi.service_complaint.acknowledged_at is 'when the customer was told it had arrived; null if not yet';
comment on column bi.service_complaint.first_replied_at is 'when the first answer with substance went out; null if not yet';
comment on column bi.service_complaint.resolved_at is 'when it was closed as solved; null if not yet';
comment on column bi.service_complaint.acknowledge_due_at is 'by when it had to be acknowledged';
comment on column bi.service_complaint.reply_due_at is 'by when it had to be answered';
comment on column bi.service_complaint.acknowledge_clock is 'in_time, late, never (solved without), overdue (still waiting, too long) or waiting, at this moment';
comment on column bi.service_complaint.reply_clock is 'the same for the first answer';
comment on column bi.service_complaint.hours_to_resolve is 'hours from opening to solution; null while open';
comment on column bi.service_complaint.compensation_minor is 'compensation offered, minor units of the base currency; null if none';
comment on column bi.service_complaint.satisfaction is 'satisfaction with the handling, 1 to 5; null without an answer';
comment on column bi.service_complaint.root_cause is 'cause found; ''other'' for causes written once only, null where none was found yet';

create view bi.service_detractor (answer_key, customer_key, answered_at, score, service_tier, service_tier_zh, is_at_risk, topic, count_complaints_open, followed_up_at) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.service_detractor: who would not recommend us, and whether somebody has taken care.
select
    answer.answer_key,
    answer.customer_key,
    answer.happened_at as answered_at,
    cast(answer.score as integer) as score,
    tier.service_tier,
    tier.service_tier_zh,
    coalesce(tier.is_at_risk, false) as is_at_risk,
    label.topic,
    coalesce(service.count_complaints_open, 0) as count_complaints_open,
    (
        select min(delivery.delivered_at)
        from campaigns.delivery as delivery
        where
            delivery.customer_key = answer.customer_key
            and delivery.play = 'detractor_follow_up'
            and delivery.delivered_at >= answer.happened_at
            and delivery.removed_on is null
    ) as followed_up_at
from core.survey_answer as answer
inner join core.customer as customer
    on answer.customer_key = customer.customer_key and customer.valid_to is null and not customer.is_test
left join segments.tier as tier
    on
        tier.as_of_date = (
            select max(cast(published.slice_key as date))
            from ops.published as published
            where published.table_name = 'segments.tier'
        )
        and answer.customer_key = tier.customer_key
left join features.customer_service as service
    on tier.as_of_date = service.as_of_date and tier.customer_key = service.customer_key
left join scores.text_label as label
    on
        label.as_of_date = (
            select max(cast(published.slice_key as date))
            from ops.published as published
            where published.table_name = 'scores.text_label'
        )
        and label.text_kind = 'survey_comment'
        and answer.answer_key = label.text_key
where
    answer.instrument = 'nps'
    and answer.score <= 6
    and answer.deleted_at is null
    and answer.happened_at >= current_date - 30;
comment on view bi.service_detractor is 'Answers of 0 to 6 to the recommendation question in the last 30 days, with what is known of the customer and whether a follow-up was handed out since. By pseudonym, without the comment. Grain: one row per answer.';
comment on column bi.service_detractor.answer_key is 'the answer';
comment on column bi.service_detractor.customer_key is 'pseudonym of the customer';
comment on column bi.service_detractor.answered_at is 'when it was given';
comment on column bi.service_detractor.score is '0 to 6';
comment on column bi.service_detractor.service_tier is 'service tier as of the newest date; null if not known yet';
comment on column bi.service_detractor.service_tier_zh is 'the tier in Chinese';
comment on column bi.service_detractor.is_at_risk is 'the customer is about to be lost';
comment on column bi.service_detractor.topic is 'what the comment is about, as read by the pipeline; null without a comment';
comment on column bi.service_detractor.count_complaints_open is 'complaints of the customer that are not solved yet';
comment on column bi.service_detractor.followed_up_at is 'when the play detractor_follow_up was handed out since; null if not';

create view campaigns.do_not_disturb (as_of_date, customer_key, play, value_minor, evidence, is_every_play) as
-- campaigns.do_not_disturb: contenders left alone because the contact is expected to do harm.
with

open_to as (
    select
        contender.as_of_date,
        contender.customer_key,
        contender.position,
        contender.value_minor,
        contender.evidence,
        contender.verdict,
        bool_and(contender.verdict in ('do_not_disturb', 'exempt', 'standing', 'control')) over (
            partition by contender.as_of_date, contender.customer_key
        ) as is_every_play
    from campaigns.contender as contender
)

select
    open_to.as_of_date,
    open_to.customer_key,
    plan_version.plays[open_to.position] as play,
    open_to.value_minor,
    open_to.evidence,
    open_to.is_every_play
from open_to
inner join campaigns.eligibility as eligibility
    on open_to.as_of_date = eligibility.as_of_date and open_to.customer_key = eligibility.customer_key
inner join campaigns.plan_version as plan_version on eligibility.plays_version = plan_version.plays_version
where open_to.verdict = 'do_not_disturb';
comment on view campaigns.do_not_disturb is 'The do-not-disturb list: customers and promotional plays of whom it is expected that the contact does harm, for the days that contenders are kept. Tools that send on their own should leave them alone as well. Grain: one row per customer_key and play per as_of_date.';
comment on column campaigns.do_not_disturb.as_of_date is 'day the decision is for';
comment on column campaigns.do_not_disturb.customer_key is 'the person';
comment on column campaigns.do_not_disturb.play is 'the play';
comment on column campaigns.do_not_disturb.value_minor is 'expected incremental margin of the contact before its cost, minor units: below zero';
comment on column campaigns.do_not_disturb.evidence is 'what it rests on: measured, stated or priority';
comment on column campaigns.do_not_disturb.is_every_play is 'true where the same holds for every promotion that was open to the customer on the day';

create view campaigns.exclusion_rule (position, bit, rule, label_en, label_zh) as
-- campaigns.exclusion_rule: the order in which reasons are named. What holds for the person comes first, then whether the play is for
-- them at all, then what keeps this contact back today; what is settled among those who are left comes last, and control last of all:
-- it is drawn among those who would be contacted, so that they and the contacted differ by nothing but the draw.
-- Bits are for ever (kept masks carry them); the order is `position`.
select
    position,
    bit,
    rule,
    label_en,
    label_zh
from (
    values
    (1, 1, 'erased', 'the person has been or is being erased', '客户已要求删除数据'),
    (2, 2, 'suppressed', 'the address is blocked', '联系地址已被屏蔽'),
    (3, 4, 'test_or_staff', 'a test account or a member of staff', '测试账号或内部员工'),
    (4, 524288, 'not_in_audience', 'the play is not for this customer', '不符合该活动的目标人群'),
    (5, 4096, 'legal_hold', 'a legal matter is open: nothing is sent', '涉及法律事项，暂停一切触达'),
    (6, 8, 'no_consent', 'no consent for the purpose on any reachable channel', '没有该用途与渠道的授权'),
    (7, 16, 'profiling_withdrawn', 'the person does not want to be profiled', '客户拒绝画像'),
    (8, 1048576, 'promotion_barred', 'a mark in the CRM bars promotion', 'CRM 标注为请勿推广'),
    (9, 32, 'complaint_hold', 'promotion rests while a complaint is open and for some days after', '投诉处理期间及其后数日暂停促销'),
    (10, 64, 'already_received', 'has had this play in its period', '本周期内已收到该活动'),
    (11, 128, 'stopped', 'as many tries as the play allows', '已达到最多尝试次数'),
    (12, 256, 'frequency_cap', 'as many contacts as the caps allow', '已达到触达频次上限'),
    (13, 8192, 'quiet_hours', 'nothing may be sent on this day', '当日为免打扰日'),
    (14, 16384, 'below_minimum_value', 'worth less than the play asks for, or than the contact costs', '价值低于活动要求或触达成本'),
    (15, 512, 'no_usable_channel', 'no address for any channel of the play', '没有可用的联系渠道'),
    (16, 32768, 'universal_control', 'kept back from all promotion at random to measure what it brings', '总体随机对照组'),
    (17, 131072, 'do_not_disturb', 'a contact is expected to do harm', '预计触达会适得其反'),
    (18, 1024, 'beaten', 'another promotional play has the day', '当天已由更优先的促销活动占用'),
    (19, 65536, 'over_budget', 'the budget brings more elsewhere', '预算已用于更有价值的客户'),
    (20, 262144, 'channel_full', 'the channel or the team has no room left today', '渠道或人员当日容量已满'),
    (21, 2048, 'control', 'kept back at random to measure the effect', '随机对照组')
) as listed (position, bit, rule, label_en, label_zh);
comment on view campaigns.exclusion_rule is 'The rules that keep a customer out of a play, in order, with the bit that each has in campaigns.eligibility.failing_rules. Grain: one row per rule.';
comment on column campaigns.exclusion_rule.position is 'order: the first failing one is named';
comment on column campaigns.exclusion_rule.bit is 'its bit in failing_rules, for ever the same';
comment on column campaigns.exclusion_rule.rule is 'name of the rule';
comment on column campaigns.exclusion_rule.label_en is 'what it means, in English';
comment on column campaigns.exclusion_rule.label_zh is 'what it means, in Chinese';

create view privacy.campaign_refused (customer_key, campaign, channel, refused_at) as
-- privacy.campaign_refused: whom a service play leaves alone on a channel. From service messages one unsubscribes by campaign; what
-- the person grants later opens it again, as `permitted` in the marketing database says at the moment of reading.
with

refusals as (
    select
        coalesce(alias.customer_key, refusal.customer_key) as customer_key,
        refusal.campaign,
        channels.channel,
        max(refusal.refused_at) as refused_at
    from privacy.campaign_refusal as refusal
    left join core.customer_alias as alias on refusal.customer_key = alias.source_customer_key
    inner join (values ('email'), ('sms'), ('phone'), ('wechat'), ('app'), ('post')) as channels (channel)
        on refusal.channel in (channels.channel, 'all')
    group by 1, 2, 3
)

select
    refusals.customer_key,
    refusals.campaign,
    refusals.channel,
    refusals.refused_at
from refusals
where
    not exists (
        select 1
        from privacy.consent
        where
            consent.customer_key = refusals.customer_key
            and consent.purpose = 'service'
            and consent.channel in (refusals.channel, 'all')
            and consent.decision = 'granted'
            and consent.decided_at > refusals.refused_at
            and consent.decided_at <= now() + interval '1 hour'
    );
comment on view privacy.campaign_refused is 'Whom a service play leaves alone on a channel because they unsubscribed from it there: the unsubscribes of privacy.campaign_refusal that no later grant of service messages has lifted. Grain: one row per person, play and channel.';
comment on column privacy.campaign_refused.customer_key is 'the person, merges followed';
comment on column privacy.campaign_refused.campaign is 'the play';
comment on column privacy.campaign_refused.channel is 'email, sms, phone, wechat, app or post';
comment on column privacy.campaign_refused.refused_at is 'when they last unsubscribed from it there';

create view privacy.consent_current (customer_key, purpose, channel, decision, decided_at, origin, source, basis) as
-- privacy.consent_current: the decision that holds per person, purpose and channel.
-- A decision on 'all' covers each channel; the later decision wins, and of two at one instant the withdrawal.
with

channels as (
    select channel
    from (values ('email'), ('sms'), ('phone'), ('wechat'), ('app'), ('post')) as listed (channel)
),

decisions as (
    select
        consent.customer_key,
        consent.purpose,
        channels.channel,
        consent.decision,
        -- A withdrawal dated more than a day after it was recorded carries a wrong date: it holds from when it was recorded on,
        -- so that it neither waits nor outlives what the person decides later.
        case
            when consent.decided_at > consent.recorded_at + interval '1 day' and consent.decision = 'withdrawn'
                then consent.recorded_at
            else consent.decided_at
        end as decided_at,
        consent.origin,
        consent.source,
        consent.basis,
        consent.consent_key
    from privacy.consent
    inner join channels on consent.channel in (channels.channel, 'all')
    -- A grant of tomorrow grants nothing today.
    where consent.decision = 'withdrawn' or consent.decided_at <= now() + interval '1 hour'
)

select distinct on (customer_key, purpose, channel)
    customer_key,
    purpose,
    channel,
    decision,
    decided_at,
    origin,
    source,
    basis
from decisions
order by customer_key, purpose, channel, decided_at desc, decision desc, consent_key;
comment on view privacy.consent_current is 'What holds now: the latest decision of each person on each purpose and channel. A decision on channel ''all'' covers every channel; of two at the same instant the withdrawal holds. Grain: one row per person, purpose and channel.';
comment on column privacy.consent_current.customer_key is 'the person';
comment on column privacy.consent_current.purpose is 'marketing, profiling, ads or service';
comment on column privacy.consent_current.channel is 'email, sms, phone, wechat, app or post';
comment on column privacy.consent_current.decision is 'granted or withdrawn';
comment on column privacy.consent_current.decided_at is 'when the decision that holds was taken';
comment on column privacy.consent_current.origin is 'where it was taken';
comment on column privacy.consent_current.source is 'source of the decision';
comment on column privacy.consent_current.basis is 'decision, deleted_at_source or id_reused, as in privacy.consent';

create view bi.kpi_restated (kpi, label, label_zh, unit, period, period_start, dimension, member, value, first_value, moved, moved_share, is_restated, first_as_of, known_as_of, is_suppressed) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.kpi_restated: every day and month once, as it is known now, beside what was published first.
with

newest as (
    select max(cast(slice_key as date)) as as_of_date
    from ops.published
    where table_name = 'bi.kpi_value'
),

smallest as (
    select
        coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as customers
),

told as (
    select
        kpi.as_of_date,
        kpi.period,
        kpi.period_start,
        kpi.kpi,
        kpi.label,
        kpi.label_zh,
        kpi.unit,
        kpi.dimension,
        kpi.member,
        kpi.value,
        kpi.customers,
        kpi.is_suppressed
    from bi.kpi as kpi
    cross join newest
    -- A month counts once: as it was when it closed, the current one to date.
    where
        kpi.period = 'day'
        or kpi.as_of_date = least(cast(kpi.period_start + interval '1 month' as date), newest.as_of_date)
),

restated as (
    select distinct on (measured_as_of, kpi, period, dimension, member)
        measured_as_of,
        kpi,
        period,
        dimension,
        member,
        as_of_date,
        value,
        customers
    from bi.kpi_restatement
    order by measured_as_of, kpi, period, dimension, member, as_of_date desc
),

joined as (
    select
        told.*,
        case when first_told.as_of_date is null then told.value else first_told.value end as first_value,
        case when first_told.as_of_date is null then told.customers else first_told.customers end as first_customers,
        restated.as_of_date as restated_as_of,
        restated.value as restated_value,
        restated.customers as restated_customers,
        first_told.as_of_date is not null as is_measured_again
    from told
    left join bi.kpi_first as first_told
        on told.as_of_date = first_told.as_of_date
        and told.kpi = first_told.kpi
        and told.period = first_told.period
        and told.dimension = first_told.dimension
        and told.member = first_told.member
    left join restated
        on told.as_of_date = restated.measured_as_of
        and told.kpi = restated.kpi
        and told.period = restated.period
        and told.dimension = restated.dimension
        and told.member = restated.member
),

-- What moved a group by a handful of people would tell about these people: such groups stay as they were told.
decided as (
    select
        joined.*,
        joined.dimension = 'all'
        or (
            abs(joined.restated_customers - joined.first_customers) >= smallest.customers
            and joined.restated_customers >= smallest.customers
        ) as shows_restated,
        joined.dimension = 'all' or abs(joined.customers - joined.first_customers) >= smallest.customers as shows_again
    from joined
    cross join smallest
),

valued as (
    select
        decided.*,
        case
            when decided.is_suppressed then null
            when decided.restated_as_of is not null and decided.shows_restated then decided.restated_value
            when decided.is_measured_again and not decided.shows_again then decided.first_value
            else decided.value
        end as value_now
    from decided
)

select
    valued.kpi,
    valued.label,
    valued.label_zh,
    valued.unit,
    valued.period,
    valued.period_start,
    valued.dimension,
    valued.member,
    valued.value_now as value,
    case when not valued.is_suppressed then valued.first_value end as first_value,
    valued.value_now - valued.first_value as moved,
    (valued.value_now - valued.first_value) / nullif(abs(valued.first_value), 0) as moved_share,
    (valued.value_now is distinct from valued.first_value) and not valued.is_suppressed as is_restated,
    valued.as_of_date as first_as_of,
    case
        when (valued.value_now is distinct from valued.first_value) and valued.shows_restated then valued.restated_as_of
        else valued.as_of_date
    end as known_as_of,
    valued.is_suppressed
from valued;
comment on view bi.kpi_restated is 'Every KPI by day and month as it is known now, beside what was published first and by how much it moved since: for charts over time. Facts that arrive late restate the days and months they belong to, for five weeks. Small groups are hidden; a group''s move is shown only where enough people moved. Grain: one row per KPI, period, period_start, dimension and member.';
comment on column bi.kpi_restated.kpi is 'name of the KPI';
comment on column bi.kpi_restated.label is 'English label';
comment on column bi.kpi_restated.label_zh is 'Chinese label';
comment on column bi.kpi_restated.unit is 'unit of the value';
comment on column bi.kpi_restated.period is 'day or month; the newest month is to date';
comment on column bi.kpi_restated.period_start is 'first day counted';
comment on column bi.kpi_restated.dimension is 'as in bi.kpi';
comment on column bi.kpi_restated.member is 'member of the dimension; ''all'' overall';
comment on column bi.kpi_restated.value is 'the KPI as known now; null where hidden';
comment on column bi.kpi_restated.first_value is 'the KPI as first published; null where hidden';
comment on column bi.kpi_restated.moved is 'value less first_value; 0 where nothing was restated';
comment on column bi.kpi_restated.moved_share is 'moved over first_value; null where that is 0';
comment on column bi.kpi_restated.is_restated is 'whether it moved since it was first published';
comment on column bi.kpi_restated.first_as_of is 'date of the slice of bi.kpi_value under which it was first published';
comment on column bi.kpi_restated.known_as_of is 'date as of which the facts behind value were known';
comment on column bi.kpi_restated.is_suppressed is 'whether the number is hidden because the group is small';

create view bi.operations_cost (as_of_date, play, channel, handed_out, cost_minor, expected_cost_minor) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.operations_cost: what was handed out and what it costs, day by day, as counted once a day; months are in bi.kpi (spend).
select
    cost.as_of_date,
    cost.play,
    cost.channel,
    cost.contacts as handed_out,
    cost.cost_minor,
    cost.expected_cost_minor
from bi.audience_cost as cost;
comment on view bi.operations_cost is 'What was handed out to tools and staff and what it costs, by day, play and channel, for as long as days are kept (keep.daily_slices_days). Numbers of touches, not of people. Whole months are in bi.kpi as spend. Grain: one row per as_of_date, play and channel.';
comment on column bi.operations_cost.as_of_date is 'day on which the memberships began';
comment on column bi.operations_cost.play is 'the play';
comment on column bi.operations_cost.channel is 'channel; staff for tasks';
comment on column bi.operations_cost.handed_out is 'contacts handed out';
comment on column bi.operations_cost.cost_minor is 'cost of the touches, minor units of the base currency';
comment on column bi.operations_cost.expected_cost_minor is 'with the offers as far as they are expected to be used, minor units';

create view bi.operations_freshness (layer, table_name, as_of_date, rows, published_at, hours_since_published, days_behind, is_stale) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.operations_freshness: the newest published date of every table, and how far it is behind the newest of all.
with

newest as (
    select
        table_name,
        max(cast(slice_key as date)) as as_of_date
    from ops.published
    -- What has landed goes by the business day, which is one before; how far sources have come is in bi.operations_source.
    where slice_key ~ '^\d{4}-\d{2}-\d{2}$' and table_name not like 'landing.%'
    group by table_name
),

expected as (
    select max(newest.as_of_date) as as_of_date
    from newest
    where newest.table_name like 'features.%'
)

select
    split_part(newest.table_name, '.', 1) as layer,
    newest.table_name,
    newest.as_of_date,
    published.rows,
    published.published_at,
    extract(epoch from current_timestamp - published.published_at) / 3600.0 as hours_since_published,
    expected.as_of_date - newest.as_of_date as days_behind,
    published.is_stale
from newest
inner join ops.published as published
    on newest.table_name = published.table_name and cast(newest.as_of_date as text) = published.slice_key
cross join expected;
comment on view bi.operations_freshness is 'What is in force of every table that is kept by date, since when, and how many days it is behind the newest features. Grain: one row per table.';
comment on column bi.operations_freshness.layer is 'features, scores, segments, campaigns or bi';
comment on column bi.operations_freshness.table_name is 'the table';
comment on column bi.operations_freshness.as_of_date is 'newest date published';
comment on column bi.operations_freshness.rows is 'rows of that date';
comment on column bi.operations_freshness.published_at is 'when it was published';
comment on column bi.operations_freshness.hours_since_published is 'hours since then';
comment on column bi.operations_freshness.days_behind is 'days behind the newest features; 0 is in step, below 0 ahead of them';
comment on column bi.operations_freshness.is_stale is 'an earlier day was published again since: run this date again to follow';

create view bi.product_complaint (week_start, is_complete, dimension, member, root_cause, complaints, complaints_before, severe, median_hours_to_resolve, compensation_minor, is_suppressed) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.product_complaint: the newest review of complaints, for products and their categories. Small groups are hidden there.
select
    cause.week_start,
    cause.is_complete,
    cause.dimension,
    cause.member,
    cause.root_cause,
    cause.complaints,
    cause.complaints_before,
    cause.severe,
    cause.median_hours_to_resolve,
    cause.compensation_minor,
    cause.is_suppressed
from bi.complaint_cause as cause
where cause.dimension in ('product', 'product_category');
comment on view bi.product_complaint is 'Why customers complained about products and categories, week by week, from the newest weekly review. Groups of few complaints are hidden. Grain: one row per week, dimension, member and cause.';
comment on column bi.product_complaint.week_start is 'Monday of the week in which the complaints were opened';
comment on column bi.product_complaint.is_complete is 'the week has ended';
comment on column bi.product_complaint.dimension is 'product or product_category';
comment on column bi.product_complaint.member is 'the product or category; ''none'' where the complaint names no order';
comment on column bi.product_complaint.root_cause is 'cause found, ''not found yet'', ''other'', or ''all'' for the sum';
comment on column bi.product_complaint.complaints is 'complaints opened in the week; null where hidden';
comment on column bi.product_complaint.complaints_before is 'the same in the week before; null where hidden or too few then';
comment on column bi.product_complaint.severe is 'of them severe; null where hidden';
comment on column bi.product_complaint.median_hours_to_resolve is 'median time to resolution, hours; null where hidden';
comment on column bi.product_complaint.compensation_minor is 'compensation recorded, minor units; null where hidden';
comment on column bi.product_complaint.is_suppressed is 'the group is hidden';

create view bi.segment_history (as_of_date, dimension, member, label_en, label_zh, position, customers, share, at_risk_customers, purchasers, mean_net_minor_365d, mean_clv_12m_minor, mean_value_at_risk_minor, mean_churn_probability, is_suppressed) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.segment_history: sizes and value of every group, day by day. Numbers of people are rounded to whole multiples of the
-- suppression size: the difference of two days, or of two groups that hold nearly the same people, then tells of nobody. Groups
-- below the size are hidden, with one more where only one would be. Money is shown as a mean: a sum, set against the day before,
-- would show what the one person spent who came or went.
with

sized as (
    select
        total.as_of_date,
        total.grouping as dimension,
        case total.grouping
            when 'rfm_cell' then total.member || '-' || total.part
            when 'tier_stage' then total.member || '/' || total.part
            else total.member
        end as member,
        total.customers,
        total.purchasers,
        total.at_risk_customers,
        total.net_minor_365d,
        total.clv_12m_minor,
        total.value_at_risk_minor,
        total.mean_churn_probability,
        size.least_customers,
        total.customers < size.least_customers as is_small
    from bi.group_profile_value as total
    cross join (
        select coalesce(
            (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
        ) as least_customers
    ) as size
    where total.grouping in ('rfm_cell', 'tier_stage') = (total.part <> 'all')
),

ranked as (
    select
        sized.*,
        count(*) filter (where sized.is_small) over (partition by sized.as_of_date, sized.dimension) as count_small,
        sum(sized.customers) over (partition by sized.as_of_date, sized.dimension) as all_customers,
        row_number() over (
            partition by sized.as_of_date, sized.dimension order by sized.is_small, sized.customers, sized.member
        ) as place
    from sized
),

shown as (
    select
        ranked.*,
        ranked.is_small or (ranked.count_small = 1 and ranked.place = 1 and ranked.dimension <> 'all') as is_suppressed,
        -- A handful at risk, or a handful who bought, is as telling as a small group; nobody is not.
        ranked.at_risk_customers = 0 or ranked.at_risk_customers >= ranked.least_customers as shows_risk,
        ranked.purchasers = 0 or ranked.purchasers >= ranked.least_customers as shows_purchasers,
        cast(round(ranked.customers / cast(ranked.least_customers as numeric)) as bigint) * ranked.least_customers as rounded,
        cast(round(ranked.all_customers / ranked.least_customers) as bigint) * ranked.least_customers as all_rounded
    from ranked
)

select
    shown.as_of_date,
    shown.dimension,
    shown.member,
    coalesce(label.label_en, shown.member) as label_en,
    coalesce(label.label_zh, shown.member) as label_zh,
    label.position,
    case when not shown.is_suppressed then shown.rounded end as customers,
    case
        when not shown.is_suppressed
            then cast(round(shown.rounded / cast(nullif(shown.all_rounded, 0) as numeric), 3) as double precision)
    end as share,
    case
        when not shown.is_suppressed and shown.shows_risk
            then cast(round(shown.at_risk_customers / cast(shown.least_customers as numeric)) as bigint) * shown.least_customers
    end as at_risk_customers,
    case
        when not shown.is_suppressed and shown.shows_purchasers
            then cast(round(shown.purchasers / cast(shown.least_customers as numeric)) as bigint) * shown.least_customers
    end as purchasers,
    case
        when not shown.is_suppressed and shown.shows_purchasers then shown.net_minor_365d / shown.customers
    end as mean_net_minor_365d,
    case
        when not shown.is_suppressed and shown.shows_purchasers then shown.clv_12m_minor / shown.customers
    end as mean_clv_12m_minor,
    case
        when not shown.is_suppressed and shown.shows_purchasers then shown.value_at_risk_minor / shown.customers
    end as mean_value_at_risk_minor,
    case
        when not shown.is_suppressed and shown.shows_purchasers
            then cast(round(cast(shown.mean_churn_probability as numeric), 3) as double precision)
    end as mean_churn_probability,
    shown.is_suppressed
from shown
left join bi.segment_label as label on shown.dimension = label.dimension and shown.member = label.member;
comment on view bi.segment_history is 'How large and how valuable each tier, stage, class, segment, membership level and persona was, for every date that is kept (the last weeks day by day, then the first day of each month). Numbers of people are rounded to whole multiples of the suppression size and smaller groups are hidden, so that the difference of two days or of two groups tells of nobody. Grain: one row per as_of_date, dimension and member.';
comment on column bi.segment_history.as_of_date is 'date the figures hold for: only what happened before it counts';
comment on column bi.segment_history.dimension is 'all, tier, stage, value_class, rfm_class, rfm_segment, rfm_cell (the three scores, e.g. 5-4-5), membership_level, persona or tier_stage (both, e.g. vip/loyal)';
comment on column bi.segment_history.member is 'name of the group';
comment on column bi.segment_history.label_en is 'name for people, English';
comment on column bi.segment_history.label_zh is 'name for people, Chinese';
comment on column bi.segment_history.position is 'place within the dimension, 1 the lowest; null where there is no order';
comment on column bi.segment_history.customers is 'customers in it, rounded to a multiple of the suppression size; null where hidden';
comment on column bi.segment_history.share is 'share of the customers of the dimension, from the rounded numbers; null where hidden';
comment on column bi.segment_history.at_risk_customers is 'of them at risk of leaving, rounded; null where hidden or few';
comment on column bi.segment_history.purchasers is 'of them customers who have bought, and so have scores, rounded; null where hidden or few';
comment on column bi.segment_history.mean_net_minor_365d is 'mean net amount of the last 365 days per customer, minor units of the base currency; null where hidden or few have bought';
comment on column bi.segment_history.mean_clv_12m_minor is 'mean predicted net value of the coming twelve months per customer, minor units; null where hidden or few have bought';
comment on column bi.segment_history.mean_value_at_risk_minor is 'mean of churn probability times that value, minor units: what may be lost per customer; null where hidden or few have bought';
comment on column bi.segment_history.mean_churn_probability is 'mean churn probability of those who have bought; null where hidden or few have';
comment on column bi.segment_history.is_suppressed is 'whether the group is hidden because it, or the difference to the whole, is small';

create view bi.segment_migration (as_of_date, span, since_date, dimension, from_member, from_en, from_zh, to_member, to_en, to_zh, customers, share_of_from, is_suppressed) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.segment_migration: the migration matrix with labels. Counts are rounded to whole multiples of the suppression size and small
-- ones are hidden: the matrix has sums in both directions, and the sizes of groups are published, so hiding alone would not hide.
with

size as (
    select coalesce(
        (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
    ) as least_customers
),

totals as (
    select
        migration.*,
        sum(migration.customers) over (
            partition by migration.as_of_date, migration.span, migration.dimension, migration.from_member
        ) as from_customers
    from segments.migration as migration
),

labels as (
    select
        dimension,
        member as label,
        label_en,
        label_zh
    from bi.segment_label
)

select
    totals.as_of_date,
    totals.span,
    totals.since_date,
    totals.dimension,
    totals.from_member,
    coalesce(from_label.label_en, totals.from_member) as from_en,
    coalesce(from_label.label_zh, totals.from_member) as from_zh,
    totals.to_member,
    coalesce(to_label.label_en, totals.to_member) as to_en,
    coalesce(to_label.label_zh, totals.to_member) as to_zh,
    case
        when totals.customers >= size.least_customers
            then cast(round(totals.customers / cast(size.least_customers as numeric)) * size.least_customers as bigint)
    end as customers,
    case
        when totals.customers >= size.least_customers and totals.from_customers >= size.least_customers
            then round(
                round(totals.customers / cast(size.least_customers as numeric)) * size.least_customers / totals.from_customers, 3
            )
    end as share_of_from,
    totals.customers < size.least_customers as is_suppressed
from totals
cross join size
left join labels as from_label on totals.dimension = from_label.dimension and totals.from_member = from_label.label
left join labels as to_label on totals.dimension = to_label.dimension and totals.to_member = to_label.label;
comment on view bi.segment_migration is 'Who went from which tier, stage, class, segment or level to which, since the slice before and over a month. Counts are rounded to multiples of the suppression size and hidden below it. Grain: one row per as-of date, span, dimension, group before and group now.';
comment on column bi.segment_migration.as_of_date is 'date of the later slice';
comment on column bi.segment_migration.span is 'previous (since the newest slice before) or month (at least 28 days)';
comment on column bi.segment_migration.since_date is 'date of the earlier slice';
comment on column bi.segment_migration.dimension is 'tier, stage, value_class, rfm_segment or membership_level';
comment on column bi.segment_migration.from_member is 'group before; none for those who were not known';
comment on column bi.segment_migration.from_en is 'its English name';
comment on column bi.segment_migration.from_zh is 'its Chinese name';
comment on column bi.segment_migration.to_member is 'group now; none for those who are not known any more';
comment on column bi.segment_migration.to_en is 'its English name';
comment on column bi.segment_migration.to_zh is 'its Chinese name';
comment on column bi.segment_migration.customers is 'customers who went this way, rounded; null where hidden';
comment on column bi.segment_migration.share_of_from is 'share of the group before, from the rounded number; null where hidden';
comment on column bi.segment_migration.is_suppressed is 'whether the number is hidden because it is small';

create view bi.service_recovery (month, severity, is_compensated, complaints, mean_satisfaction, complaints_90d_ago, bought_again_share_90d) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.service_recovery: what became of customers after their complaint was solved, by month, severity and what they got for it. Few
-- customers are not shown.
with

cases as (
    select
        cast(date_trunc('month', complaint.resolved_at at time zone coalesce(
            (select setting.value from bi.setting as setting where setting.name = 'business_timezone'), 'Asia/Shanghai'
        )) as date) as month,
        complaint.customer_key,
        complaint.severity,
        coalesce(complaint.compensation_minor, 0) > 0 as is_compensated,
        complaint.satisfaction,
        complaint.resolved_at + interval '90 days' <= current_timestamp as is_mature,
        exists(
            select 1
            from core.order_entry as entry
            where
                entry.customer_key = complaint.customer_key
                and entry.kind = 'paid'
                and entry.happened_at > complaint.resolved_at
                and entry.happened_at <= complaint.resolved_at + interval '90 days'
                and entry.deleted_at is null
        ) as has_bought_again
    from bi.service_complaint as complaint
    where complaint.resolved_at is not null
)

select
    month,
    severity,
    is_compensated,
    count(*) as complaints,
    avg(satisfaction) as mean_satisfaction,
    count(*) filter (where is_mature) as complaints_90d_ago,
    cast(count(*) filter (where is_mature and has_bought_again) as double precision)
        / nullif(count(*) filter (where is_mature), 0) as bought_again_share_90d
from cases
group by month, severity, is_compensated
having count(distinct customer_key) >= coalesce(
    (select cast(setting.value as integer) from bi.setting as setting where setting.name = 'suppressed_group_size'), 10
);
comment on view bi.service_recovery is 'Whether customers come back after a complaint was solved: by month of the solution, severity, and whether they were compensated. Groups of few customers are left out. It compares groups that differ in more than the compensation: what it brings is in bi.play_result. Grain: one row per month, severity and compensation.';
comment on column bi.service_recovery.month is 'first day of the month in which the complaints were solved, business time zone';
comment on column bi.service_recovery.severity is 'minor, medium or severe; ''unknown'' if not given';
comment on column bi.service_recovery.is_compensated is 'whether a compensation is recorded';
comment on column bi.service_recovery.complaints is 'complaints solved';
comment on column bi.service_recovery.mean_satisfaction is 'mean satisfaction with the handling, 1 to 5; null without answers';
comment on column bi.service_recovery.complaints_90d_ago is 'of them solved at least 90 days ago, so that the outcome is known';
comment on column bi.service_recovery.bought_again_share_90d is 'of those, the share whose customer paid an order within 90 days; null while none is known';

create view bi.service_team (week_start, team, severity, complaints, complaints_open, acknowledged_in_time, replied_in_time, overdue_now, median_hours_to_resolve, compensation_minor, mean_satisfaction, satisfaction_answers) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.service_team: how teams keep their clocks, week by week.
select
    cast(date_trunc('week', complaint.opened_at at time zone coalesce(
        (select setting.value from bi.setting as setting where setting.name = 'business_timezone'), 'Asia/Shanghai'
    )) as date) as week_start,
    complaint.team,
    complaint.severity,
    count(*) as complaints,
    count(*) filter (where complaint.resolved_at is null) as complaints_open,
    count(*) filter (where complaint.acknowledge_clock = 'in_time') as acknowledged_in_time,
    count(*) filter (where complaint.reply_clock = 'in_time') as replied_in_time,
    count(*) filter (where complaint.acknowledge_clock = 'overdue' or complaint.reply_clock = 'overdue') as overdue_now,
    percentile_cont(0.5) within group (order by cast(complaint.hours_to_resolve as double precision)) as median_hours_to_resolve,
    cast(coalesce(sum(complaint.compensation_minor), 0) as bigint) as compensation_minor,
    cast(avg(complaint.satisfaction) as double precision) as mean_satisfaction,
    count(complaint.satisfaction) as satisfaction_answers
from bi.service_complaint as complaint
group by 1, 2, 3;
comment on view bi.service_team is 'How teams keep the complaint clocks, by week of opening (Monday to Sunday of the business time zone) and severity, over the last 365 days. Grain: one row per week, team and severity.';
comment on column bi.service_team.week_start is 'Monday of the week in which the complaints were opened';
comment on column bi.service_team.team is 'team that owns them; ''unassigned'' if none is named';
comment on column bi.service_team.severity is 'minor, medium or severe; ''unknown'' if not given';
comment on column bi.service_team.complaints is 'complaints opened';
comment on column bi.service_team.complaints_open is 'of them not solved at this moment';
comment on column bi.service_team.acknowledged_in_time is 'of them acknowledged inside the clock';
comment on column bi.service_team.replied_in_time is 'of them first answered inside the clock';
comment on column bi.service_team.overdue_now is 'of them waiting past a clock at this moment';
comment on column bi.service_team.median_hours_to_resolve is 'median hours from opening to solution of the solved ones; null if none is';
comment on column bi.service_team.compensation_minor is 'compensation offered, minor units of the base currency';
comment on column bi.service_team.mean_satisfaction is 'mean satisfaction with the handling, 1 to 5; null without answers';
comment on column bi.service_team.satisfaction_answers is 'answers that rests on';

create view campaigns.exclusion (as_of_date, play, customer_key, state, first_failing_rule, failing_rules) as
-- campaigns.exclusion: the masks of campaigns.eligibility by play. The list of plays comes first, so that a question about one play
-- looks at one place of every mask and not at all of them.
with

places as (
    select
        version.plays_version,
        listed.play,
        cast(listed.position as integer) as position
    from campaigns.plan_version as version
    cross join lateral unnest(version.plays) with ordinality as listed (play, position)
)

select
    eligibility.as_of_date,
    places.play,
    eligibility.customer_key,
    case eligibility.failing_rules[places.position]
        when 0 then 'selected'
        when 2048 then 'control'
        else 'excluded'
    end as state,
    case
        when eligibility.failing_rules[places.position] <> 0
            then
                (
                    select exclusion_rule.rule
                    from campaigns.exclusion_rule
                    where exclusion_rule.bit & eligibility.failing_rules[places.position] > 0
                    order by exclusion_rule.position
                    limit 1
                )
    end as first_failing_rule,
    eligibility.failing_rules[places.position] as failing_rules
from places
inner join campaigns.eligibility on places.plays_version = eligibility.plays_version;
comment on view campaigns.exclusion is 'Every customer and play of the last days: contacted, kept as control, or left out, with the first rule that failed and all that did. Ask for one customer or one play; campaigns.exclusion_count has the sums. Grain: one row per play and customer_key per as_of_date.';
comment on column campaigns.exclusion.as_of_date is 'day the decision is for';
comment on column campaigns.exclusion.play is 'the play';
comment on column campaigns.exclusion.customer_key is 'the person';
comment on column campaigns.exclusion.state is 'selected, control or excluded';
comment on column campaigns.exclusion.first_failing_rule is 'first rule that failed, in the order of campaigns.exclusion_rule; null when selected';
comment on column campaigns.exclusion.failing_rules is 'sum of the bits of all rules that failed; 0 when selected';

create view privacy.consent_by_address (customer_key, purpose, channel, refused_by, refused_at) as
-- privacy.consent_by_address: whom an opt-out of somebody else binds, because they have the same address.
with

holders as (
    select
        customer_key,
        'email' as channel,
        email_normalised as address
    from pii.source_customer
    where email_normalised is not null
    union all
    select
        customer_key,
        'sms' as channel,
        phone_e164 as address
    from pii.source_customer
    where phone_e164 is not null
    union all
    select
        customer_key,
        'phone' as channel,
        phone_e164 as address
    from pii.source_customer
    where phone_e164 is not null
)

select distinct on (holders.customer_key, refusal.purpose, refusal.channel)
    holders.customer_key,
    refusal.purpose,
    refusal.channel,
    refusal.customer_key as refused_by,
    refusal.refused_at
from pii.address_refusal as refusal
inner join holders on refusal.address = holders.address and refusal.channel = holders.channel
where
    refusal.customer_key <> holders.customer_key
    and (
        refusal.left_at is null
        -- Whoever refused has moved on: who has the address now may open it again for themselves.
        or not exists (
            select 1
            from privacy.consent_current as own
            where
                own.customer_key = holders.customer_key
                and own.purpose = refusal.purpose
                and own.channel = refusal.channel
                and own.decision = 'granted'
                and own.decided_at > refusal.refused_at
        )
    )
order by holders.customer_key, refusal.purpose, refusal.channel, refusal.refused_at desc, refusal.customer_key;
comment on view privacy.consent_by_address is 'Whom an opt-out of somebody else binds, because they have the same address: one row says that this person may not be contacted for the purpose on the channel, whatever they decided themselves. As of the last consent sync. Grain: one row per person, purpose and channel.';
comment on column privacy.consent_by_address.customer_key is 'the person who is bound';
comment on column privacy.consent_by_address.purpose is 'marketing or ads';
comment on column privacy.consent_by_address.channel is 'email, sms or phone';
comment on column privacy.consent_by_address.refused_by is 'the person who refused';
comment on column privacy.consent_by_address.refused_at is 'when they refused';

create view bi.segment_size (as_of_date, dimension, member, member_zh, customers, share, is_suppressed, member_en, position) with (security_barrier = true) as
-- with (security_barrier = true)
-- bi.segment_size: how large each group is as of the newest measurement.
with

newest as (
    select max(cast(slice_key as date)) as as_of_date
    from ops.published
    where table_name = 'bi.group_profile_value'
)

select
    history.as_of_date,
    history.dimension,
    history.member,
    history.label_zh as member_zh,
    history.customers,
    history.share,
    history.is_suppressed,
    history.label_en as member_en,
    history.position
from newest
inner join bi.segment_history as history on newest.as_of_date = history.as_of_date
where history.dimension in ('tier', 'stage', 'value_class', 'rfm_class', 'rfm_segment', 'membership_level', 'persona');
comment on view bi.segment_size is 'How many customers each tier, stage, class, segment, membership level and persona has as of the newest measurement, rounded to whole multiples of the suppression size. Smaller groups are hidden, with the next smallest where only one would be. Grain: one row per dimension and member.';
comment on column bi.segment_size.as_of_date is 'date the counts hold for';
comment on column bi.segment_size.dimension is 'tier, stage, value_class, rfm_class, rfm_segment, membership_level or persona';
comment on column bi.segment_size.member is 'name of the group';
comment on column bi.segment_size.member_zh is 'name of the group in Chinese';
comment on column bi.segment_size.customers is 'customers in it, rounded to a multiple of the suppression size; null where hidden';
comment on column bi.segment_size.share is 'share of the customers of the dimension; null where hidden';
comment on column bi.segment_size.is_suppressed is 'whether the count is hidden because the group is small';
comment on column bi.segment_size.member_en is 'name of the group in English';
comment on column bi.segment_size.position is 'place within the dimension, 1 the lowest; null where there is no order';
