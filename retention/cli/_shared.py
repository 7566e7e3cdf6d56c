"""What all commands share: consoles, errors as messages with exit codes, runs, masking."""

from __future__ import annotations

import re
import sys
import uuid
from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NoReturn
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from typer.core import TyperGroup
from typer.exceptions import TyperException

from retention.deployment import Deployment
from retention.exports import PlainConsole
from retention.settings import Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from retention.warehouse import Run, Warehouse

FAILED, USAGE, STOPPED, TRY_AGAIN, NOT_READY = 1, 2, 3, 4, 5
"""Exit codes beside 0; documented in the help of the program and in docs/runbook.md."""

EXIT_CODES = """
Exit codes: 0 done · 1 failed, the message says what to do · 2 wrong use of the command · 3 stopped by a check of the data,
nothing published · 4 busy or connection lost, the same command may succeed later · 5 doctor found something to repair.
"""

WIDTH = 100
"""Columns of output that is not a terminal's: tables stay readable in a log and in a mail."""


def console(stderr: bool = False) -> Console:
    """Return a console on standard output or standard error; plain and 100 columns wide when piped."""
    stream = sys.stderr if stderr else sys.stdout
    return PlainConsole(file=stream, width=None if stream.isatty() else WIDTH, highlight=False, soft_wrap=False)


class Commands(TyperGroup):
    """A group of commands whose errors are messages, never tracebacks (unless ``--debug``)."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command and turn what it raises into a message and an exit code."""
        try:
            return super().invoke(ctx)
        except (TyperException, typer.Exit, typer.Abort):
            raise  # the framework prints wrong use and leaves with exit code 2
        except KeyboardInterrupt:
            console(stderr=True).print("interrupted; what was published stays, the rest can be run again")
            raise typer.Exit(130) from None
        except BrokenPipeError:
            raise typer.Exit(0) from None
        except Exception as error:
            if ctx.find_root().params.get("debug"):
                raise
            stop(*explain(error))


def explain(error: Exception) -> tuple[str, int]:
    """Return message and exit code of an error; anything unforeseen is named by its class, without its values."""
    from retention.warehouse import RetentionError, quote_error

    if isinstance(error, RetentionError):
        found = error
    elif isinstance(error, SettingsError):
        return f"{error} See docs/runbook.md#settings", FAILED
    elif isinstance(error, OSError):
        name = f" {error.filename}" if error.filename else ""
        return f"{type(error).__name__}:{name} {error.strerror or ''} See docs/runbook.md#files", FAILED
    elif type(error).__module__.split(".")[0] in {"psycopg", "sqlalchemy", "adbc_driver_manager"}:
        found = quote_error(error)
    else:
        place = _place(error)
        # The text of a foreign error may hold a value of a row, so only its kind and place are shown.
        return (
            f"unexpected {type(error).__name__} {place}. Run the command again as `retention --debug …` to see all of it. "
            "See docs/runbook.md#unexpected-errors"
        ), FAILED
    if found.retryable:
        return str(found), TRY_AGAIN
    return str(found), STOPPED if _is_stop(found) else FAILED


def _is_stop(error: Exception) -> bool:
    return any(base.__name__ in {"SourceError", "CheckFailed"} for base in type(error).__mro__)


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    found = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        if "/retention/" in code.co_filename:
            found = f"in retention/{code.co_filename.rpartition('/retention/')[2]} line {trace.tb_lineno}"
        trace = trace.tb_next
    return found or "outside the product"


def stop(message: str, code: int = FAILED) -> NoReturn:
    """Print a message on standard error and leave with an exit code."""
    out = console(stderr=True)
    out.print(f"[bold red]{'stopped' if code == STOPPED else 'failed'}[/]: ", end="")
    out.print(message, markup=False)
    raise typer.Exit(code)


# -- opening ------------------------------------------------------------------------------------------------------------
def now_in(settings: Settings) -> datetime:
    """Return the present instant in the business time zone. The command line is where the clock is read."""
    return datetime.now(tz=ZoneInfo(settings.company.business_timezone))


def open_databases() -> tuple[Warehouse, Warehouse | None]:
    """Open the warehouse and, when it is configured, the marketing database."""
    from retention.warehouse import Warehouse

    deployment = Deployment.from_env()
    marketing = Warehouse(deployment.marketing_url, "retention cli") if deployment.marketing_url else None
    return Warehouse(deployment.warehouse_url, "retention cli"), marketing


def run_factory(business_date: date) -> Callable[[str], Run]:
    """Return a function that opens a run per step, all under one run id."""
    from retention.pipeline import open_run
    from retention.warehouse import Attempt

    run_id = f"cli__{business_date.isoformat()}__{uuid.uuid4().hex[:8]}"

    def factory(step: str) -> Run:
        return open_run(business_date, Attempt(dag_id="cli", run_id=run_id, task_id=step, try_number=1))

    return factory


def parse_date(text: str | None, what: str = "--date") -> date | None:
    """Read a date written as 2026-11-21."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is no date; write it as 2026-11-21", param_hint=what) from None


def closed_day(text: str | None) -> date:
    """Return the business day asked for, by default yesterday's; one that has not ended yet is refused."""
    settings = load_settings()
    now = now_in(settings)
    chosen = parse_date(text)
    if chosen is None:
        from datetime import timedelta

        chosen = now.date() - timedelta(days=1)
    if settings.day_end(chosen) > now:
        raise typer.BadParameter(
            f"{chosen} has not ended in {settings.company.business_timezone}; the newest closed day is "
            f"{date.fromordinal(now.date().toordinal() - 1)}",
            param_hint="--date",
        )
    return chosen


# -- masking ------------------------------------------------------------------------------------------------------------
_EMAIL = re.compile(r"[^@\s\"'<>,;:]+@[^@\s\"'<>,;:]+\.[A-Za-z]{2,}")
_PHONE = re.compile(r"(?<![\w.-])\+?\d[\d ()-]{7,16}\d(?![\w.-])")


def mask(value: Any) -> str:
    """Return a value with everything personal hidden: for rows that a source delivered and a rule refused.

    Digits become 9 and letters become x, so that the form (the reason why a row was refused) stays visible. Other
    scripts' letters become 某.
    """
    if value is None:
        return ""
    return "".join("9" if c.isdigit() else ("x" if c.isascii() else "某") if c.isalpha() else c for c in str(value))


def mask_addresses(text: str) -> str:
    """Hide e-mail addresses and phone numbers inside a text."""
    return _PHONE.sub("[phone]", _EMAIL.sub("[e-mail]", text))


def hide_password(url: str) -> str:
    """Return a URL without its password."""
    return re.sub(r"(://[^:/@]+):[^@]*@", r"\1:***@", url)
