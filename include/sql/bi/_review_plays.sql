-- Which plays spoke to which groups in the weeks before the review. `kpi.labels` stands for the customers
-- with their cells, `kpi.headings` for the headings of each cell.
with

headings as (
    select
        labels.customer_key,
        heading.dimension,
        heading.member
    from kpi.labels as labels
    inner join kpi.headings as heading on labels.cell = heading.cell
    where heading.dimension <> 'all'
),

contacts as (
    select distinct
        coalesce(alias.customer_key, delivery.customer_key) as customer_key,
        delivery.play
    from campaigns.delivery as delivery
    left join core.customer_alias as alias on delivery.customer_key = alias.source_customer_key
    where
        delivery.as_of_date < :as_of_date
        and delivery.as_of_date >= :plays_since
        and (delivery.removed_on is null or delivery.removed_on > delivery.as_of_date)
),

sizes as (
    select
        dimension,
        member,
        count(*) as customers
    from headings
    group by dimension, member
)

select
    sizes.dimension,
    sizes.member,
    sizes.customers,
    contacts.play,
    count(contacts.customer_key) as reached
from sizes
inner join headings on sizes.dimension = headings.dimension and sizes.member = headings.member
left join contacts on headings.customer_key = contacts.customer_key
group by sizes.dimension, sizes.member, sizes.customers, contacts.play
having contacts.play is not null
order by sizes.dimension, sizes.member, count(contacts.customer_key) desc, contacts.play
