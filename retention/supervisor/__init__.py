"""Starts PostgreSQL and Airflow in the right order on one machine, and restarts whatever exits.

No stage of the pipeline: nothing of the product imports it, and it imports no Airflow, it runs the `airflow` program.
`airflow standalone` is not used because it starts the scheduler before the API answers and never restarts a dead part.
"""

from retention.supervisor.control import down, is_up, status, up
from retention.supervisor.layout import Layout

__all__ = ["Layout", "down", "is_up", "status", "up"]
