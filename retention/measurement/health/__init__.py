"""Health of pipeline and audiences: what is found, beside its objective, and who is told when it is missed."""

from retention.measurement.health.audiences import fill_audience_tables
from retention.measurement.health.episodes import News, confirm_told, pending_news
from retention.measurement.health.look import check_health, newest_day

__all__ = ["News", "check_health", "confirm_told", "fill_audience_tables", "newest_day", "pending_news"]
