"""Registrations of experiments: what they may say, and the demo's own."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from workbench.core.errors import ParamError
from workbench.core.params import load_org_params
from workbench.core.registration import Registration, read_registrations

PARAMS = Path(__file__).resolve().parents[2] / "params"

SOUND: dict[str, Any] = {
    "experiment": "exp-1",
    "written_on": date(2025, 3, 1),
    "design": "individual",
    "persona": "agents",
    "program": "talking",
    "primary_outcome": "rating",
    "starts_on": date(2025, 4, 1),
    "ends_on": date(2025, 9, 30),
    "people": 100,
    "smallest_effect": 0.1,
    "power": 0.8,
}
WEDGE = {"design": "stepped_wedge", "clusters": 4}
KNOWN: dict[str, tuple[str, ...]] = {
    "personas": ("agents",),
    "programs": ("talking",),
    "outcomes": ("rating", "retention"),
}


def write(folder: Path, name: str = "one.yml", **change: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{key}: {value}" for key, value in (SOUND | change).items()]
    (folder / name).write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_a_sound_registration_is_read_with_its_defaults(tmp_path: Path) -> None:
    (item,) = read_registrations(write(tmp_path / "experiments"), **KNOWN)
    assert item == Registration.model_validate(SOUND)
    assert (item.alpha, item.allocation, item.steps) == (0.05, {}, ())


def test_no_folder_means_no_registration(tmp_path: Path) -> None:
    assert read_registrations(tmp_path / "none", **KNOWN) == ()


def test_outcomes_are_listed_with_the_primary_one_first() -> None:
    item = Registration.model_validate(
        SOUND
        | {
            "secondary_outcomes": ["skill"],
            "guardrails": [{"outcome": "retention", "margin": {"relative": 0.1}}],
        }
    )
    assert item.outcomes == ("rating", "skill", "retention")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ends_on": date(2025, 4, 1)}, "ends_on does not lie after starts_on"),
        ({"lag_quarters": 1, "horizon_days": 90}, "not both"),
        ({"secondary_outcomes": ["rating"]}, "an outcome is registered twice"),
        ({"design": "cluster"}, "a cluster design needs clusters"),
        ({"allocation": {"control": 0.5, "a": 0.4}}, "sum to 1"),
        ({"allocation": {"a": 0.5, "b": 0.5}}, "no arm named control"),
        ({"steps": [date(2025, 4, 1)]}, "steps belong to a stepped_wedge"),
        (WEDGE | {"steps": [date(2025, 7, 1), date(2025, 4, 1)]}, "not in order"),
        (WEDGE | {"steps": [date(2025, 4, 1)] * 2}, "one stands twice"),
        (WEDGE | {"steps": [date(2025, 1, 1)]}, "lie outside starts_on"),
        ({"smallest_effect": 0}, "greater than 0"),
        ({"people": 1}, "greater than or equal to 2"),
        ({"notes": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_what_contradicts_itself_is_refused(
    change: dict[str, object], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        Registration.model_validate(SOUND | change)


def test_a_stepped_wedge_may_name_its_steps_and_waves() -> None:
    more = {
        "steps": [date(2025, 4, 1), date(2025, 7, 1)],
        "allocation": {"wave_1": 0.5, "wave_2": 0.5},
    }
    assert len(Registration.model_validate(SOUND | WEDGE | more).steps) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"persona": "clerks"}, "names a persona that does not exist"),
        ({"program": "walking"}, "names a programme that does not exist"),
        ({"primary_outcome": "luck"}, "names an outcome that does not exist"),
        ({"secondary_outcomes": "[luck]"}, "outcome that does not exist"),
    ],
)
def test_what_does_not_exist_is_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    folder = write(tmp_path / "experiments", **change)
    with pytest.raises(ParamError, match=message):
        read_registrations(folder, **KNOWN)


def test_one_experiment_has_one_registration(tmp_path: Path) -> None:
    folder = write(tmp_path / "experiments")
    write(folder, name="two.yml")
    with pytest.raises(ParamError, match="is registered twice"):
        read_registrations(folder, **KNOWN)


def test_the_demo_registers_both_experiments_before_they_begin() -> None:
    params = load_org_params("demo", PARAMS)
    found = {item.experiment: item for item in params.registrations}
    assert set(found) == {"exp-first-contact", "exp-leading-people"}
    for item in found.values():
        assert item.written_on < item.starts_on
        assert item.guardrails
        outcome = params.find_outcome(item.primary_outcome)
        assert item.lag_quarters == outcome.lag_quarters
        assert item.program in [p.id for p in params.find_programs(item.persona)]
