-- bi.complaint_compensation: cases by verdict. `compensation.cases` stands for bi/_compensation_cases.
select
    cast(:as_of_date as date) as as_of_date,
    cases.week_start,
    cases.severity,
    cases.team,
    cases.verdict,
    count(*) as complaints,
    cast(sum(cases.expected_minor) as bigint) as expected_minor,
    cast(coalesce(sum(cases.compensation_minor), 0) as bigint) as given_minor
from compensation.cases as cases
group by cases.week_start, cases.severity, cases.team, cases.verdict
