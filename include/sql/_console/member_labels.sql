-- What members of dimensions are called.
select
    dimension,
    member,
    position,
    label_en,
    label_zh
from bi.segment_label
