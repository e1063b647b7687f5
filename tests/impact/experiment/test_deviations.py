"""Deviations: one change at a time gives one sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from tests.impact.experiment.draw_wedges import draw_wedge
from tests.impact.simulate import make_outcome
from workbench.cohorts.experiment_frames import Experiment
from workbench.core.registration import Registration
from workbench.impact.experiment.deviations import list_deviations

WRITTEN: dict[str, Any] = {
    "experiment": "exp-1",
    "written_on": "2025-03-01",
    "design": "stepped_wedge",
    "persona": "newcomers",
    "program": "basics",
    "primary_outcome": "performance_rating",
    "lag_quarters": 1,
    "secondary_outcomes": ["kpi_attainment"],
    "guardrails": [{"outcome": "retention_12m", "margin": {"absolute": 0.05}}],
    "starts_on": "2025-04-01",
    "ends_on": "2026-03-31",
    "steps": ["2025-04-01", "2025-07-01", "2025-10-01", "2026-01-01"],
    "people": 96,
    "clusters": 12,
    "smallest_effect": 0.2,
    "power": 0.8,
}


@pytest.fixture(scope="module")
def drawn() -> Experiment:
    return draw_wedge(1)


def compare(experiment: Experiment, **change: object) -> tuple[str, ...]:
    written = Registration.model_validate(WRITTEN | change)
    return list_deviations(replace(experiment, registration=written))


def test_what_is_as_registered_needs_no_sentence(drawn: Experiment) -> None:
    assert compare(drawn) == ()
    assert compare(drawn, written_on="2025-04-01") == ()


def test_without_registration_it_says_what_that_means(drawn: Experiment) -> None:
    assert drawn.registration is None
    (sentence,) = list_deviations(drawn)
    assert sentence.startswith("This experiment was not registered")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"written_on": "2025-04-11"},
            "The registration was written on 2025-04-11, 10 days after the experiment"
            " had begun on 2025-04-01.",
        ),
        (
            {"primary_outcome": "ramp_days"},
            "The registered primary outcome is ramp days; performance rating is"
            " analysed as primary instead.",
        ),
        (
            {"lag_quarters": 2},
            "The primary outcome was registered to be read 2 quarters after that of"
            " the draw; it is read 1 quarter after that of the draw.",
        ),
        (
            {"lag_quarters": None, "horizon_days": 90},
            "The primary outcome was registered to be read 90 days after the quarter"
            " of the draw; it is read 1 quarter after that of the draw.",
        ),
        (
            {"lag_quarters": 0},
            "The primary outcome was registered to be read in the quarter of the draw;"
            " it is read 1 quarter after that of the draw.",
        ),
        (
            {"lag_quarters": None},
            "The registration does not say when the primary outcome is read.",
        ),
        (
            {"design": "cluster", "steps": []},
            "The registered design is whole groups drawn; the experiment was run with"
            " groups starting one after another.",
        ),
        (
            {"program": "advanced_desk"},
            "The registered programme is advanced desk, not basics.",
        ),
        (
            {"persona": "team_leads"},
            "The registered persona is team leads, not newcomers.",
        ),
        (
            {"starts_on": "2025-03-31"},
            "It began on 2025-04-01, 1 day after the registered 2025-03-31.",
        ),
        (
            {"ends_on": "2026-06-30"},
            "It was stopped early, on 2026-03-31, 91 days before the registered"
            " 2026-06-30.",
        ),
        (
            {"ends_on": "2026-02-28"},
            "It went on until 2026-03-31, 31 days after the registered 2026-02-28.",
        ),
        (
            {"people": 120},
            "96 people drawn may be read and have a closed window; 120 were"
            " registered.",
        ),
        (
            {"clusters": 15},
            "12 of the 15 groups registered are in the analysis.",
        ),
        (
            {"steps": ["2025-04-01", "2025-07-01"]},
            "Groups started in 4 steps; 2 were registered.",
        ),
    ],
)
def test_one_change_gives_one_sentence(
    drawn: Experiment, change: dict[str, object], sentence: str
) -> None:
    assert compare(drawn, **change) == (sentence,)


def test_another_level_than_registered_is_named(drawn: Experiment) -> None:
    assert compare(drawn, alpha=0.01) == (
        "The registered level of the test is 0.01; it is read at 0.05.",
    )


def test_a_running_experiment_may_still_change(drawn: Experiment) -> None:
    running = replace(drawn, ended_on=None)
    (sentence,) = compare(running, steps=["2025-04-01", "2025-07-01"])
    assert sentence.startswith("It had not ended when this was read")
    assert "2026-03-31" in sentence


def test_arms_are_compared_without_naming_those_of_the_data(
    drawn: Experiment,
) -> None:
    frame = drawn.frame.assign(
        arm=["<i>x</i>" if place % 2 else "control" for place in drawn.frame.index]
    )
    found = compare(
        replace(drawn, frame=frame), allocation={"control": 0.5, "invited": 0.5}
    )
    assert found == (
        "Nobody was drawn into the registered arm invited.",
        "1 arm was not registered.",
    )


def test_few_people_are_not_counted(drawn: Experiment) -> None:
    few = drawn.frame[drawn.frame["unit"].isin(["p00001", "p00002"])]
    found = compare(replace(drawn, frame=few), clusters=2, steps=[])
    assert found[0] == (
        "Fewer than 10 people drawn may be read and have a closed window; 96 were"
        " registered."
    )


def test_further_outcomes_are_held_against_the_list_alone(drawn: Experiment) -> None:
    further = replace(drawn, primary=False, ended_on=pd.Timestamp("2025-12-31"))
    for name in ("kpi_attainment", "retention_12m"):
        item = replace(further, outcome=make_outcome(id=name))
        assert compare(item) == ()
    assert compare(replace(further, outcome=make_outcome(id="ramp_days"))) == (
        "Ramp days was not registered for this experiment.",
    )
    (sentence,) = compare(further)
    assert "registered as the primary outcome" in sentence
