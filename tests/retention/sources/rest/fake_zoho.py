"""Zoho CRM as its documentation of API v8 describes it: tokens, records by page token, COQL, deleted records, bulk read."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.retention.sources.rest.server import Asked, Reply, answer, status

Record = dict[str, Any]
LOOKUPS = {"Owner", "Account_Name", "Contact_Name", "Related_To", "Deal_Name"}


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


class FakeZoho:
    """One organisation with named people. ``per_page`` and ``bulk_page`` are small here and large at Zoho."""

    def __init__(self, per_page: int = 200, bulk_page: int = 200_000) -> None:
        self.modules: dict[str, list[Record]] = {name: [] for name in ("Contacts", "Accounts", "Deals", "Cases")}
        self.deleted: dict[str, list[Record]] = {name: [] for name in self.modules}
        self.per_page, self.bulk_page = per_page, bulk_page
        self.tokens = 0
        self.calls_per_token = 10_000
        self.left = 0
        self.page_tokens: dict[str, tuple[str, int]] = {}
        self.jobs: dict[str, Record] = {}
        self.archive: Callable[[bytes], bytes] = lambda data: data
        self.before: Callable[[Asked], None] = lambda asked: None
        self.serial = 4150868000000000001

    def add(self, module: str, changed: str, **fields: Any) -> str:
        record = {
            "id": str(self.serial),
            "Created_Time": changed,
            "Modified_Time": changed,
            "Owner": person("9001", "Staff"),
            **fields,
        }
        self.serial += 1
        self.modules[module].append(record)
        return str(record["id"])

    def change(self, module: str, number: str, changed: str, **fields: Any) -> None:
        record = next(record for record in self.modules[module] if record["id"] == number)
        record.update(fields, Modified_Time=changed)

    def delete(self, module: str, number: str, at: str, kind: str = "recycle") -> None:
        self.modules[module] = [record for record in self.modules[module] if record["id"] != number]
        named = {"deleted_by": person("9001", "Staff"), "created_by": person("9001", "Staff"), "display_name": "Ana"}
        blank = dict.fromkeys(named)
        self.deleted[module].insert(
            0, {"id": number, "type": kind, "deleted_time": at, **(named if kind == "recycle" else blank)}
        )

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/oauth/v2/token":
            return self._token(asked)
        if asked.headers.get("Authorization") != f"Zoho-oauthtoken access-{self.tokens}" or self.left <= 0:
            return status(401, error("INVALID_TOKEN", "invalid oauth token"))
        self.left -= 1
        self.before(asked)
        routes: list[tuple[str, str, Callable[..., Reply]]] = [
            ("GET", r"/crm/v8/(\w+)/deleted", self._deleted),
            ("POST", r"/crm/v8/coql", self._coql),
            ("GET", r"/crm/v8/(\w+)", self._records),
            ("POST", r"/crm/bulk/v8/read", self._start_job),
            ("GET", r"/crm/bulk/v8/read/(\d+)", self._job),
            ("GET", r"/crm/bulk/v8/read/(\d+)/result", self._result),
        ]
        for method, pattern, handle in routes:
            if method == asked.method and (match := re.fullmatch(pattern, asked.path)):
                return handle(asked, *match.groups())
        return status(404, error("INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one"))

    def _token(self, asked: Asked) -> Reply:
        form = asked.form
        if (
            form["grant_type"] != "refresh_token"
            or form["client_secret"] != "zoho-secret"
            or form["refresh_token"] != "1000.refresh"
        ):
            return answer({"error": "invalid_client"})  # with status 200, as Zoho does
        self.tokens += 1
        self.left = self.calls_per_token
        return answer({"access_token": f"access-{self.tokens}", "expires_in": 3600, "api_domain": "x", "token_type": "Bearer"})

    def _selected(self, asked: Asked, module: str) -> list[Record]:
        since = asked.headers.get("If-Modified-Since")
        if since and when(since).tzinfo is None:
            raise AssertionError("If-Modified-Since without an offset")
        records = (
            self.modules[module]
            if since is None
            else [r for r in self.modules[module] if when(r["Modified_Time"]) >= when(since)]
        )
        by = asked.params.get("sort_by", "id")
        return sorted(records, key=lambda r: r[by], reverse=asked.params.get("sort_order", "desc") == "desc")

    def _records(self, asked: Asked, module: str) -> Reply:
        if module not in self.modules:
            return status(400, error("INVALID_MODULE", "the module name given seems to be invalid"))
        if "fields" not in asked.params:
            return status(400, error("REQUIRED_PARAM_MISSING", "One of the expected parameter is missing"))
        if int(asked.params["per_page"]) > 200:
            return status(400, error("LIMIT_EXCEEDED", "Only 200 records can be fetched at a time"))
        if "page" in asked.params and "page_token" in asked.params:
            return status(400, error("AMBIGUITY_DURING_PROCESSING", "page and page_token cannot be used together"))
        bound = hashlib.sha1(repr([module, asked.params["fields"], asked.params.get("sort_by")]).encode()).hexdigest()
        start = 0
        if token := asked.params.get("page_token"):
            if token not in self.page_tokens:
                return status(400, error("INVALID_DATA", "page_token"))
            known, start = self.page_tokens[token]
            if known != bound:
                return status(400, error("TOKEN_BOUND_DATA_MISMATCH", "page_token"))
        size = min(self.per_page, int(asked.params["per_page"]))
        records = self._selected(asked, module)
        page = records[start : start + size]
        if not page:
            return Reply(204)
        more = start + size < len(records)
        following = f"{bound[:20]}{start + size}" if more else None
        if following:
            self.page_tokens[following] = (bound, start + size)
        fields = ["id", *asked.params["fields"].split(",")]
        info = {
            "per_page": size,
            "count": len(page),
            "page": start // size + 1,
            "more_records": more,
            "next_page_token": following,
        }
        return answer({"data": [{name: record.get(name) for name in fields} for record in page], "info": info})

    def _deleted(self, asked: Asked, module: str) -> Reply:
        since = asked.headers.get("If-Modified-Since")
        found = [r for r in self.deleted[module] if since is None or when(r["deleted_time"]) >= when(since)]
        size, number = int(asked.params["per_page"]), int(asked.params["page"])
        page = found[(number - 1) * size : number * size]
        if not page:
            return Reply(204)
        return answer(
            {
                "data": page,
                "info": {"per_page": size, "count": len(page), "page": number, "more_records": number * size < len(found)},
            }
        )

    def _coql(self, asked: Asked) -> Reply:
        match = re.fullmatch(
            r"select (?P<fields>.+) from (?P<module>\w+) where \(\(Modified_Time >= '(?P<lower>[^']+)' and Modified_Time < "
            r"'(?P<upper>[^']+)'\) and id > '?(?P<after>\d+)'?\) order by id asc limit (?P<limit>\d+)",
            asked.json["select_query"],
        )
        if match is None:
            return status(400, error("SYNTAX_ERROR", "error in query"))
        records = [
            record
            for record in sorted(self.modules[match["module"]], key=lambda r: int(r["id"]))
            if when(match["lower"]) <= when(record["Modified_Time"]) < when(match["upper"])
            and int(record["id"]) > int(match["after"])
        ]
        size = min(int(match["limit"]), self.per_page)
        page = records[:size]
        if not page:
            return Reply(204)
        fields = ["id", *(field.strip() for field in match["fields"].split(","))]
        data = [
            {
                name: ({"id": record[name]["id"]} if name in LOOKUPS and record.get(name) else record.get(name))
                for name in fields
            }
            for record in page
        ]
        return answer({"data": data, "info": {"count": len(page), "more_records": len(records) > size}})

    def _start_job(self, asked: Asked) -> Reply:
        query = asked.json["query"]
        number = str(9_000_000 + len(self.jobs) + 1)
        self.jobs[number] = {"query": query, "looks": 0, "records": None}
        details = {"id": number, "operation": "read", "state": "ADDED", "created_time": "2026-04-01T08:00:00+08:00"}
        return answer({"data": [{"status": "success", "code": "ADDED_SUCCESSFULLY", "details": details}], "info": {}}, 201)

    def _job(self, asked: Asked, number: str) -> Reply:
        job = self.jobs[number]
        job["looks"] += 1
        state = ["QUEUED", "IN PROGRESS", "COMPLETED"][min(job["looks"], 3) - 1]
        data = {"id": number, "operation": "read", "state": state, "query": job["query"], "file_type": "csv"}
        if state == "COMPLETED":
            if job["records"] is None:
                every = sorted(self.modules[job["query"]["module"]["api_name"]], key=lambda r: int(r["id"]))
                start = (job["query"]["page"] - 1) * self.bulk_page
                job["records"], job["more"] = every[start : start + self.bulk_page], start + self.bulk_page < len(every)
            url = f"/crm/bulk/v8/read/{number}/result"
            data["result"] = {
                "page": job["query"]["page"],
                "count": len(job["records"]),
                "download_url": url,
                "per_page": self.bulk_page,
                "more_records": job["more"],
            }
        return answer({"data": [data]})

    def _result(self, asked: Asked, number: str) -> Reply:
        job = self.jobs[number]
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(["Id", *job["query"]["fields"]])
        for record in job["records"]:
            values = [record.get(field) for field in job["query"]["fields"]]
            writer.writerow([record["id"], *(value["id"] if isinstance(value, dict) else value for value in values)])
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{number}.csv", text.getvalue())
        return Reply(200, self.archive(packed.getvalue()), {"Content-Type": "application/zip"})


def person(number: str, name: str) -> Record:
    return {"id": number, "name": name}


def error(code: str, message: str) -> Record:
    return {"code": code, "message": message, "details": {}, "status": "error"}
