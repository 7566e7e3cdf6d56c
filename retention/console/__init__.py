"""The console: what a page for people reads, as shapes that serialise to JSON, in both languages. Knows no Airflow, no HTTP."""

from retention.console.answers import Answered, Console
from retention.console.reading import ConsoleClosed, Reader
from retention.console.shapes import Refused, empty, error, failure_code

__all__ = ["Answered", "Console", "ConsoleClosed", "Reader", "Refused", "empty", "error", "failure_code"]
