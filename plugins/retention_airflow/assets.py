"""The assets that DAGs hand to each other: one publisher for each, partitioned by business date.

`CORE` is several assets, so that the asset graph shows what the day brings, but one task publishes all of them in one
transaction: a consumer that waits for all assets of *independent* runs can stall for good without a word, because
Airflow locks each event's own asset only.
"""

from airflow.sdk import Asset

GROUP = "retention"


def _asset(name: str, uri: str, holds: str) -> Asset:
    return Asset(name=name, uri=f"retention://{uri}", group=GROUP, extra={"holds": holds})


CORE = [
    _asset("core.customers", "warehouse/core/customers", "customers, consents and who is the same person"),
    _asset("core.orders", "warehouse/core/orders", "products, orders, order lines and the dated order ledger"),
    _asset("core.complaints", "warehouse/core/complaints", "complaints with their history"),
    _asset("core.engagement", "warehouse/core/engagement", "interactions, surveys, referrals, points, campaign feedback"),
]
FEATURES = _asset("features", "warehouse/features", "one row per customer and as-of date")
SCORES = _asset("scores", "warehouse/scores", "churn and lifetime value per customer and as-of date")
SEGMENTS = _asset("segments", "warehouse/segments", "RFM, value class, service tier, lifecycle stage, membership level")
AUDIENCE = _asset("audience", "marketing/campaign_audience", "who is addressed by which campaign, and who may be")
MODELS = _asset("models", "warehouse/ops/model", "registered models and which of them is the champion")
