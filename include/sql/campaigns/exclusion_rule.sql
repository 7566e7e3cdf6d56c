-- campaigns.exclusion_rule: the order in which reasons are named. Control comes last: it is drawn among those who would be contacted,
-- so that they and the contacted differ by nothing but the draw.
select
    position,
    bit,
    rule,
    label_en,
    label_zh
from (
    values
    (1, 1, 'erased', 'the person has been or is being erased', '客户已要求删除数据'),
    (2, 2, 'suppressed', 'the address is blocked', '联系地址已被屏蔽'),
    (3, 4, 'test_or_staff', 'a test account or a member of staff', '测试账号或内部员工'),
    (4, 8, 'no_consent', 'no consent for the purpose on any reachable channel', '没有该用途与渠道的授权'),
    (5, 16, 'profiling_withdrawn', 'the person does not want to be profiled', '客户拒绝画像'),
    (6, 32, 'complaint_hold', 'promotion rests while a complaint is open and for some days after', '投诉处理期间及其后数日暂停促销'),
    (7, 64, 'already_received', 'has had this play in its period', '本周期内已收到该活动'),
    (8, 128, 'stopped', 'as many tries as the play allows', '已达到最多尝试次数'),
    (9, 256, 'frequency_cap', 'as many contacts as the caps allow', '已达到触达频次上限'),
    (10, 512, 'no_usable_channel', 'no address for any channel of the play', '没有可用的联系渠道'),
    (11, 1024, 'beaten', 'another promotional play has the day', '当天已由更优先的促销活动占用'),
    (12, 2048, 'control', 'kept back at random to measure the effect', '随机对照组')
) as listed (position, bit, rule, label_en, label_zh)
