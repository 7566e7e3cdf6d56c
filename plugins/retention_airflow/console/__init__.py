"""The console in the Airflow UI: pages and answers over HTTP, for people who would rather look than read.

What is answered comes from :mod:`retention.console`; here is who may ask, how often, and how it travels. Imported by the API
server alone: every other component of Airflow reads no more than ``plugins/retention_console.py``.
"""
