"""Headers of systems that the product has never seen, with values made up for them: how many columns are mapped rightly?

The headers are those of well-known systems' exports. Each column says what its values look like and which of our columns holds
it (None: none of ours does).
"""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

Column = tuple[str, str | None]
SYSTEMS: dict[str, tuple[str, dict[str, Column]]] = {
    "contacts": ("customer", {  # Salesforce
        "Id": ("id", "customer_id"), "LastName": ("name", "name"), "Email": ("email", "email"), "MobilePhone": ("phone", "phone"),
        "Birthdate": ("birthday", "birth_date"), "MailingCity": ("city", "city"), "MailingState": ("city", "region"),
        "LeadSource": ("code", "acquisition_channel"), "OwnerId": ("staff", "account_owner"), "Title": ("job", "occupation"),
        "HasOptedOutOfEmail": ("bool", None), "CreatedDate": ("time", "created_at"), "LastModifiedDate": ("time", "updated_at"),
    }),
    "Case": ("complaint", {  # Salesforce
        "CaseNumber": ("id", "complaint_id"), "ContactId": ("person", "customer_id"), "Origin": ("code", "channel"),
        "Reason": ("code", "category"), "Priority": ("severity", "severity"), "Description": ("text", "text"),
        "CreatedDate": ("time", "opened_at"), "ClosedDate": ("time", "resolved_at"), "LastModifiedDate": ("time", "updated_at"),
    }),
    "orders_export": ("order", {  # Shopify
        "Name": ("id", "order_id"), "Email": ("email", None), "Financial Status": ("code", None), "Paid at": ("time", "paid_at"),
        "Currency": ("currency", "currency"), "Subtotal": ("money", None), "Shipping": ("money", None), "Taxes": ("money", None),
        "Total": ("money", "gross_amount"), "Discount Code": ("voucher", "coupon_code"), "Discount Amount": ("money", "discount_amount"),
        "Created at": ("time", "ordered_at"), "Cancelled at": ("time", "cancelled_at"), "Refunded Amount": ("money", "refund_amount"),
        "Source": ("code", "channel"), "Location": ("city", "store"), "Customer ID": ("person", "customer_id"),
    }),
    "customers_woocommerce": ("customer", {
        "customer_id": ("id", "customer_id"), "display_name": ("name", "name"), "user_email": ("email", "email"),
        "billing_phone": ("phone", "phone"), "billing_city": ("city", "city"), "billing_state": ("city", "region"),
        "date_registered": ("time", "member_since"), "date_last_active": ("time", None), "orders_count": ("count", None),
    }),
    "hubspot contacts": ("customer", {
        "Record ID": ("id", "customer_id"), "First Name": ("name", "name"), "Email": ("email", "email"),
        "Phone Number": ("phone", "phone"), "Contact owner": ("staff", "account_owner"), "City": ("city", "city"),
        "State/Region": ("city", "region"), "Create Date": ("time", "created_at"), "Last Modified Date": ("time", "updated_at"),
        "Original Source": ("code", "acquisition_channel"), "Job Title": ("job", "occupation"),
        "Preferred language": ("language", "language"),
    }),
    "Bestellungen": ("order", {  # a German shop
        "Bestellnr": ("id", "order_id"), "Kundennr": ("person", "customer_id"), "Bestelldatum": ("german_time", "ordered_at"),
        "Bezahlt am": ("german_time", "paid_at"), "Gesamtbetrag": ("german_money", "gross_amount"),
        "Rabatt": ("german_money", "discount_amount"), "Währung": ("currency", "currency"), "Filiale": ("city", "store"),
        "Gutschein": ("voucher", "coupon_code"), "Storniert am": ("german_time", "cancelled_at"),
    }),
    "会员资料": ("customer", {
        "会员编号": ("id", "customer_id"), "姓名": ("chinese_name", "name"), "手机号码": ("phone", "phone"),
        "电子邮箱": ("email", "email"), "性别": ("sex", "gender"), "出生日期": ("chinese_day", "birth_date"), "所在城市": ("city", "city"),
        "省份": ("city", "region"), "注册时间": ("time", "member_since"), "客户来源": ("code", "acquisition_channel"),
        "会员等级": ("level", None), "职业": ("job", "occupation"), "更新时间": ("time", "updated_at"), "备注": ("text", None),
    }),
    "订单导出": ("order", {  # a Chinese web shop
        "订单编号": ("id", "order_id"), "买家会员名": ("person", "customer_id"), "买家应付货款": ("money", "gross_amount"),
        "订单状态": ("code", None), "收货人姓名": ("chinese_name", None), "联系手机": ("phone", None),
        "订单创建时间": ("time", "ordered_at"), "订单付款时间": ("time", "paid_at"), "退款金额": ("money", "refund_amount"),
        "店铺名称": ("city", "store"), "优惠金额": ("money", "discount_amount"), "币种": ("currency", "currency"),
    }),
    "客诉工单": ("complaint", {
        "工单号": ("id", "complaint_id"), "客户编号": ("person", "customer_id"), "关联订单号": ("reference", "order_id"),
        "受理渠道": ("code", "channel"), "问题类型": ("code", "category"), "紧急程度": ("chinese_level", "severity"),
        "问题描述": ("text", "text"), "创建时间": ("time", "opened_at"), "首次响应时间": ("time", "first_replied_at"),
        "办结时间": ("time", "resolved_at"), "赔付金额": ("money", "compensation_amount"), "满意度评分": ("score", "satisfaction"),
        "责任部门": ("code", "responsible_team"), "最后修改时间": ("time", "updated_at"),
    }),
    "销售明细": ("order_line", {
        "订单号": ("reference", "order_id"), "行号": ("line", "line_number"), "商品编码": ("product", "product_id"),
        "商品名称": ("text", None), "数量": ("count", "quantity"), "成交价": ("money", "unit_price"), "优惠": ("money", "discount_amount"),
        "退货数量": ("count", "returned_quantity"),
    }),
}  # fmt: skip
"""Table or file name: the entity it holds, and its columns."""

ROWS = 60


def expected(table: str) -> dict[str, str]:
    """Return our columns that the columns of a table hold."""
    return {ours: name for name, (_, ours) in SYSTEMS[table][1].items() if ours is not None}


def write(table: str, folder: Path) -> Path:
    """Write the file of a table."""
    random = np.random.default_rng(7)
    columns = {name: _values(kind, random) for name, (kind, _) in SYSTEMS[table][1].items()}
    path = folder / f"{table}.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def _values(kind: str, random: np.random.Generator) -> list[str]:
    start = datetime(2025, 3, 14, 9, 30, tzinfo=UTC).replace(tzinfo=None)
    times = [start + timedelta(hours=int(hours)) for hours in random.integers(0, 9000, ROWS)]
    pick = {
        "code": ["WEB", "STORE", "REF"], "sex": ["男", "女"], "severity": ["Low", "Medium", "High"], "level": ["金卡", "银卡"],
        "chinese_level": ["低", "中", "高"], "currency": ["CNY"], "language": ["en", "zh"], "bool": ["true", "false"],
        "city": ["Oslo", "Lyon", "Graz", "Porto"], "job": ["teacher", "nurse", "pilot"], "staff": ["Jin", "Kai", "Li"],
        "text": ["the box was open", "came late again", "wrong colour, sorry"], "score": ["1", "3", "5"],
        "chinese_name": ["陈安娜", "李博", "王芳"], "voucher": ["SPRING5", "", "WELCOME"],
    }  # fmt: skip
    if kind in pick:
        return [str(value) for value in random.choice(pick[kind], ROWS)]
    numbers = random.permutation(ROWS)
    one = {
        "id": [f"A{number:05d}" for number in numbers],
        "person": [f"C{number // 3:05d}" for number in numbers],
        "reference": [f"O{number // 2:05d}" for number in range(ROWS)],
        "product": [f"P{number // 4:04d}" for number in numbers],
        "line": [str(1 + number % 2) for number in range(ROWS)],
        "name": [f"Ana {number}" for number in numbers],
        "email": [f"person{number}@example.com" for number in numbers],
        "phone": [f"138{number:04d}{number:04d}" for number in numbers],
        "birthday": [(date(1970, 1, 1) + timedelta(days=int(number) * 200)).isoformat() for number in numbers],
        "chinese_day": [(date(1970, 1, 1) + timedelta(days=int(number) * 200)).strftime("%Y年%m月%d日") for number in numbers],
        "time": [moment.isoformat(sep=" ") for moment in times],
        "german_time": [moment.strftime("%d.%m.%Y %H:%M") for moment in times],
        "money": [f"{10 + number * 3.25:.2f}" for number in numbers],
        "german_money": [f"{1000 + number * 3.25:,.2f}".translate(str.maketrans(",.", ".,")) for number in numbers],
        "count": [str(1 + number % 4) for number in numbers],
    }
    return one[kind]
