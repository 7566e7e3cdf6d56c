-- Generated from include/sql by `python -m retention.warehouse.ddl --write`. Do not edit.

create schema if not exists marketing;
comment on schema marketing is 'What marketing tools read and report: the contract between the pipeline and them.';

create schema if not exists staging;
comment on schema staging is 'Audiences being pushed; nobody reads them before they are published.';

create schema if not exists ops;
comment on schema ops is 'Version of this database''s layout.';

create table marketing.acknowledgement (
    send_key text not null,
    tool text not null,
    acknowledged_at timestamptz default now() not null,
    primary key (send_key)
);
comment on table marketing.acknowledgement is 'A tool says that it has taken a row over; sendable does not show that row again. Grain: one row per acknowledged send_key.';
comment on column marketing.acknowledgement.send_key is 'the row taken over';
comment on column marketing.acknowledgement.tool is 'which tool';
comment on column marketing.acknowledgement.acknowledged_at is 'when';

create table marketing.address_refusal (
    address_hash text not null,
    channel text not null,
    purpose text not null,
    customer_key bigint not null,
    refused_at timestamptz not null,
    is_held boolean not null,
    primary key (address_hash, channel, purpose, customer_key)
);
create index on marketing.address_refusal (customer_key);
comment on table marketing.address_refusal is 'Addresses at which somebody refused, by keyed hash. sendable hides everybody else who has the address, for that purpose and channel. Grain: one row per address, channel, purpose and person who refused.';
comment on column marketing.address_refusal.address_hash is 'hex HMAC-SHA-256 of the normalised address under the pepper';
comment on column marketing.address_refusal.channel is 'email, sms or phone';
comment on column marketing.address_refusal.purpose is 'marketing or ads';
comment on column marketing.address_refusal.customer_key is 'the person who refused';
comment on column marketing.address_refusal.refused_at is 'when';
comment on column marketing.address_refusal.is_held is 'true while the one who refused has the address; after that a later grant of another holder opens it for that holder';

create table marketing.audience_change (
    sequence bigint generated always as identity not null,
    sync_id bigint not null,
    change text not null,
    reason text,
    campaign text not null,
    customer_key bigint not null,
    customer_id text,
    kind text not null,
    purpose text not null,
    uses_profiling boolean not null,
    channel text not null,
    offer text not null,
    offer_terms text not null,
    content_key text not null,
    language text not null,
    priority integer not null,
    valid_from timestamptz not null,
    valid_until timestamptz not null,
    not_before time,
    not_after time,
    time_zone text,
    service_tier text,
    lifecycle_stage text,
    churn_band text,
    value_band text,
    reasons_en text not null,
    reasons_zh text not null,
    send_key text not null,
    joined_on date not null,
    changed_at timestamptz default now() not null,
    primary key (sequence)
);
create index on marketing.audience_change (sync_id);
create index on marketing.audience_change (customer_key);
comment on table marketing.audience_change is 'Every change of every audience, append-only, for tools that follow by difference: replayed in order it gives campaign_audience. It tells who belongs to an audience, not who may be contacted: before a message goes out its send_key must be in sendable. Grain: one row per change of one membership.';
comment on column marketing.audience_change.sequence is 'grows with every change; pushes take turns, so whoever has read up to a number has missed nothing below it';
comment on column marketing.audience_change.sync_id is 'the push that made the change (audience_sync)';
comment on column marketing.audience_change.change is 'added, updated or removed';
comment on column marketing.audience_change.reason is 'why it was removed: the first rule that failed, not_in_audience, expired or gone; null for other changes';
comment on column marketing.audience_change.campaign is 'the play this membership belongs to';
comment on column marketing.audience_change.customer_key is 'the person''s keyed pseudonym, the same in every table here';
comment on column marketing.audience_change.customer_id is 'the number under which the first source of the person, normally the CRM, knows them';
comment on column marketing.audience_change.kind is 'promotional or service; staff plays are in staff_task';
comment on column marketing.audience_change.purpose is 'consent purpose that sendable checks at read time: marketing needs a grant, service only the absence of a withdrawal';
comment on column marketing.audience_change.uses_profiling is 'true where predictions chose the person: a withdrawn profiling consent hides the row';
comment on column marketing.audience_change.channel is 'channel to use, and no other: consent was checked for it';
comment on column marketing.audience_change.offer is 'code of the offer; none when the message carries none';
comment on column marketing.audience_change.offer_terms is 'what the offer grants, as a JSON object: kind, amount_minor or percent, labels in English and Chinese';
comment on column marketing.audience_change.content_key is 'key of the message''s content in the marketing tool';
comment on column marketing.audience_change.language is 'language to write in, ISO 639-1';
comment on column marketing.audience_change.priority is 'priority of the play; greater goes first';
comment on column marketing.audience_change.valid_from is 'not to be used before';
comment on column marketing.audience_change.valid_until is 'not to be used at or after; sendable hides it then';
comment on column marketing.audience_change.not_before is 'to be used no earlier in the day than this, in time_zone: quiet hours; null where they do not apply';
comment on column marketing.audience_change.not_after is 'to be used no later in the day than this, in time_zone; null where quiet hours do not apply';
comment on column marketing.audience_change.time_zone is 'time zone of the person; the company''s where that is not known; null where quiet hours do not apply';
comment on column marketing.audience_change.service_tier is 'service tier when the membership began';
comment on column marketing.audience_change.lifecycle_stage is 'lifecycle stage when the membership began';
comment on column marketing.audience_change.churn_band is 'churn probability when the membership began: low below 0.25, middle below 0.5, high from there; null without a score';
comment on column marketing.audience_change.value_band is 'predicted value when the membership began against the cut-off of the value matrix: high or low; null without a score';
comment on column marketing.audience_change.reasons_en is 'why this person is in, in English';
comment on column marketing.audience_change.reasons_zh is 'why this person is in, in Chinese';
comment on column marketing.audience_change.send_key is 'unique for ever per campaign, channel, period and customer: a tool that remembers the keys it used never sends twice';
comment on column marketing.audience_change.joined_on is 'as-of date on which the membership began';
comment on column marketing.audience_change.changed_at is 'when the push changed it';

create table marketing.audience_stage (
    token bigint not null,
    campaign text not null,
    customer_key bigint not null,
    customer_id text,
    kind text not null,
    purpose text not null,
    uses_profiling boolean not null,
    channel text not null,
    offer text not null,
    offer_terms text not null,
    content_key text not null,
    language text not null,
    priority integer not null,
    valid_from timestamptz not null,
    valid_until timestamptz not null,
    not_before time,
    not_after time,
    time_zone text,
    service_tier text,
    lifecycle_stage text,
    churn_band text,
    value_band text,
    reasons_en text not null,
    reasons_zh text not null,
    send_key text not null,
    joined_on date not null,
    account_owner text,
    title_en text,
    title_zh text,
    talking_points_en text,
    talking_points_zh text,
    opening_minor bigint,
    midpoint_minor bigint,
    ceiling_minor bigint,
    email text,
    phone text,
    primary key (token, campaign, customer_key)
);
comment on table marketing.audience_stage is 'Members and staff tasks of a push that is being prepared, by its token. Nobody reads it but the push itself, which empties it; rows that a dead push left are dropped by the next. Grain: one row per token, campaign and customer.';
comment on column marketing.audience_stage.token is 'fencing token of the push';
comment on column marketing.audience_stage.campaign is 'the play this membership belongs to';
comment on column marketing.audience_stage.customer_key is 'the person''s keyed pseudonym, the same in every table here';
comment on column marketing.audience_stage.customer_id is 'the number under which the first source of the person, normally the CRM, knows them';
comment on column marketing.audience_stage.kind is 'promotional or service; staff plays are in staff_task';
comment on column marketing.audience_stage.purpose is 'consent purpose that sendable checks at read time: marketing needs a grant, service only the absence of a withdrawal';
comment on column marketing.audience_stage.uses_profiling is 'true where predictions chose the person: a withdrawn profiling consent hides the row';
comment on column marketing.audience_stage.channel is 'channel to use, and no other: consent was checked for it';
comment on column marketing.audience_stage.offer is 'code of the offer; none when the message carries none';
comment on column marketing.audience_stage.offer_terms is 'what the offer grants, as a JSON object: kind, amount_minor or percent, labels in English and Chinese';
comment on column marketing.audience_stage.content_key is 'key of the message''s content in the marketing tool';
comment on column marketing.audience_stage.language is 'language to write in, ISO 639-1';
comment on column marketing.audience_stage.priority is 'priority of the play; greater goes first';
comment on column marketing.audience_stage.valid_from is 'not to be used before';
comment on column marketing.audience_stage.valid_until is 'not to be used at or after; sendable hides it then';
comment on column marketing.audience_stage.not_before is 'to be used no earlier in the day than this, in time_zone: quiet hours; null where they do not apply';
comment on column marketing.audience_stage.not_after is 'to be used no later in the day than this, in time_zone; null where quiet hours do not apply';
comment on column marketing.audience_stage.time_zone is 'time zone of the person; the company''s where that is not known; null where quiet hours do not apply';
comment on column marketing.audience_stage.service_tier is 'service tier when the membership began';
comment on column marketing.audience_stage.lifecycle_stage is 'lifecycle stage when the membership began';
comment on column marketing.audience_stage.churn_band is 'churn probability when the membership began: low below 0.25, middle below 0.5, high from there; null without a score';
comment on column marketing.audience_stage.value_band is 'predicted value when the membership began against the cut-off of the value matrix: high or low; null without a score';
comment on column marketing.audience_stage.reasons_en is 'why this person is in, in English';
comment on column marketing.audience_stage.reasons_zh is 'why this person is in, in Chinese';
comment on column marketing.audience_stage.send_key is 'unique for ever per campaign, channel, period and customer: a tool that remembers the keys it used never sends twice';
comment on column marketing.audience_stage.joined_on is 'as-of date on which the membership began';
comment on column marketing.audience_stage.account_owner is 'who looks after the customer; null: the team decides';
comment on column marketing.audience_stage.title_en is 'what to do, in English';
comment on column marketing.audience_stage.title_zh is 'what to do, in Chinese';
comment on column marketing.audience_stage.talking_points_en is 'what to know for the conversation, in English';
comment on column marketing.audience_stage.talking_points_zh is 'what to know for the conversation, in Chinese';
comment on column marketing.audience_stage.opening_minor is 'offer to open with, minor units of the base currency; null without a negotiation';
comment on column marketing.audience_stage.midpoint_minor is 'half way between opening and ceiling: where to meet';
comment on column marketing.audience_stage.ceiling_minor is 'most that may be granted; above it a manager decides';
comment on column marketing.audience_stage.email is 'plain address, only where the settings push contact details';
comment on column marketing.audience_stage.phone is 'plain number, only where the settings push contact details';

create table marketing.audience_sync (
    sync_id bigint generated always as identity not null,
    stream text not null,
    business_date date not null,
    as_of_date date not null,
    token bigint not null,
    state text not null,
    rows_total bigint not null,
    rows_added bigint not null,
    rows_updated bigint not null,
    rows_removed bigint not null,
    rows_refused bigint not null,
    rows_withheld bigint default 0 not null,
    tasks_added bigint not null,
    tasks_withdrawn bigint not null,
    checksum text not null,
    environment text not null,
    run_id text not null,
    population bigint default 0 not null,
    approval_id bigint,
    approved_by text,
    approval_reason text,
    pushed_at timestamptz default now() not null,
    primary key (sync_id)
);
create unique index on marketing.audience_sync (stream, token);
create index on marketing.audience_sync (stream, business_date);
comment on table marketing.audience_sync is 'One row per push, written in the same transaction as the rows it counts: what is here happened, what is not here did not. Grain: one row per push.';
comment on column marketing.audience_sync.sync_id is 'grows with every push';
comment on column marketing.audience_sync.stream is 'what is pushed; audience';
comment on column marketing.audience_sync.business_date is 'the closed business day it was made from';
comment on column marketing.audience_sync.as_of_date is 'the day after: the day the audiences are for';
comment on column marketing.audience_sync.token is 'fencing token of the push; grows from push to push';
comment on column marketing.audience_sync.state is 'committed: everything planned is here; needs_approval: changes over a budget wait for somebody''s approval, everything else is here';
comment on column marketing.audience_sync.rows_total is 'members over all campaigns after the push';
comment on column marketing.audience_sync.rows_added is 'members who joined';
comment on column marketing.audience_sync.rows_updated is 'members whose row changed';
comment on column marketing.audience_sync.rows_removed is 'members who left';
comment on column marketing.audience_sync.rows_refused is 'members left out because their send_key had been used before';
comment on column marketing.audience_sync.rows_withheld is 'changes of members and staff tasks that wait for approval';
comment on column marketing.audience_sync.tasks_added is 'staff tasks made';
comment on column marketing.audience_sync.tasks_withdrawn is 'staff tasks whose reason went away';
comment on column marketing.audience_sync.checksum is 'sum over the members of the first 60 bits of md5(campaign|customer_key|send_key|channel|offer); the order of rows does not matter';
comment on column marketing.audience_sync.environment is 'environment of the pipeline that pushed';
comment on column marketing.audience_sync.run_id is 'run that pushed';
comment on column marketing.audience_sync.population is 'customers the plan looked at: base of the guard''s shares, and what the next push compares its own with';
comment on column marketing.audience_sync.approval_id is 'approval that was used (campaigns.approval of the warehouse); null when none was needed';
comment on column marketing.audience_sync.approved_by is 'who approved changes over the budget; null when none was needed';
comment on column marketing.audience_sync.approval_reason is 'the reason given';
comment on column marketing.audience_sync.pushed_at is 'when';

create table marketing.audience_sync_play (
    sync_id bigint not null,
    campaign text not null,
    as_of_date date not null,
    rows_total bigint not null,
    rows_added bigint not null,
    rows_updated bigint not null,
    rows_removed bigint not null,
    joins bigint default 0 not null,
    leaves bigint default 0 not null,
    joins_withheld bigint not null,
    leaves_withheld bigint not null,
    updates_withheld bigint not null,
    primary key (sync_id, campaign)
);
create index on marketing.audience_sync_play (campaign, as_of_date);
comment on table marketing.audience_sync_play is 'What one push did to one audience, and what it left: the sizes by which the guard knows what is usual, because they were delivered and not only planned. Written in the same transaction as the rows it counts. Grain: one row per push and campaign.';
comment on column marketing.audience_sync_play.sync_id is 'the push (audience_sync)';
comment on column marketing.audience_sync_play.campaign is 'the play';
comment on column marketing.audience_sync_play.as_of_date is 'the day the audience is for';
comment on column marketing.audience_sync_play.rows_total is 'members after the push; open tasks for a staff play';
comment on column marketing.audience_sync_play.rows_added is 'members who joined, tasks made';
comment on column marketing.audience_sync_play.rows_updated is 'members whose row changed';
comment on column marketing.audience_sync_play.rows_removed is 'members who left, tasks withdrawn';
comment on column marketing.audience_sync_play.joins is 'of these, who counts against the guard''s budget of the day: joined, or began anew in the place of a membership that had run out';
comment on column marketing.audience_sync_play.leaves is 'members who left, and tasks withdrawn, that count against the guard''s budget of the day: not expired, not moved, and not because somebody said no';
comment on column marketing.audience_sync_play.joins_withheld is 'who would have joined, and waits for approval';
comment on column marketing.audience_sync_play.leaves_withheld is 'who would have left, and waits for approval';
comment on column marketing.audience_sync_play.updates_withheld is 'whose row would have changed, and waits for approval';

create table marketing.campaign_audience (
    campaign text not null,
    customer_key bigint not null,
    customer_id text,
    kind text not null,
    purpose text not null,
    uses_profiling boolean not null,
    channel text not null,
    offer text not null,
    offer_terms text not null,
    content_key text not null,
    language text not null,
    priority integer not null,
    valid_from timestamptz not null,
    valid_until timestamptz not null,
    not_before time,
    not_after time,
    time_zone text,
    service_tier text,
    lifecycle_stage text,
    churn_band text,
    value_band text,
    reasons_en text not null,
    reasons_zh text not null,
    send_key text not null,
    joined_on date not null,
    sync_id bigint not null,
    primary key (campaign, customer_key)
);
create unique index on marketing.campaign_audience (send_key);
create index on marketing.campaign_audience (customer_key);
comment on table marketing.campaign_audience is 'Who is in which audience now, as of the newest push. Tools do not read it: they read sendable, which leaves out whoever may not be contacted at that moment. Grain: one row per campaign and customer.';
comment on column marketing.campaign_audience.campaign is 'the play this membership belongs to';
comment on column marketing.campaign_audience.customer_key is 'the person''s keyed pseudonym, the same in every table here';
comment on column marketing.campaign_audience.customer_id is 'the number under which the first source of the person, normally the CRM, knows them';
comment on column marketing.campaign_audience.kind is 'promotional or service; staff plays are in staff_task';
comment on column marketing.campaign_audience.purpose is 'consent purpose that sendable checks at read time: marketing needs a grant, service only the absence of a withdrawal';
comment on column marketing.campaign_audience.uses_profiling is 'true where predictions chose the person: a withdrawn profiling consent hides the row';
comment on column marketing.campaign_audience.channel is 'channel to use, and no other: consent was checked for it';
comment on column marketing.campaign_audience.offer is 'code of the offer; none when the message carries none';
comment on column marketing.campaign_audience.offer_terms is 'what the offer grants, as a JSON object: kind, amount_minor or percent, labels in English and Chinese';
comment on column marketing.campaign_audience.content_key is 'key of the message''s content in the marketing tool';
comment on column marketing.campaign_audience.language is 'language to write in, ISO 639-1';
comment on column marketing.campaign_audience.priority is 'priority of the play; greater goes first';
comment on column marketing.campaign_audience.valid_from is 'not to be used before';
comment on column marketing.campaign_audience.valid_until is 'not to be used at or after; sendable hides it then';
comment on column marketing.campaign_audience.not_before is 'to be used no earlier in the day than this, in time_zone: quiet hours; null where they do not apply';
comment on column marketing.campaign_audience.not_after is 'to be used no later in the day than this, in time_zone; null where quiet hours do not apply';
comment on column marketing.campaign_audience.time_zone is 'time zone of the person; the company''s where that is not known; null where quiet hours do not apply';
comment on column marketing.campaign_audience.service_tier is 'service tier when the membership began';
comment on column marketing.campaign_audience.lifecycle_stage is 'lifecycle stage when the membership began';
comment on column marketing.campaign_audience.churn_band is 'churn probability when the membership began: low below 0.25, middle below 0.5, high from there; null without a score';
comment on column marketing.campaign_audience.value_band is 'predicted value when the membership began against the cut-off of the value matrix: high or low; null without a score';
comment on column marketing.campaign_audience.reasons_en is 'why this person is in, in English';
comment on column marketing.campaign_audience.reasons_zh is 'why this person is in, in Chinese';
comment on column marketing.campaign_audience.send_key is 'unique for ever per campaign, channel, period and customer: a tool that remembers the keys it used never sends twice';
comment on column marketing.campaign_audience.joined_on is 'as-of date on which the membership began';
comment on column marketing.campaign_audience.sync_id is 'the push that last wrote this row (audience_sync)';

create table marketing.campaign_event (
    event_id bigint generated always as identity not null,
    campaign text not null,
    customer_key bigint not null,
    send_key text,
    channel text not null,
    kind text not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz default now() not null,
    primary key (event_id)
);
create index on marketing.campaign_event (customer_key, channel, occurred_at) where kind in ('unsubscribed', 'complained');
create index on marketing.campaign_event (recorded_at);
comment on table marketing.campaign_event is 'What marketing tools report back: they insert, nobody updates. The pipeline reads it as a source; an unsubscribed or complained event hides the person from sendable at once, before the pipeline has read it. Grain: one row per reported event.';
comment on column marketing.campaign_event.event_id is 'grows with every insert; the cursor of the reader';
comment on column marketing.campaign_event.campaign is 'the campaign the event belongs to, as in campaign_audience';
comment on column marketing.campaign_event.customer_key is 'the person''s keyed pseudonym, as in campaign_audience';
comment on column marketing.campaign_event.send_key is 'the send_key that was used; null for events without a message of ours';
comment on column marketing.campaign_event.channel is 'email, sms, phone, wechat, app, post; all for an unsubscribe from everything';
comment on column marketing.campaign_event.kind is 'sent, delivered, opened, clicked, converted, unsubscribed, complained (reported as spam: as good as unsubscribed) or bounced (undeliverable: no decision of anybody)';
comment on column marketing.campaign_event.occurred_at is 'when it happened, by the tool''s clock';
comment on column marketing.campaign_event.recorded_at is 'when this row was inserted';

create table marketing.consent_feed (
    feed text not null,
    heartbeat_at timestamptz not null,
    token bigint,
    primary key (feed)
);
comment on table marketing.consent_feed is 'The heartbeat of each consent feed. It beats even when no decision changed; sendable shows nothing once the newest beat is older than the hours stored in marketing.setting. Grain: one row per feed.';
comment on column marketing.consent_feed.feed is 'name of the feed; the pipeline''s own is called consent';
comment on column marketing.consent_feed.heartbeat_at is 'when the feed last wrote everything it knew';
comment on column marketing.consent_feed.token is 'fencing token of the newest sync; an older one that wakes up late is refused';

create table marketing.consent_state (
    customer_key bigint not null,
    purpose text not null,
    channel text not null,
    decision text not null,
    decided_at timestamptz not null,
    updated_at timestamptz default now() not null,
    primary key (customer_key, purpose, channel)
);
comment on table marketing.consent_state is 'The latest consent decision per person, purpose and channel, as the consent feed last saw it. sendable reads it at the moment a tool asks, so that a withdrawal works without a rebuild. Grain: one row per customer_key, purpose and channel.';
comment on column marketing.consent_state.customer_key is 'the person''s keyed pseudonym';
comment on column marketing.consent_state.purpose is 'what was decided about: marketing, profiling, ads or service';
comment on column marketing.consent_state.channel is 'email, sms, phone, wechat, app, post; all covers every channel';
comment on column marketing.consent_state.decision is 'granted or withdrawn; on equal times withdrawn wins';
comment on column marketing.consent_state.decided_at is 'when the person decided';
comment on column marketing.consent_state.updated_at is 'when the feed wrote this row';

create table marketing.contact (
    customer_key bigint not null,
    email text,
    phone text,
    primary key (customer_key)
);
comment on table marketing.contact is 'Plain addresses of current members, only where the settings push them; a row goes when its person is in no audience any more. Grain: one row per current member.';
comment on column marketing.contact.customer_key is 'the person''s keyed pseudonym';
comment on column marketing.contact.email is 'normalised e-mail address';
comment on column marketing.contact.phone is 'telephone number, E.164';

create table marketing.contact_hold (
    customer_key bigint not null,
    reason text not null,
    since timestamptz not null,
    rests_until timestamptz,
    updated_at timestamptz default now() not null,
    primary key (customer_key, reason)
);
comment on table marketing.contact_hold is 'People to whom no promotion goes for the time being, because a complaint of theirs is open or was resolved a short while ago. sendable reads it at the moment a tool asks; brought up to date every ten minutes, and with every push. Service messages and staff tasks go on. Grain: one row per person and reason.';
comment on column marketing.contact_hold.customer_key is 'the person''s keyed pseudonym';
comment on column marketing.contact_hold.reason is 'why promotion rests; complaint';
comment on column marketing.contact_hold.since is 'when the earliest of the cases was opened';
comment on column marketing.contact_hold.rests_until is 'from when on promotion may go again; null while a case is open';
comment on column marketing.contact_hold.updated_at is 'when the row last changed';

create table marketing.issued_send_key (
    send_key text not null,
    customer_key bigint not null,
    sync_id bigint not null,
    primary key (send_key)
);
create index on marketing.issued_send_key (customer_key);
comment on table marketing.issued_send_key is 'Every send_key ever handed out. A key in here is never handed out again, even when the pipeline lost its own receipts (a warehouse restored from a backup). Grain: one row per send_key.';
comment on column marketing.issued_send_key.send_key is 'the key';
comment on column marketing.issued_send_key.customer_key is 'the person it was made for';
comment on column marketing.issued_send_key.sync_id is 'the push that handed it out';

create table marketing.push_state (
    stream text not null,
    business_date date,
    token bigint not null,
    sync_id bigint,
    updated_at timestamptz default now() not null,
    primary key (stream)
);
comment on table marketing.push_state is 'How far each stream has come. A push locks its row, refuses an older day and an older token, and moves it in the transaction that writes the rows. Grain: one row per stream.';
comment on column marketing.push_state.stream is 'what is pushed; audience';
comment on column marketing.push_state.business_date is 'newest business day pushed; null before the first';
comment on column marketing.push_state.token is 'fencing token of the newest push';
comment on column marketing.push_state.sync_id is 'the newest push (audience_sync)';
comment on column marketing.push_state.updated_at is 'when it moved';

create table marketing.setting (
    name text not null,
    value text not null,
    primary key (name)
);
comment on table marketing.setting is 'Numbers that the views of this database need, written by the push from the pipeline''s settings. Grain: one row per setting.';
comment on column marketing.setting.name is 'environment or consent_heartbeat_hours';
comment on column marketing.setting.value is 'its value';

create table marketing.shared_address (
    customer_key bigint not null,
    channel text not null,
    address_hash text not null,
    primary key (customer_key, channel, address_hash)
);
create index on marketing.shared_address (address_hash, channel);
comment on table marketing.shared_address is 'Who has an address together with somebody else, or one at which somebody refused, by keyed hash: what sendable needs to let one opt-out bind everybody who has the address. Addresses that only one person has, and nobody refused at, are not here. Grain: one row per address, channel and person who has it.';
comment on column marketing.shared_address.customer_key is 'the person''s keyed pseudonym';
comment on column marketing.shared_address.channel is 'email, sms or phone';
comment on column marketing.shared_address.address_hash is 'hex HMAC-SHA-256 of the normalised address under the pepper';

create table marketing.staff_task (
    send_key text not null,
    campaign text not null,
    customer_key bigint not null,
    customer_id text,
    purpose text not null,
    uses_profiling boolean not null,
    state text not null,
    priority integer not null,
    language text not null,
    offer text not null,
    offer_terms text not null,
    due_from timestamptz not null,
    due_until timestamptz not null,
    account_owner text,
    title_en text,
    title_zh text,
    talking_points_en text,
    talking_points_zh text,
    opening_minor bigint,
    midpoint_minor bigint,
    ceiling_minor bigint,
    reasons_en text not null,
    reasons_zh text not null,
    sync_id bigint not null,
    withdrawn_by bigint,
    joined_on date not null,
    created_at timestamptz default now() not null,
    primary key (send_key)
);
create index on marketing.staff_task (account_owner) where state = 'open';
create index on marketing.staff_task (customer_key);
comment on table marketing.staff_task is 'Calls and visits for people, not for tools, with what to know and what may be offered. Staff do not read it: they read task_list, which leaves out whoever may not be called at that moment. Grain: one row per task.';
comment on column marketing.staff_task.send_key is 'unique for ever per campaign, period and customer';
comment on column marketing.staff_task.campaign is 'the play this membership belongs to';
comment on column marketing.staff_task.customer_key is 'the person''s keyed pseudonym, the same in every table here';
comment on column marketing.staff_task.customer_id is 'the number under which the CRM knows the person';
comment on column marketing.staff_task.purpose is 'consent purpose that task_list checks at read time: marketing needs a grant for calls, service only that nobody said no to them';
comment on column marketing.staff_task.uses_profiling is 'true where predictions chose the person: a withdrawn profiling consent hides the task';
comment on column marketing.staff_task.state is 'open; withdrawn when the reason went away; done once staff say so';
comment on column marketing.staff_task.priority is 'greater goes first';
comment on column marketing.staff_task.language is 'language to speak, ISO 639-1';
comment on column marketing.staff_task.offer is 'code of the offer; none without one';
comment on column marketing.staff_task.offer_terms is 'what the offer grants, as a JSON object';
comment on column marketing.staff_task.due_from is 'not before';
comment on column marketing.staff_task.due_until is 'to be done before';
comment on column marketing.staff_task.account_owner is 'who looks after the customer; null: the team decides';
comment on column marketing.staff_task.title_en is 'what to do, in English';
comment on column marketing.staff_task.title_zh is 'what to do, in Chinese';
comment on column marketing.staff_task.talking_points_en is 'what to know for the conversation, in English';
comment on column marketing.staff_task.talking_points_zh is 'what to know for the conversation, in Chinese';
comment on column marketing.staff_task.opening_minor is 'offer to open with, minor units of the base currency; null without a negotiation';
comment on column marketing.staff_task.midpoint_minor is 'half way between opening and ceiling: where to meet';
comment on column marketing.staff_task.ceiling_minor is 'most that may be granted; above it a manager decides';
comment on column marketing.staff_task.reasons_en is 'why this person, in English';
comment on column marketing.staff_task.reasons_zh is 'why this person, in Chinese';
comment on column marketing.staff_task.sync_id is 'the push that made the task';
comment on column marketing.staff_task.withdrawn_by is 'the push that withdrew it';
comment on column marketing.staff_task.joined_on is 'as-of date on which the task was made';
comment on column marketing.staff_task.created_at is 'when it was made';

create table marketing.suppression (
    customer_key bigint not null,
    since timestamptz default now() not null,
    primary key (customer_key)
);
comment on table marketing.suppression is 'People who must not be contacted through any channel, whatever they consented to. Read by sendable at read time. Grain: one row per customer_key.';
comment on column marketing.suppression.customer_key is 'the person''s keyed pseudonym';
comment on column marketing.suppression.since is 'from when on';

create table marketing.target_event (
    target text not null,
    event_id bigint not null,
    primary key (target, event_id)
);
comment on table marketing.target_event is 'Events of further targets that have been entered in campaign_event and not been marked as read at their target yet: what keeps one event from being entered twice when a feed dies between the two databases. Grain: one row per target and event.';
comment on column marketing.target_event.target is 'name of the target, as in include/targets';
comment on column marketing.target_event.event_id is 'number of the event at the target';

create view marketing.permitted (campaign, customer_key, customer_id, kind, purpose, uses_profiling, channel, offer, offer_terms, content_key, language, priority, valid_from, valid_until, not_before, not_after, time_zone, service_tier, lifecycle_stage, churn_band, value_band, reasons_en, reasons_zh, send_key, joined_on) with (security_barrier = true) as
-- with (security_barrier = true)
-- marketing.permitted: members whom nobody has to leave alone. Everything that can say no is looked up at the moment of reading.
select
    member.campaign,
    member.customer_key,
    member.customer_id,
    member.kind,
    member.purpose,
    member.uses_profiling,
    member.channel,
    member.offer,
    member.offer_terms,
    member.content_key,
    member.language,
    member.priority,
    member.valid_from,
    member.valid_until,
    member.not_before,
    member.not_after,
    member.time_zone,
    member.service_tier,
    member.lifecycle_stage,
    member.churn_band,
    member.value_band,
    member.reasons_en,
    member.reasons_zh,
    member.send_key,
    member.joined_on
from marketing.campaign_audience as member
left join lateral (
    select
        consent.decision,
        consent.decided_at
    from marketing.consent_state as consent
    where
        consent.customer_key = member.customer_key
        and consent.purpose = member.purpose
        and consent.channel in (member.channel, 'all')
    order by consent.decided_at desc, consent.decision desc
    limit 1
) as consent on true
where
    -- Promotion needs a grant; a service message only that nobody said no.
    coalesce(consent.decision, case when member.purpose = 'service' then 'granted' end) = 'granted'
    and not exists (
        select 1
        from marketing.suppression
        where suppression.customer_key = member.customer_key
    )
    and not (
        member.uses_profiling
        and exists (
            select 1
            from (
                select profiling.decision
                from marketing.consent_state as profiling
                where
                    profiling.customer_key = member.customer_key
                    and profiling.purpose = 'profiling'
                    and profiling.channel in (member.channel, 'all')
                order by profiling.decided_at desc, profiling.decision desc
                limit 1
            ) as latest
            where latest.decision = 'withdrawn'
        )
    )
    -- Promotion rests while a complaint is open and for some days after; a service message is how it is made good.
    and not (
        member.kind = 'promotional'
        and exists (
            select 1
            from marketing.contact_hold as hold
            where hold.customer_key = member.customer_key and (hold.rests_until is null or hold.rests_until > now())
        )
    )
    -- An unsubscribe counts before the pipeline has read it. From service messages one unsubscribes by campaign.
    and not exists (
        select 1
        from marketing.campaign_event as event
        where
            event.customer_key = member.customer_key
            and event.kind in ('unsubscribed', 'complained')
            and (event.channel in (member.channel, 'all') or event.channel not in ('email', 'sms', 'phone', 'wechat', 'app', 'post'))
            and (member.purpose <> 'service' or event.campaign = member.campaign)
            and event.occurred_at >= coalesce(consent.decided_at, '-infinity')
    )
    -- One opt-out by address binds everybody who has the address.
    and not exists (
        select 1
        from marketing.shared_address as mine
        inner join marketing.address_refusal as refusal
            on mine.address_hash = refusal.address_hash and mine.channel = refusal.channel
        where
            mine.customer_key = member.customer_key
            and mine.channel = member.channel
            and refusal.customer_key <> mine.customer_key
            and refusal.purpose = member.purpose
            and (refusal.is_held or refusal.refused_at >= coalesce(consent.decided_at, '-infinity'))
    )
    -- So does an unsubscribe which the pipeline has not read yet, unless whoever sent it has agreed again since.
    and not exists (
        select 1
        from marketing.shared_address as mine
        inner join marketing.shared_address as other
            on mine.address_hash = other.address_hash and mine.channel = other.channel
        inner join marketing.campaign_event as event on other.customer_key = event.customer_key
        where
            mine.customer_key = member.customer_key
            and mine.channel = member.channel
            and other.customer_key <> mine.customer_key
            and member.purpose = 'marketing'
            and event.kind in ('unsubscribed', 'complained')
            and (event.channel in (member.channel, 'all') or event.channel not in ('email', 'sms', 'phone', 'wechat', 'app', 'post'))
            and not exists (
                select 1
                from marketing.consent_state as since
                where
                    since.customer_key = other.customer_key
                    and since.purpose = 'marketing'
                    and since.channel in (member.channel, 'all')
                    and since.decision = 'granted'
                    and since.decided_at > event.occurred_at
            )
    );
comment on view marketing.permitted is 'Members whom nobody has to leave alone: consent, profiling, suppression, complaints, unsubscribes and shared addresses are looked up when the view is read. sendable adds the clock, the heartbeat of consent and who took a row over; further targets are told who is missing here. Grain: one row per campaign and customer whom nobody has to leave alone.';
comment on column marketing.permitted.campaign is 'the play this membership belongs to';
comment on column marketing.permitted.customer_key is 'the person''s keyed pseudonym, the same in every table here';
comment on column marketing.permitted.customer_id is 'the number under which the first source of the person, normally the CRM, knows them';
comment on column marketing.permitted.kind is 'promotional or service; staff plays are in staff_task';
comment on column marketing.permitted.purpose is 'consent purpose that sendable checks at read time: marketing needs a grant, service only the absence of a withdrawal';
comment on column marketing.permitted.uses_profiling is 'true where predictions chose the person: a withdrawn profiling consent hides the row';
comment on column marketing.permitted.channel is 'channel to use, and no other: consent was checked for it';
comment on column marketing.permitted.offer is 'code of the offer; none when the message carries none';
comment on column marketing.permitted.offer_terms is 'what the offer grants, as a JSON object: kind, amount_minor or percent, labels in English and Chinese';
comment on column marketing.permitted.content_key is 'key of the message''s content in the marketing tool';
comment on column marketing.permitted.language is 'language to write in, ISO 639-1';
comment on column marketing.permitted.priority is 'priority of the play; greater goes first';
comment on column marketing.permitted.valid_from is 'not to be used before';
comment on column marketing.permitted.valid_until is 'not to be used at or after; sendable hides it then';
comment on column marketing.permitted.not_before is 'to be used no earlier in the day than this, in time_zone: quiet hours; null where they do not apply';
comment on column marketing.permitted.not_after is 'to be used no later in the day than this, in time_zone; null where quiet hours do not apply';
comment on column marketing.permitted.time_zone is 'time zone of the person; the company''s where that is not known; null where quiet hours do not apply';
comment on column marketing.permitted.service_tier is 'service tier when the membership began';
comment on column marketing.permitted.lifecycle_stage is 'lifecycle stage when the membership began';
comment on column marketing.permitted.churn_band is 'churn probability when the membership began: low below 0.25, middle below 0.5, high from there; null without a score';
comment on column marketing.permitted.value_band is 'predicted value when the membership began against the cut-off of the value matrix: high or low; null without a score';
comment on column marketing.permitted.reasons_en is 'why this person is in, in English';
comment on column marketing.permitted.reasons_zh is 'why this person is in, in Chinese';
comment on column marketing.permitted.send_key is 'unique for ever per campaign, channel, period and customer: a tool that remembers the keys it used never sends twice';
comment on column marketing.permitted.joined_on is 'as-of date on which the membership began';

create view marketing.task_list (send_key, campaign, customer_key, customer_id, purpose, state, priority, language, offer, offer_terms, due_from, due_until, is_overdue, account_owner, title_en, title_zh, talking_points_en, talking_points_zh, opening_minor, midpoint_minor, ceiling_minor, reasons_en, reasons_zh, joined_on, created_at) with (security_barrier = true) as
-- with (security_barrier = true)
-- marketing.task_list: open staff tasks of people who may be called now. Everything that can say no is looked up at the moment of reading.
-- A view of one table, so that staff can mark a task done through it.
select
    task.send_key,
    task.campaign,
    task.customer_key,
    task.customer_id,
    task.purpose,
    task.state,
    task.priority,
    task.language,
    task.offer,
    task.offer_terms,
    task.due_from,
    task.due_until,
    task.due_until <= now() as is_overdue,
    task.account_owner,
    task.title_en,
    task.title_zh,
    task.talking_points_en,
    task.talking_points_zh,
    task.opening_minor,
    task.midpoint_minor,
    task.ceiling_minor,
    task.reasons_en,
    task.reasons_zh,
    task.joined_on,
    task.created_at
from marketing.staff_task as task
where
    task.state = 'open'
    and task.due_from <= now()
    -- A silent feed, no feed, or no stored limit shows nobody.
    and coalesce(
        (
            select
                min(feed.heartbeat_at) > now() - (
                    select cast(setting.value as double precision) * interval '1 hour'
                    from marketing.setting
                    where setting.name = 'consent_heartbeat_hours'
                )
            from marketing.consent_feed as feed
        ),
        false
    )
    -- Staff call: promotion needs a grant for it, service only that nobody said no.
    and coalesce(
        (
            select consent.decision
            from marketing.consent_state as consent
            where
                consent.customer_key = task.customer_key
                and consent.purpose = task.purpose
                and consent.channel in ('phone', 'all')
            order by consent.decided_at desc, consent.decision desc
            limit 1
        ),
        case when task.purpose = 'service' then 'granted' end,
        'unknown'
    ) = 'granted'
    and not exists (
        select 1
        from marketing.suppression
        where suppression.customer_key = task.customer_key
    )
    and not (
        task.uses_profiling
        and coalesce(
            (
                select profiling.decision
                from marketing.consent_state as profiling
                where
                    profiling.customer_key = task.customer_key
                    and profiling.purpose = 'profiling'
                    and profiling.channel in ('phone', 'all')
                order by profiling.decided_at desc, profiling.decision desc
                limit 1
            ),
            'granted'
        ) = 'withdrawn'
    )
    -- An unsubscribe counts before the pipeline has read it, unless the person decided anew since. From service one unsubscribes by campaign.
    and not exists (
        select 1
        from marketing.campaign_event as event
        where
            event.customer_key = task.customer_key
            and event.kind in ('unsubscribed', 'complained')
            and (event.channel in ('phone', 'all') or event.channel not in ('email', 'sms', 'phone', 'wechat', 'app', 'post'))
            and (task.purpose <> 'service' or event.campaign = task.campaign)
            and not exists (
                select 1
                from marketing.consent_state as since
                where
                    since.customer_key = task.customer_key
                    and since.purpose = task.purpose
                    and since.channel in ('phone', 'all')
                    and since.decision = 'granted'
                    and since.decided_at > event.occurred_at
            )
    )
    -- One opt-out by number binds everybody who has the number.
    and not exists (
        select 1
        from marketing.shared_address as mine
        inner join marketing.address_refusal as refusal
            on mine.address_hash = refusal.address_hash and mine.channel = refusal.channel
        where
            mine.customer_key = task.customer_key
            and mine.channel = 'phone'
            and refusal.customer_key <> mine.customer_key
            and refusal.purpose = task.purpose
            and (
                refusal.is_held
                or not exists (
                    select 1
                    from marketing.consent_state as own
                    where
                        own.customer_key = task.customer_key
                        and own.purpose = task.purpose
                        and own.channel in ('phone', 'all')
                        and own.decision = 'granted'
                        and own.decided_at > refusal.refused_at
                )
            )
    );
comment on view marketing.task_list is 'What staff read: the calls and visits that may be made at this moment. Consent, suppression and unsubscribes are looked up when the view is read, so who said no to calls is gone at once; with a consent feed that fell silent it shows nobody. Grain: one row per open task of a person who may be called now.';
comment on column marketing.task_list.send_key is 'unique for ever per campaign, period and customer';
comment on column marketing.task_list.campaign is 'the play this membership belongs to';
comment on column marketing.task_list.customer_key is 'the person''s keyed pseudonym, the same in every table here';
comment on column marketing.task_list.customer_id is 'the number under which the CRM knows the person';
comment on column marketing.task_list.purpose is 'consent purpose that was checked: marketing needs a grant for calls, service only that nobody said no to them';
comment on column marketing.task_list.state is 'open; set it to done once it is, and it is gone from here';
comment on column marketing.task_list.priority is 'greater goes first';
comment on column marketing.task_list.language is 'language to speak, ISO 639-1';
comment on column marketing.task_list.offer is 'code of the offer; none without one';
comment on column marketing.task_list.offer_terms is 'what the offer grants, as a JSON object';
comment on column marketing.task_list.due_from is 'not before';
comment on column marketing.task_list.due_until is 'to be done before';
comment on column marketing.task_list.is_overdue is 'true from due_until on; the next push withdraws it then';
comment on column marketing.task_list.account_owner is 'who looks after the customer; null: the team decides';
comment on column marketing.task_list.title_en is 'what to do, in English';
comment on column marketing.task_list.title_zh is 'what to do, in Chinese';
comment on column marketing.task_list.talking_points_en is 'what to know for the conversation, in English';
comment on column marketing.task_list.talking_points_zh is 'what to know for the conversation, in Chinese';
comment on column marketing.task_list.opening_minor is 'offer to open with, minor units of the base currency; null without a negotiation';
comment on column marketing.task_list.midpoint_minor is 'half way between opening and ceiling: where to meet';
comment on column marketing.task_list.ceiling_minor is 'most that may be granted; above it a manager decides';
comment on column marketing.task_list.reasons_en is 'why this person, in English';
comment on column marketing.task_list.reasons_zh is 'why this person, in Chinese';
comment on column marketing.task_list.joined_on is 'as-of date on which the task was made';
comment on column marketing.task_list.created_at is 'when it was made';

create view marketing.sendable (campaign, customer_key, customer_id, kind, purpose, uses_profiling, channel, offer, offer_terms, content_key, language, priority, valid_from, valid_until, not_before, not_after, time_zone, service_tier, lifecycle_stage, churn_band, value_band, reasons_en, reasons_zh, send_key, joined_on) with (security_barrier = true) as
-- with (security_barrier = true)
-- marketing.sendable: who may be contacted now. Everything that can say no is looked up at the moment of reading.
with

feeds as (
    -- The most silent feed decides; no feed, or no stored limit, shows nobody.
    select
        min(heartbeat_at) > now() - (
            select cast(value as double precision) * interval '1 hour'
            from marketing.setting
            where name = 'consent_heartbeat_hours'
        ) as is_alive
    from marketing.consent_feed
)

select
    member.campaign,
    member.customer_key,
    member.customer_id,
    member.kind,
    member.purpose,
    member.uses_profiling,
    member.channel,
    member.offer,
    member.offer_terms,
    member.content_key,
    member.language,
    member.priority,
    member.valid_from,
    member.valid_until,
    member.not_before,
    member.not_after,
    member.time_zone,
    member.service_tier,
    member.lifecycle_stage,
    member.churn_band,
    member.value_band,
    member.reasons_en,
    member.reasons_zh,
    member.send_key,
    member.joined_on
from marketing.permitted as member
inner join feeds on feeds.is_alive
where
    member.valid_from <= now()
    and member.valid_until > now()
    -- Quiet hours, in the zone of whoever is written to.
    and (
        member.time_zone is null
        or case
            when member.not_before <= member.not_after
                then cast(now() at time zone member.time_zone as time) between member.not_before and member.not_after
            -- Quiet within one day, as from midnight to seven: the open hours go on past midnight.
            else
                cast(now() at time zone member.time_zone as time) >= member.not_before
                or cast(now() at time zone member.time_zone as time) <= member.not_after
        end
    )
    and not exists (
        select 1
        from marketing.acknowledgement
        where acknowledgement.send_key = member.send_key
    );
comment on view marketing.sendable is 'What marketing tools read: the members who may be contacted at this moment. Consent, suppression, complaints, unsubscribes and expiry are looked up when the view is read, so a withdrawal works at once; with a consent feed that fell silent it shows nobody. Grain: one row per campaign and customer who may be contacted now.';
comment on column marketing.sendable.campaign is 'the play this membership belongs to';
comment on column marketing.sendable.customer_key is 'the person''s keyed pseudonym, the same in every table here';
comment on column marketing.sendable.customer_id is 'the number under which the first source of the person, normally the CRM, knows them';
comment on column marketing.sendable.kind is 'promotional or service; staff plays are in staff_task';
comment on column marketing.sendable.purpose is 'consent purpose that sendable checks at read time: marketing needs a grant, service only the absence of a withdrawal';
comment on column marketing.sendable.uses_profiling is 'true where predictions chose the person: a withdrawn profiling consent hides the row';
comment on column marketing.sendable.channel is 'channel to use, and no other: consent was checked for it';
comment on column marketing.sendable.offer is 'code of the offer; none when the message carries none';
comment on column marketing.sendable.offer_terms is 'what the offer grants, as a JSON object: kind, amount_minor or percent, labels in English and Chinese';
comment on column marketing.sendable.content_key is 'key of the message''s content in the marketing tool';
comment on column marketing.sendable.language is 'language to write in, ISO 639-1';
comment on column marketing.sendable.priority is 'priority of the play; greater goes first';
comment on column marketing.sendable.valid_from is 'not to be used before';
comment on column marketing.sendable.valid_until is 'not to be used at or after; sendable hides it then';
comment on column marketing.sendable.not_before is 'to be used no earlier in the day than this, in time_zone: quiet hours; null where they do not apply';
comment on column marketing.sendable.not_after is 'to be used no later in the day than this, in time_zone; null where quiet hours do not apply';
comment on column marketing.sendable.time_zone is 'time zone of the person; the company''s where that is not known; null where quiet hours do not apply';
comment on column marketing.sendable.service_tier is 'service tier when the membership began';
comment on column marketing.sendable.lifecycle_stage is 'lifecycle stage when the membership began';
comment on column marketing.sendable.churn_band is 'churn probability when the membership began: low below 0.25, middle below 0.5, high from there; null without a score';
comment on column marketing.sendable.value_band is 'predicted value when the membership began against the cut-off of the value matrix: high or low; null without a score';
comment on column marketing.sendable.reasons_en is 'why this person is in, in English';
comment on column marketing.sendable.reasons_zh is 'why this person is in, in Chinese';
comment on column marketing.sendable.send_key is 'unique for ever per campaign, channel, period and customer: a tool that remembers the keys it used never sends twice';
comment on column marketing.sendable.joined_on is 'as-of date on which the membership began';
