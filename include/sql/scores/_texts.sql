-- Texts that customers and the public wrote between :since and :as_of, as they stood at :as_of, with the labels they came with.
-- A mention has one stored state only (core keeps no earlier ones); it is read as it stands.
with

test_customers as (
    select customer_key
    from core.customer
    where valid_to is null and is_test
),

answer_states as (
    select answer_key, customer_key, happened_at, instrument, score, comment, updated_at, deleted_at
    from core.survey_answer
    where happened_at >= :since and happened_at < :as_of

    union all

    select answer_key, customer_key, happened_at, instrument, score, comment, updated_at, deleted_at
    from core.survey_answer_version
    where happened_at >= :since and happened_at < :as_of
),

answers as (
    select distinct on (answer_key)
        answer_key,
        customer_key,
        happened_at,
        instrument,
        score,
        comment,
        updated_at,
        deleted_at
    from answer_states
    order by answer_key, updated_at < :as_of desc, case when updated_at < :as_of then updated_at end desc, updated_at
),

texts as (
    select
        'complaint' as text_kind,
        complaint_key as text_key,
        customer_key,
        opened_at as happened_at,
        valid_from as state_at,
        text as written,
        lower(btrim(category)) as stated_topic,
        null as stated_sentiment,
        lower(btrim(severity)) as stated_severity
    from core.complaint
    where
        opened_at >= :since
        and opened_at < :as_of
        and valid_from < :as_of
        and (valid_to is null or valid_to >= :as_of)
        and (deleted_at is null or deleted_at >= :as_of)

    union all

    select
        'survey_comment' as text_kind,
        answer_key as text_key,
        customer_key,
        happened_at,
        coalesce(updated_at, happened_at) as state_at,
        comment as written,
        null as stated_topic,
        case
            when instrument = 'nps' and score <= 6 then 'negative'
            when instrument = 'nps' and score >= 9 then 'positive'
            when instrument = 'nps' then 'neutral'
            when score <= 2 then 'negative'
            when score >= 4 then 'positive'
            else 'neutral'
        end as stated_sentiment,
        null as stated_severity
    from answers
    where deleted_at is null or deleted_at >= :as_of

    union all

    select
        'mention' as text_kind,
        mention_key as text_key,
        null as customer_key,
        happened_at,
        coalesce(updated_at, happened_at) as state_at,
        text as written,
        null as stated_topic,
        lower(btrim(sentiment)) as stated_sentiment,
        null as stated_severity
    from core.external_mention
    where
        happened_at >= :since
        and happened_at < :as_of
        and (deleted_at is null or deleted_at >= :as_of)
)

select
    texts.text_kind,
    texts.text_key,
    texts.customer_key,
    texts.happened_at,
    texts.state_at,
    texts.written,
    texts.stated_topic,
    texts.stated_sentiment,
    texts.stated_severity
from texts
left join test_customers on texts.customer_key = test_customers.customer_key
where btrim(texts.written) <> '' and test_customers.customer_key is null
order by texts.text_kind, texts.text_key
