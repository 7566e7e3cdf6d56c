"""A whole day without Airflow: the functions that its tasks call, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from retention import pipeline
from retention.deployment import Deployment
from retention.pipeline import Counts
from retention.settings import load_settings

if TYPE_CHECKING:
    from retention.warehouse import Run

StepState = Literal["running", "done", "failed"]


@dataclass(frozen=True)
class Step:
    """One step of a day, as the progress callback sees it."""

    name: str
    position: int
    total: int
    state: StepState = "running"
    seconds: float = 0.0
    counts: Counts = field(default_factory=dict)


Progress = Callable[[Step], None]
RunFactory = Callable[[str], "Run"]


def steps_of_day(now: datetime, with_training: bool = False) -> list[tuple[str, Callable[[Run], Counts]]]:
    """Return the steps of a day in order: (name, function of a run).

    Parameters
    ----------
    now : datetime
        The present instant, aware: consent and requests are carried to it.
    with_training : bool
        Train before scoring.
    """

    def extractor(source: str, entity: str) -> Callable[[Run], Counts]:
        return lambda run: pipeline.extract(run, source, entity)

    steps: list[tuple[str, Callable[[Run], Counts]]] = [
        (f"extract {e['source']}.{e['entity']}", extractor(**e)) for e in pipeline.entities()
    ]
    steps += [("validate", pipeline.validate), ("publish core", pipeline.publish_core)]
    steps += [("sync consent", lambda run: pipeline.sync_consent(run, now)), ("build features", pipeline.build_features)]
    if with_training:
        steps.append(("train", pipeline.train))
    steps += [("score", pipeline.score), ("assign segments", pipeline.assign_segments)]
    steps += [("plan audience", pipeline.plan_audience), ("push audience", pipeline.push_audience)]
    if load_settings().files.lists:
        steps.append(("export lists", lambda run: pipeline.export_lists(run, now)))
    steps += [("measure", pipeline.measure), ("complaint clock", lambda run: pipeline.tell_teams(run, now))]
    steps.append(("privacy requests", lambda run: pipeline.privacy(run, now)))
    if Deployment.from_env().target_urls:  # last: one that is down holds up nothing, and it is told of erasures too
        steps.append(("feed targets", pipeline.feed_targets))
    steps.append(("health", lambda run: pipeline.health(run, now)))  # after all of them: it looks at what they left
    return steps


def run_day(
    run_factory: RunFactory, now: datetime, with_training: bool = False, progress: Progress | None = None
) -> list[Step]:
    """Run a whole day without Airflow: the same functions in the same order.

    Parameters
    ----------
    run_factory : callable
        Gives an open run for a step's name; each step is an attempt of its own, as a task is.
    now : datetime
        The present instant, aware.
    with_training : bool
        Train before scoring.
    progress : callable, optional
        Called with each step when it begins and when it ends.

    Returns
    -------
    The finished steps with seconds and counts.

    Raises
    ------
    Whatever a step raises: later steps do not run, and what earlier ones published stays.
    """
    return list(_running(run_factory, steps_of_day(now, with_training), progress or (lambda step: None)))


def _running(run_factory: RunFactory, steps: list[tuple[str, Callable[[Run], Counts]]], progress: Progress) -> Iterator[Step]:
    for position, (name, function) in enumerate(steps, start=1):
        step = Step(name=name, position=position, total=len(steps))
        progress(step)
        run = run_factory(name)
        started = time.monotonic()
        try:
            counts = function(run)
        except BaseException:
            progress(replace(step, state="failed", seconds=time.monotonic() - started))
            raise
        finally:
            pipeline.close(run)
        done = replace(step, state="done", seconds=time.monotonic() - started, counts=counts)
        progress(done)
        yield done
