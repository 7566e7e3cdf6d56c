"""What rules, severities and states are called in Chinese, for those who read the pages."""

from __future__ import annotations

RULES_ZH = {
    "required": "必填",
    "not_null": "非空",
    "is_type": "类型正确",
    "finite": "有限数值",
    "whole": "整数",
    "between": "取值范围",
    "in_set": "允许取值",
    "iso_currency": "币种代码",
    "minor_digits": "小数位数",
    "pattern": "格式",
    "max_length": "最大长度",
    "expression": "业务规则",
    "plausible_time": "合理时间",
    "not_from_the_future": "不晚于营业日",
    "born_in_the_past": "出生日期在过去",
    "not_before": "先后顺序",
    "at_most": "不超过另一列",
    "product_at_most": "乘积上限",
    "no_nul": "无空字符",
    "clean_key": "编号无控制字符",
    "unique_version": "同一版本唯一",
    "known_customer": "客户存在",
    "known_order": "订单存在",
    "known_product": "商品存在",
    "known_rate": "汇率存在",
    "references": "引用存在",
    "positive_rate": "汇率为正",
    "csat_scale": "满意度量表",
    "volume": "数据量",
    "freshness": "新鲜度",
    "row_count": "行数",
    "unique": "唯一",
}
"""By name under which a rule is reported."""

SEVERITIES_ZH = {"fail": "停止", "quarantine": "隔离", "warn": "提醒"}
STATES_ZH = {"passed": "通过", "stopped": "已停止", "waiting": "待校验"}
