-- campaigns.exclusion_rule: the order in which reasons are named. What holds for the person comes first, then whether the play is for
-- them at all, then what keeps this contact back today; what is settled among those who are left comes last, and control last of all:
-- it is drawn among those who would be contacted, so that they and the contacted differ by nothing but the draw.
-- Bits are for ever (kept masks carry them); the order is `position`.
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
    (4, 524288, 'not_in_audience', 'the play is not for this customer', '不符合该活动的目标人群'),
    (5, 4096, 'legal_hold', 'a legal matter is open: nothing is sent', '涉及法律事项，暂停一切触达'),
    (6, 8, 'no_consent', 'no consent for the purpose on any reachable channel', '没有该用途与渠道的授权'),
    (7, 16, 'profiling_withdrawn', 'the person does not want to be profiled', '客户拒绝画像'),
    (8, 1048576, 'promotion_barred', 'a mark in the CRM bars promotion', 'CRM 标注为请勿推广'),
    (9, 32, 'complaint_hold', 'promotion rests while a complaint is open and for some days after', '投诉处理期间及其后数日暂停促销'),
    (10, 64, 'already_received', 'has had this play in its period', '本周期内已收到该活动'),
    (11, 128, 'stopped', 'as many tries as the play allows', '已达到最多尝试次数'),
    (12, 256, 'frequency_cap', 'as many contacts as the caps allow', '已达到触达频次上限'),
    (13, 8192, 'quiet_hours', 'nothing may be sent on this day', '当日为免打扰日'),
    (14, 16384, 'below_minimum_value', 'worth less than the play asks for, or than the contact costs', '价值低于活动要求或触达成本'),
    (15, 512, 'no_usable_channel', 'no address for any channel of the play', '没有可用的联系渠道'),
    (16, 32768, 'universal_control', 'kept back from all promotion at random to measure what it brings', '总体随机对照组'),
    (17, 131072, 'do_not_disturb', 'a contact is expected to do harm', '预计触达会适得其反'),
    (18, 1024, 'beaten', 'another promotional play has the day', '当天已由更优先的促销活动占用'),
    (19, 65536, 'over_budget', 'the budget brings more elsewhere', '预算已用于更有价值的客户'),
    (20, 262144, 'channel_full', 'the channel or the team has no room left today', '渠道或人员当日容量已满'),
    (21, 2048, 'control', 'kept back at random to measure the effect', '随机对照组')
) as listed (position, bit, rule, label_en, label_zh)
