-- A plain verdict per model, as of the newest measurement.
select *
from bi.model_verdict
