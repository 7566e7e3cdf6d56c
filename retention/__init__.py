"""Customer retention: from CRM, orders and complaints to campaign audiences, one package per stage.

Nothing in here knows of Airflow: functions take a :class:`retention.warehouse.Run` (dates, open warehouse, settings) and
return counts, so that the same code runs in a DAG, on the command line and in a test.
"""
