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
) as size
