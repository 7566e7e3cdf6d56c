"""What the DAG files share and only Airflow needs to know: assets, schedules, defaults, connections, alerts.

Business rules live in `retention`, which imports nothing of Airflow; this package translates between the two.
"""

from retention_airflow.assets import AUDIENCE, CORE, FEATURES, MODELS, SCORES, SEGMENTS
from retention_airflow.defaults import DEFAULT_ARGS, dag_options
from retention_airflow.runs import business_date, closed_business_day, day_run, moment, moment_run
from retention_airflow.schedules import ALWAYS, daily, every, handed_over_by, schedule_start, weekly

__all__ = [
    "ALWAYS",
    "AUDIENCE",
    "CORE",
    "DEFAULT_ARGS",
    "FEATURES",
    "MODELS",
    "SCORES",
    "SEGMENTS",
    "business_date",
    "closed_business_day",
    "dag_options",
    "daily",
    "day_run",
    "every",
    "handed_over_by",
    "moment",
    "moment_run",
    "schedule_start",
    "weekly",
]
