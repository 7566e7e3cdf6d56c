-- Under which headings the customers of each cell count. Stands for `kpi.headings` in the KPI queries; two combinations of the same
-- number would be two rows of one cell and dimension, which the table's key refuses.
select
    cells.cell,
    label.dimension,
    label.member
from (
    select distinct cell, tier, stage, segment, membership, acquisition_channel, region
    from kpi.labels as labels
) as cells
cross join lateral (
    values
    ('all', 'all'),
    ('tier', cells.tier),
    ('stage', cells.stage),
    ('segment', cells.segment),
    ('membership', cells.membership),
    ('acquisition_channel', cells.acquisition_channel),
    ('region', cells.region)
) as label (dimension, member)
where label.member is not null
