"""Which failures are worth another try."""

from collections.abc import Mapping
from typing import Any

from airflow.sdk import RetryDecision, RetryPolicy


class RetryWhatMayPass(RetryPolicy):
    """Try again after network, driver and machine trouble; fail at once where a retry would only repeat the answer.

    Our own errors say which they are (`RetentionError.retryable`): a failed check, a guard that stopped a push or an
    attempt that was overtaken stay what they are, while a lost connection passes. A run without a business day and wrong
    settings fail at once too.
    """

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Mapping[str, Any] | None = None
    ) -> RetryDecision:
        """Decide after a failed try; called in the task's own process."""
        from retention.settings import SettingsError
        from retention.warehouse import RetentionError
        from retention_airflow.runs import NoBusinessDate

        if isinstance(exception, RetentionError):
            if exception.retryable:
                return RetryDecision.default()
            return RetryDecision.fail(reason=f"{type(exception).__name__}: trying again would give the same answer")
        if isinstance(exception, NoBusinessDate | SettingsError):
            return RetryDecision.fail(reason=f"{type(exception).__name__}: somebody has to change something first")
        return RetryDecision.default()
