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

create schema if not exists staging;
comment on schema staging is 'Slices being built, named by the token of their writer; nobody reads them before they are published.';

create table bi.audience_health (
    as_of_date date not null,
    campaign text not null,
    members bigint not null,
    sendable_members bigint not null,
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
comment on column bi.audience_health.sendable_members is 'rows the tools may use now: consent given, not suppressed, not expired';
comment on column bi.audience_health.added is 'additions by the newest push';
comment on column bi.audience_health.updated is 'updates by the newest push';
comment on column bi.audience_health.removed is 'removals by the newest push';
comment on column bi.audience_health.last_push_at is 'when the newest push was committed; null if there was none';
comment on column bi.audience_health.audience_date is 'as_of_date the audience was built for; null if there was no push';
comment on column bi.audience_health.days_behind is 'days between as_of_date and audience_date; 0 is fresh';

create table bi.kpi_definition (
    kpi text not null,
    label text not null,
    label_zh text not null,
    unit text not null,
    formula text not null,
    primary key (kpi)
);
comment on table bi.kpi_definition is 'The dictionary of the KPIs, copied from the contract of bi.kpi_value at every measurement, for BI tools to show beside the numbers. Grain: one row per KPI.';
comment on column bi.kpi_definition.kpi is 'name of the KPI, as in bi.kpi_value';
comment on column bi.kpi_definition.label is 'English label';
comment on column bi.kpi_definition.label_zh is 'Chinese label';
comment on column bi.kpi_definition.unit is 'unit of the value';
comment on column bi.kpi_definition.formula is 'numerator over denominator, in words';

create table bi.kpi_value (
    as_of_date date not null,
    kpi text not null,
    period text not null,
    period_start date not null,
    dimension text not null,
    member text not null,
    numerator float8 not null,
    denominator float8 not null,
    value float8,
    customers bigint not null,
    primary key (as_of_date, kpi, period, dimension, member)
) partition by range (as_of_date);
comment on table bi.kpi_value is 'KPIs as of a date, for the business day just closed and for the calendar month it lies in (month to date; final in the slice of the first day of the next month), overall and by tier, stage, play and channel. Aggregates only. Grain: one row per KPI, period, dimension and member per as_of_date.';
comment on column bi.kpi_value.as_of_date is 'first day not included: the business day before it is the last one counted';
comment on column bi.kpi_value.kpi is 'name of the KPI, defined in bi.kpi_definition';
comment on column bi.kpi_value.period is 'day (the day before as_of_date) or month (from the first of its month to that day)';
comment on column bi.kpi_value.period_start is 'first day counted';
comment on column bi.kpi_value.dimension is 'all, tier, stage, play or channel';
comment on column bi.kpi_value.member is 'tier, stage, play or channel the number is about; ''all'' for the dimension all';
comment on column bi.kpi_value.numerator is 'what is counted or summed, before the division';
comment on column bi.kpi_value.denominator is 'what it is divided by; 1 for plain sums';
comment on column bi.kpi_value.value is 'the KPI in its unit; null if the denominator is 0';
comment on column bi.kpi_value.customers is 'people behind the number, for hiding small groups';

create table bi.play_effect (
    as_of_date date not null,
    play text not null,
    outcome text not null,
    outcome_days integer not null,
    treated_customers bigint not null,
    control_customers bigint not null,
    treated_mean float8,
    control_mean float8,
    difference float8,
    lower_95 float8,
    upper_95 float8,
    verdict text not null,
    primary key (as_of_date, play, outcome)
) partition by range (as_of_date);
comment on table bi.play_effect is 'What each play brought against its own control group: customers by intention to treat from their first delivered or withheld day, outcome over the days after it, difference of means with a 95 % interval (Welch, normal quantile; null below 30 people in either group). Grain: one row per play and outcome per as_of_date.';
comment on column bi.play_effect.as_of_date is 'first day not included';
comment on column bi.play_effect.play is 'the play, as registered in campaigns.play';
comment on column bi.play_effect.outcome is 'net_revenue_minor (per customer) or bought (share with a paid order), within the outcome window';
comment on column bi.play_effect.outcome_days is 'longest outcome window in days from the decision; shorter for recent decisions, equally in both groups';
comment on column bi.play_effect.treated_customers is 'customers the play was delivered to';
comment on column bi.play_effect.control_customers is 'customers held back at random';
comment on column bi.play_effect.treated_mean is 'mean outcome of the treated';
comment on column bi.play_effect.control_mean is 'mean outcome of the control group';
comment on column bi.play_effect.difference is 'treated_mean less control_mean: the effect of one delivery';
comment on column bi.play_effect.lower_95 is 'lower end of the 95 % interval of the difference; null below 30 people in either group';
comment on column bi.play_effect.upper_95 is 'upper end of the 95 % interval of the difference; null below 30 people in either group';
comment on column bi.play_effect.verdict is 'positive, negative (interval on one side of 0), no_effect_seen (interval holds 0) or too_few';

create table bi.score_reliability (
    as_of_date date not null,
    model text not null,
    bucket integer not null,
    state text not null,
    scored_as_of date,
    matures_on date,
    customers bigint not null,
    predicted_mean float8,
    realised_mean float8,
    primary key (as_of_date, model, bucket)
) partition by range (as_of_date);
comment on table bi.score_reliability is 'What was predicted against what happened, for the newest scores whose horizon has passed. While none has passed, one row per model says so and when the first will. Grain: one row per model and bucket of the prediction per as_of_date.';
comment on column bi.score_reliability.as_of_date is 'first day not included';
comment on column bi.score_reliability.model is 'churn or clv';
comment on column bi.score_reliability.bucket is 'churn: tenth of the probability scale, 0 (below 0.1) to 9; clv: quintile of the prediction, 0 to 4; 0 while waiting';
comment on column bi.score_reliability.state is 'matured (the horizon has passed) or waiting';
comment on column bi.score_reliability.scored_as_of is 'as_of_date of the scores compared; while waiting, of the oldest kept; null if there are no scores';
comment on column bi.score_reliability.matures_on is 'first as_of_date at which scored_as_of can be compared';
comment on column bi.score_reliability.customers is 'customers in the bucket; 0 while waiting';
comment on column bi.score_reliability.predicted_mean is 'mean prediction: probability, or minor units';
comment on column bi.score_reliability.realised_mean is 'what happened: share without a paid order in the horizon, or net minor units in it';

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
comment on table core.campaign_event is 'Events that marketing tools report back. Grain: one row per event.';
comment on column core.campaign_event.event_key is 'hash of source and event_id';
comment on column core.campaign_event.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.campaign_event.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.campaign_event.campaign is 'play or campaign';
comment on column core.campaign_event.channel is 'channel used';
comment on column core.campaign_event.kind is 'sent, delivered, opened, clicked, converted, unsubscribed or bounced';
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
create index on core.complaint (customer_key, opened_at);
create index on core.complaint (opened_at) where valid_to is null and resolved_at is null;
comment on table core.complaint is 'Complaint cases as versions: the state that held from valid_from (inclusive) to valid_to (exclusive). The first version holds from the opening. Grain: one row per case and version.';
comment on column core.complaint.complaint_key is 'hash of source and complaint_id';
comment on column core.complaint.valid_from is 'start of validity';
comment on column core.complaint.valid_to is 'end of validity; null for the current version';
comment on column core.complaint.version_at is 'when the source made this state';
comment on column core.complaint.complaint_id is 'the source''s own number';
comment on column core.complaint.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.complaint.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.complaint.order_key is 'order it is about; null if none or unknown';
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
    started_at timestamptz not null,
    renewal_date date,
    fee_minor bigint,
    renewed_at timestamptz,
    cancelled_at timestamptz,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (contract_key)
);
create index on core.contract (customer_key, renewal_date);
comment on table core.contract is 'Contracts, policies and subscriptions in their latest state. Grain: one row per contract.';
comment on column core.contract.contract_key is 'hash of source and contract_id';
comment on column core.contract.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.contract.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.contract.product_key is 'product or plan';
comment on column core.contract.started_at is 'start';
comment on column core.contract.renewal_date is 'date it is up for renewal';
comment on column core.contract.fee_minor is 'fee of one term, minor units of the base currency';
comment on column core.contract.renewed_at is 'when it was renewed';
comment on column core.contract.cancelled_at is 'when it was cancelled';
comment on column core.contract.source is 'source system that delivered the row';
comment on column core.contract.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.contract.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.contract.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.contract.is_simulated is 'true where the simulator made the row';

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
comment on table core.customer_alias is 'Which person each customer number of a source belongs to, by which rule, and since when. Kept for ever, so that send keys, control groups and consent follow a merge. Grain: one row per source customer.';
comment on column core.customer_alias.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.customer_alias.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.customer_alias.rule is 'what linked it: alone, first, email, phone, email+phone';
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
    category text,
    happened_at timestamptz not null,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (mention_key)
);
create index on core.external_mention (happened_at);
comment on table core.external_mention is 'Public comments about the company or its products. Grain: one row per comment.';
comment on column core.external_mention.mention_key is 'hash of source and mention_id';
comment on column core.external_mention.platform is 'where it was published';
comment on column core.external_mention."text" is 'what it says';
comment on column core.external_mention.sentiment is 'positive, neutral or negative, if known';
comment on column core.external_mention.product_key is 'product it is about';
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
comment on column core.holding.source is 'source system that delivered the row';
comment on column core.holding.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.holding.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.holding.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.holding.is_simulated is 'true where the simulator made the row';

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
comment on table core.identity_change is 'Every change of the person a source customer belongs to: the trail of merges and partings, to audit or reverse a link. Grain: one row per change of one source customer.';
comment on column core.identity_change.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.identity_change.changed_at is 'when it changed';
comment on column core.identity_change.old_customer_key is 'person before';
comment on column core.identity_change.customer_key is 'person after';
comment on column core.identity_change.rule is 'rule that holds now';
comment on column core.identity_change.batch_id is 'batch that caused it';

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
create index on core.interaction (customer_key, happened_at) include (channel, kind, direction, dwell_seconds, deleted_at);
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
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (order_key, kind, sequence)
);
create index on core.order_entry (customer_key, happened_at) include (order_count, gross_minor, discount_minor, net_minor, order_number, days_since_previous_order, order_key, deleted_at);
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
create index on core.order_header (customer_key, ordered_at);
create index on core.order_header (source_customer_key);
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
comment on column core.order_header.fx_rate is 'base currency per unit of currency, dated at or before the day of the order';
comment on column core.order_header.gross_minor is 'price before discounts, minor units of the base currency';
comment on column core.order_header.discount_minor is 'discount, minor units of the base currency';
comment on column core.order_header.net_minor is 'gross less discount';
comment on column core.order_header.refund_minor is 'money given back so far, minor units of the base currency';
comment on column core.order_header.gross_original is 'price before discounts in the order''s currency';
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
    returned_quantity numeric not null,
    returned_at timestamptz,
    source text not null,
    batch_id bigint not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_simulated boolean not null,
    primary key (order_key, line_number)
);
create index on core.order_line (customer_key, happened_at) include (order_key, product_key, category_1, quantity, gross_minor, discount_minor, net_minor, returned_quantity, returned_at, deleted_at);
comment on table core.order_line is 'Products on orders. Grain: one row per order and line number.';
comment on column core.order_line.order_key is 'hash of source and order_id';
comment on column core.order_line.line_number is 'number of the line within the order';
comment on column core.order_line.customer_key is 'the person (core.customer_alias follows merges)';
comment on column core.order_line.product_key is 'the product';
comment on column core.order_line.category_1 is 'widest category of the product';
comment on column core.order_line.category_2 is 'second category level';
comment on column core.order_line.happened_at is 'when the order was paid; null if it was not';
comment on column core.order_line.quantity is 'units bought';
comment on column core.order_line.unit_price_minor is 'price of one unit before discounts, minor units of the base currency';
comment on column core.order_line.gross_minor is 'quantity times unit price';
comment on column core.order_line.discount_minor is 'discount on the line';
comment on column core.order_line.net_minor is 'gross less discount';
comment on column core.order_line.returned_quantity is 'units brought back so far';
comment on column core.order_line.returned_at is 'when units last came back';
comment on column core.order_line.source is 'source system that delivered the row';
comment on column core.order_line.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.order_line.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.order_line.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.order_line.is_simulated is 'true where the simulator made the row';

create table core.order_version (
    order_key bigint not null,
    version_at timestamptz not null,
    ordered_at timestamptz not null,
    paid_at timestamptz,
    cancelled_at timestamptz,
    refunded_at timestamptz,
    gross_minor bigint not null,
    discount_minor bigint not null,
    net_minor bigint not null,
    refund_minor bigint not null,
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
comment on column core.order_version.gross_minor is 'price before discounts, minor units of the base currency';
comment on column core.order_version.discount_minor is 'discount, minor units of the base currency';
comment on column core.order_version.net_minor is 'gross less discount';
comment on column core.order_version.refund_minor is 'money given back so far, minor units of the base currency';
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
create index on core.points_entry (customer_key, happened_at) include (kind, points, expires_at);
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
comment on table core.product is 'Products in their latest state. Prices and stock have no history here. Grain: one row per product.';
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
comment on column core.product.stock_on_hand is 'units in stock';
comment on column core.product.is_replenishable is 'customers buy it again and again';
comment on column core.product.source is 'source system that delivered the row';
comment on column core.product.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.product.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.product.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.product.is_simulated is 'true where the simulator made the row';

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
create index on core.referral (customer_key, referred_at);
create index on core.referral (referred_customer_key);
comment on table core.referral is 'Recommendations. Grain: one row per recommendation.';
comment on column core.referral.referral_key is 'hash of source and referral_id';
comment on column core.referral.source_customer_key is 'the customer as the source knows them: keyed hash of source and customer_id, to follow the person when identities merge or part';
comment on column core.referral.customer_key is 'the person who recommended';
comment on column core.referral.referred_source_customer_key is 'the customer who came, as the source knows them';
comment on column core.referral.referred_customer_key is 'the person who came; null until known';
comment on column core.referral.referred_at is 'when it was made';
comment on column core.referral.converted_at is 'when the referred person first bought';
comment on column core.referral.reward_minor is 'reward paid, minor units of the base currency';
comment on column core.referral.source is 'source system that delivered the row';
comment on column core.referral.batch_id is 'batch that last changed the row (ops.batch)';
comment on column core.referral.updated_at is 'when the source last changed the row; when the batch landed if the source does not say';
comment on column core.referral.deleted_at is 'when the source deleted the row; null while it exists. Readers as of a date ignore rows deleted before it';
comment on column core.referral.is_simulated is 'true where the simulator made the row';

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
create index on core.survey_answer (customer_key, happened_at) include (instrument, score, deleted_at);
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
create index on landing.campaign_event (batch_id);
comment on table landing.campaign_event is 'One event that a marketing tool reports back, as delivered. All values are text, with the names mapped to ours; rows that fail a check move to quarantine.row. Grain: one row per event.';
comment on column landing.campaign_event.batch_id is 'the batch that delivered the row (ops.batch)';
comment on column landing.campaign_event.position is 'row number in the table read, or line number in the file, counted from 1';
comment on column landing.campaign_event.file is 'the file the row stood in; null for rows read from a table';
comment on column landing.campaign_event.event_id is 'the tool''s own number of the event';
comment on column landing.campaign_event.campaign is 'campaign (play) that caused it';
comment on column landing.campaign_event.customer_id is 'the source''s own number of the customer';
comment on column landing.campaign_event.send_key is 'the send the event belongs to';
comment on column landing.campaign_event.channel is 'channel used';
comment on column landing.campaign_event.kind is 'sent, delivered, opened, clicked, converted, unsubscribed or bounced';
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
create index on landing.complaint (batch_id);
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
create index on landing.consent (batch_id);
comment on table landing.consent is 'One decision of a customer on one purpose and channel, as delivered. All values are text, with the names mapped to ours; rows that fail a check move to quarantine.row. Grain: one row per decision.';
comment on column landing.consent.batch_id is 'the batch that delivered the row (ops.batch)';
comment on column landing.consent.position is 'row number in the table read, or line number in the file, counted from 1';
comment on column landing.consent.file is 'the file the row stood in; null for rows read from a table';
comment on column landing.consent.consent_id is 'the source''s own number of the decision';
comment on column landing.consent.customer_id is 'the source''s own number of the customer';
comment on column landing.consent.purpose is 'marketing, profiling or ads';
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
create index on landing.contract (batch_id);
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
create index on landing.customer (batch_id);
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
create index on landing.customer_tag (batch_id);
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
create index on landing.external_mention (batch_id);
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
create index on landing.holding (batch_id);
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
create index on landing.interaction (batch_id);
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
create index on landing.market_indicator (batch_id);
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
create index on landing."order" (batch_id);
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
create index on landing.order_line (batch_id);
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
create index on landing.points_entry (batch_id);
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
create index on landing.product (batch_id);
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
create index on landing.referral (batch_id);
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
create index on landing.survey_answer (batch_id);
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
    file text,
    rows_extracted bigint default 0 not null,
    rows_valid bigint default 0 not null,
    rows_quarantined bigint default 0 not null,
    rows_duplicate bigint default 0 not null,
    rows_tombstoned bigint default 0 not null,
    cursor_from text,
    cursor_to text,
    checksum text,
    message text,
    created_at timestamptz default clock_timestamp() not null,
    landed_at timestamptz,
    published_at timestamptz,
    primary key (batch_id)
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
comment on column ops.batch.file is 'File or files it came from, relative to the source; null for a database.';
comment on column ops.batch.rows_extracted is 'Rows delivered by the source.';
comment on column ops.batch.rows_valid is 'Rows that passed validation.';
comment on column ops.batch.rows_quarantined is 'Rows refused, each in quarantine with its reason.';
comment on column ops.batch.rows_duplicate is 'Exact duplicates left out.';
comment on column ops.batch.rows_tombstoned is 'Rows of erased people, dropped.';
comment on column ops.batch.cursor_from is 'Cursor after which it reads; null for a full load.';
comment on column ops.batch.cursor_to is 'Cursor up to which it reads; becomes the next start once published.';
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
comment on column ops.check_result.engine is 'great_expectations or sql';
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
comment on column ops.complaint_breach.closed_at is 'when the late answer was given; null while open';

create table ops.complaint_clock (
    complaint_key bigint not null,
    customer_key bigint,
    category text,
    severity text,
    team text,
    opened_at timestamptz not null,
    acknowledged_at timestamptz,
    first_replied_at timestamptz,
    updated_at timestamptz not null,
    primary key (complaint_key)
);
create index on ops.complaint_clock (opened_at) where acknowledged_at is null or first_replied_at is null;
comment on table ops.complaint_clock is 'The newest known state of every complaint, read from the service desk every ten minutes, long before the day''s core is published. Only what the clock needs: no text, no name. Grain: one row per complaint.';
comment on column ops.complaint_clock.complaint_key is 'keyed hash of source and complaint id, as in core.complaint';
comment on column ops.complaint_clock.customer_key is 'pseudonym of the customer; null if the complaint names none we know';
comment on column ops.complaint_clock.category is 'what the complaint is about';
comment on column ops.complaint_clock.severity is 'minor, medium or severe';
comment on column ops.complaint_clock.team is 'team that has to answer';
comment on column ops.complaint_clock.opened_at is 'when the complaint came in; both clocks start here';
comment on column ops.complaint_clock.acknowledged_at is 'when its receipt was confirmed to the customer; null if not yet';
comment on column ops.complaint_clock.first_replied_at is 'when the first real answer was given; null if not yet';
comment on column ops.complaint_clock.updated_at is 'last change at the source; an older delivery never overwrites a newer one';

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
comment on column ops.published.checksum is 'Order-independent checksum of the slice''s rows; equal after a re-run that changes nothing.';
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

create table pii.contact (
    customer_key bigint not null,
    name text,
    email text,
    phone text,
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
comment on column pii.contact.language is 'language for contact, ISO 639-1';
comment on column pii.contact.birth_date is 'date of birth';
comment on column pii.contact.wedding_anniversary is 'date of the wedding';
comment on column pii.contact.updated_at is 'latest change among the source records';

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
comment on column pii.source_customer.batch_id is 'batch that last changed the row';
comment on column pii.source_customer.updated_at is 'when the source last changed the row';
comment on column pii.source_customer.deleted_at is 'when the source deleted the row';
comment on column pii.source_customer.is_simulated is 'true where the simulator made the row';

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
    batch_id bigint,
    is_simulated boolean default false not null,
    primary key (consent_key)
);
create index on privacy.consent (customer_key, purpose, channel, decided_at);
create index on privacy.consent (source_customer_key);
comment on table privacy.consent is 'Consent ledger, append-only: what each customer decided, on which purpose and channel, when and where. The later decision holds; nothing is ever changed or overwritten. Grain: one row per decision.';
comment on column privacy.consent.consent_key is 'hash of source and the source''s number of the decision';
comment on column privacy.consent.source_customer_key is 'the customer as the source knows them; null for decisions taken by the person in a tool';
comment on column privacy.consent.customer_key is 'the person (core.customer_alias follows merges)';
comment on column privacy.consent.purpose is 'marketing, profiling or ads';
comment on column privacy.consent.channel is 'email, sms, phone, wechat, app, post, or all';
comment on column privacy.consent.decision is 'granted or withdrawn';
comment on column privacy.consent.decided_at is 'when the customer decided';
comment on column privacy.consent.recorded_at is 'when it was written here';
comment on column privacy.consent.origin is 'where the decision was taken';
comment on column privacy.consent.source is 'source system, or the tool that reported it';
comment on column privacy.consent.batch_id is 'batch that delivered it; null if not from a batch';
comment on column privacy.consent.is_simulated is 'true where the simulator made the row';

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
    state text default 'open' not null,
    created_at timestamptz default now() not null,
    changed_at timestamptz,
    run_id text,
    primary key (quarantine_id)
);
create index on quarantine.row (batch_id);
create index on quarantine.row (business_date, rule);
create index on quarantine.row (source, entity, state);
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
comment on column quarantine.row.state is 'open, fixed (repaired, waiting for replay), replayed or discarded';
comment on column quarantine.row.created_at is 'when it was refused';
comment on column quarantine.row.changed_at is 'when its state last changed';
comment on column quarantine.row.run_id is 'run that refused it';

create view privacy.consent_current (customer_key, purpose, channel, decision, decided_at, origin, source) as
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
        consent.decided_at,
        consent.origin,
        consent.source,
        consent.consent_key
    from privacy.consent
    inner join channels on consent.channel in (channels.channel, 'all')
)

select distinct on (customer_key, purpose, channel)
    customer_key,
    purpose,
    channel,
    decision,
    decided_at,
    origin,
    source
from decisions
order by customer_key, purpose, channel, decided_at desc, decision desc, consent_key;
comment on view privacy.consent_current is 'What holds now: the latest decision of each person on each purpose and channel. A decision on channel ''all'' covers every channel; of two at the same instant the withdrawal holds. Grain: one row per person, purpose and channel.';
comment on column privacy.consent_current.customer_key is 'the person';
comment on column privacy.consent_current.purpose is 'marketing, profiling or ads';
comment on column privacy.consent_current.channel is 'email, sms, phone, wechat, app or post';
comment on column privacy.consent_current.decision is 'granted or withdrawn';
comment on column privacy.consent_current.decided_at is 'when the decision that holds was taken';
comment on column privacy.consent_current.origin is 'where it was taken';
comment on column privacy.consent_current.source is 'source of the decision';
