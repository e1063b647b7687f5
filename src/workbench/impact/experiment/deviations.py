"""What is analysed otherwise than it was registered before the experiment began."""

from __future__ import annotations

import math
from datetime import date

from workbench.cohorts.assignments import write_count
from workbench.cohorts.experiment_frames import Experiment
from workbench.core.params import Outcome
from workbench.core.registration import Registration

__all__ = ["is_registered", "list_deviations"]

_DESIGNS = {
    "individual": "people drawn one by one",
    "cluster": "whole groups drawn",
    "stepped_wedge": "groups starting one after another",
}
_NOTHING = (
    "This experiment was not registered: outcome, window and size were written down"
    " nowhere before it began, so nothing shows that they were not chosen after a look"
    " at the data."
)


def is_registered(experiment: Experiment) -> bool:
    """Tell whether the experiment was written down by the day it began."""
    plan = experiment.registration
    return plan is not None and plan.written_on <= experiment.started_on.date()


def list_deviations(
    experiment: Experiment, *, min_group: int = 10, alpha: float = 0.05
) -> tuple[str, ...]:
    """Compare what is analysed with what was written down before.

    Parameters
    ----------
    experiment : Experiment
        One outcome. For an outcome that is not the primary one, only what concerns
        the outcome itself is compared.
    min_group : int
        Smaller numbers of people are not named.
    alpha : float
        Level at which it is read.

    Returns
    -------
    tuple of str
        Sentences; empty where all is as registered.
    """
    written = experiment.registration
    if written is None:
        return (_NOTHING,)
    if not experiment.primary:
        return tuple(_compare_further_outcome(experiment.outcome, written))
    return (
        *_compare_writing(experiment, written),
        *_compare_outcome(experiment.outcome, written),
        *_compare_design(experiment, written),
        *_compare_dates(experiment, written),
        *_compare_sizes(experiment, written, min_group),
        *_compare_level(alpha, written),
    )


def _compare_writing(experiment: Experiment, written: Registration) -> list[str]:
    """Hold the day of writing against the start."""
    day, began = written.written_on, experiment.started_on.date()
    if day <= began:
        return []
    return [
        f"The registration was written on {day.isoformat()}, {_days(day, began)} after"
        f" the experiment had begun on {began.isoformat()}."
    ]


def _compare_outcome(outcome: Outcome, written: Registration) -> list[str]:
    """Hold the primary outcome and its window against those written down."""
    if outcome.id != written.primary_outcome:
        return [
            f"The registered primary outcome is {_name(written.primary_outcome)};"
            f" {_name(outcome.id)} is analysed as primary instead."
        ]
    was, now = _window(written), _window(outcome)
    if not was:
        return ["The registration does not say when the primary outcome is read."]
    if was == now:
        return []
    return [f"The primary outcome was registered to be read {was}; it is read {now}."]


def _compare_further_outcome(outcome: Outcome, written: Registration) -> list[str]:
    """Say whether a further outcome was registered, and as what."""
    guarded = [item.outcome for item in written.guardrails]
    if outcome.id == written.primary_outcome:
        return [
            f"{_name(outcome.id).capitalize()} was registered as the primary outcome,"
            " but the experiment's own record names another one."
        ]
    if outcome.id in (*written.secondary_outcomes, *guarded):
        return []
    return [f"{_name(outcome.id).capitalize()} was not registered for this experiment."]


def _compare_design(experiment: Experiment, written: Registration) -> list[str]:
    """Hold design, programme, persona and arms against those written down."""
    found = []
    if experiment.design != written.design:
        found.append(
            f"The registered design is {_DESIGNS[written.design]}; the experiment was"
            f" run with {_DESIGNS[experiment.design]}."
        )
    for what, was, now in (
        ("programme", written.program, experiment.program.id),
        ("persona", written.persona, experiment.persona),
    ):
        if was != now:
            found.append(f"The registered {what} is {_name(was)}, not {_name(now)}.")
    return [*found, *_compare_arms(experiment, written)]


def _compare_arms(experiment: Experiment, written: Registration) -> list[str]:
    """Hold the arms against those written down; other names stay unsaid."""
    if not written.allocation:
        return []
    drawn = set(experiment.frame["arm"].astype("str"))
    found = []
    absent = sorted(set(written.allocation) - drawn)
    if absent:
        found.append(f"Nobody was drawn into the registered arm {', '.join(absent)}.")
    further = len(drawn - set(written.allocation))
    if further:
        arms = "1 arm was" if further == 1 else f"{further} arms were"
        found.append(f"{arms} not registered.")
    return found


def _compare_dates(experiment: Experiment, written: Registration) -> list[str]:
    """Hold start and end against those written down."""
    found = []
    began = experiment.started_on.date()
    if began != written.starts_on:
        side = "after" if began > written.starts_on else "before"
        found.append(
            f"It began on {began.isoformat()}, {_days(began, written.starts_on)}"
            f" {side} the registered {written.starts_on.isoformat()}."
        )
    if experiment.ended_on is None:
        found.append(
            "It had not ended when this was read (registered end:"
            f" {written.ends_on.isoformat()}); the result can still change."
        )
        return found
    ended = experiment.ended_on.date()
    if ended == written.ends_on:
        return found
    gap = _days(ended, written.ends_on)
    if ended < written.ends_on:
        found.append(
            f"It was stopped early, on {ended.isoformat()}, {gap} before the registered"
            f" {written.ends_on.isoformat()}."
        )
    else:
        found.append(
            f"It went on until {ended.isoformat()}, {gap} after the registered"
            f" {written.ends_on.isoformat()}."
        )
    return found


def _compare_sizes(
    experiment: Experiment, written: Registration, min_group: int
) -> list[str]:
    """Hold people, groups and steps against those written down."""
    frame = experiment.frame
    found = []
    people = int(frame["unit"].nunique())
    if people < written.people:
        found.append(
            f"{write_count(people, min_group).capitalize()} people drawn may be read"
            f" and have a closed window; {written.people} were registered."
        )
    if experiment.design == "individual":
        return found
    clusters = int(frame["cluster"].nunique())
    if written.clusters is not None and clusters < written.clusters:
        found.append(
            f"{clusters} of the {written.clusters} groups registered are in the"
            " analysis."
        )
    ended = experiment.ended_on is not None
    if experiment.design == "stepped_wedge" and ended and written.steps:
        steps = int(frame.loc[frame["starts"] > 0, "starts"].nunique())
        if steps != len(written.steps):
            found.append(
                f"Groups started in {steps} steps; {len(written.steps)} were"
                " registered."
            )
    return found


def _compare_level(alpha: float, written: Registration) -> list[str]:
    """Hold the level of the test against that written down."""
    if math.isclose(alpha, written.alpha):
        return []
    return [
        f"The registered level of the test is {written.alpha:g}; it is read at"
        f" {alpha:g}."
    ]


def _window(source: Registration | Outcome) -> str:
    """Write when an outcome is read, or an empty text where nothing says so."""
    if source.horizon_days is not None:
        return f"{source.horizon_days} days after the quarter of the draw"
    lag = source.lag_quarters
    if lag is None:
        return ""
    if lag == 0:
        return "in the quarter of the draw"
    quarters = "1 quarter" if lag == 1 else f"{lag} quarters"
    return f"{quarters} after that of the draw"


def _name(text: str) -> str:
    return text.replace("_", " ")


def _days(one: date, other: date) -> str:
    number = abs((one - other).days)
    return "1 day" if number == 1 else f"{number} days"
