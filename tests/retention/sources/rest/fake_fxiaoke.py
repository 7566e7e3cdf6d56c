"""Fxiaoke's open API as its documentation describes it: status 200 for everything, the code tells; queries by filter and order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.retention.sources.rest.server import Asked, Reply, answer

Record = dict[str, Any]
OPERATORS: dict[str, Callable[[Any, list[Any]], bool]] = {
    "EQ": lambda value, wanted: value == wanted[0],
    "GT": lambda value, wanted: value > wanted[0],
    "GTE": lambda value, wanted: value >= wanted[0],
    "LT": lambda value, wanted: value < wanted[0],
    "LTE": lambda value, wanted: value <= wanted[0],
    "IN": lambda value, wanted: value in wanted,
}


class FakeFxiaoke:
    """One company with named people. Records are found by object name; invalidated ones by their life status alone."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Record]] = {
            name: {} for name in ("AccountObj", "ContactObj", "SalesOrderObj", "CasesObj")
        }
        self.tokens = 0
        self.calls_per_token = 10_000
        self.left = 0
        self.traces: list[str] = []
        self.before: Callable[[Asked], None] = lambda asked: None

    def add(self, kind: str, number: str, changed: int, **fields: Any) -> None:
        self.objects[kind][number] = {
            "_id": number,
            "create_time": changed,
            "last_modified_time": changed,
            "life_status": "normal",
            "is_deleted": False,
            "owner": ["1000"],
            "owner__r": {"id": "1000", "name": "员工"},
            **fields,
        }

    def change(self, kind: str, number: str, changed: int, **fields: Any) -> None:
        self.objects[kind][number] |= {"last_modified_time": changed, **fields}

    def __call__(self, asked: Asked) -> Reply:
        self.traces.append(asked.params["thirdTraceId"])
        body = asked.json
        if asked.path == "/cgi/corpAccessToken/get/V2":
            if body != {"appId": "FSAID_1", "appSecret": "fx-secret", "permanentCode": "fx-code"}:
                return failed(20006, "appId or appSecret is wrong")
            self.tokens += 1
            self.left = self.calls_per_token
            return answer(
                {
                    "errorCode": 0,
                    "errorMessage": "success",
                    "corpAccessToken": f"CAT_{self.tokens}",
                    "corpId": "FSCID_1",
                    "expiresIn": 7200,
                }
            )
        if body["corpAccessToken"] != f"CAT_{self.tokens}" or self.left <= 0:
            return failed(20016, "corpAccessToken does not exist or has expired")
        if body["corpId"] != "FSCID_1" or body["currentOpenUserId"] != "FSUID_1":
            return failed(20017, "corpId not found")
        if asked.path != "/cgi/crm/v2/data/query":
            return failed(10006, f"the request uri=[{asked.path}], apiName=[null] is not exists")
        self.left -= 1
        self.before(asked)
        return self._query(body["data"])

    def _query(self, data: Record) -> Reply:
        search = data["search_query_info"]
        if search["offset"] > 10_000:
            return failed(10013, "offset out of range 10000")
        if not 1 <= search["limit"] <= 100:
            return failed(15002, "limit")
        wanted = search["filters"]
        asks_for_invalid = any(one["field_name"] == "life_status" for one in wanted)
        found = [
            record
            for record in self.objects[data["dataObjectApiName"]].values()
            if (asks_for_invalid or record["life_status"] != "invalid")
            and all(OPERATORS[one["operator"]](record.get(one["field_name"]), one["field_values"]) for one in wanted)
        ]
        for order in reversed(search["orders"]):
            found.sort(key=lambda record, order=order: record[order["fieldName"]], reverse=not order["isAsc"])  # type: ignore[misc]
        page = found[search["offset"] : search["offset"] + search["limit"]]
        filled = [{key: value for key, value in record.items() if value is not None} for record in page]
        total = len(found) if data.get("find_explicit_total_num") else 0
        return answer(
            {
                "traceId": "E-O.1",
                "data": {"dataList": filled, "offset": search["offset"], "limit": search["limit"], "total": total},
                "errorDescription": "success",
                "errorMessage": "OK",
                "errorCode": 0,
            }
        )


def failed(code: int, message: str) -> Reply:
    return answer({"errorCode": code, "errorMessage": message, "traceId": "E-O.1"})
