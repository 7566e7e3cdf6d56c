"""Faults from outside: kill -9 of whole days. A sample runs with ``make test``, all of it with ``make test-faults``."""
