"""What OpenTelemetry has posted to a receiver of these tests."""

from __future__ import annotations

import gzip

from tests.retention.alerts.receivers import Web


def metrics_posted(receiver: Web) -> dict[tuple[str, str], float]:
    """Value by name and table or dataset, of what OpenTelemetry posted."""
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    found: dict[tuple[str, str], float] = {}
    for path, headers, body in zip(receiver.paths, receiver.headers, receiver.bodies, strict=True):
        if path != "/v1/metrics":
            continue
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        request = ExportMetricsServiceRequest.FromString(body)
        for resource in request.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in [*metric.gauge.data_points, *metric.sum.data_points]:
                        tags = {tag.key: tag.value.string_value for tag in point.attributes}
                        value = point.as_double or float(point.as_int)
                        found[metric.name, tags.get("table") or tags.get("dataset") or ""] = value
    return found
