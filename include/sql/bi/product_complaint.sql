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
where cause.dimension in ('product', 'product_category')
