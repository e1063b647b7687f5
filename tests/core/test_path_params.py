"""``paths.yml`` and the practice of ``managers.yml``: what is read, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.test_params import write
from workbench.core.errors import ParamError
from workbench.core.managers import ManagerParams
from workbench.core.params import load_org_params
from workbench.core.path_params import PathLimits, PathParams

DEMO = Path(__file__).resolve().parents[2] / "params"
CONTROL = (
    "- {id: rating, source: performance.rating, kind: continuous}\n"
    "- {id: permit, source: employees.permit, kind: binary, negative_control: true}\n"
)


def load(root: Path, text: str, name: str = "paths.yml"):
    folder = write(root, outcomes=CONTROL) / "small"
    (folder / name).write_text(text, encoding="utf-8")
    return load_org_params("small", root)


def test_without_a_file_the_usual_limits_hold(tmp_path: Path) -> None:
    params = load_org_params("small", write(tmp_path))
    assert params.paths == PathParams()
    assert params.paths.window_quarters == 8
    assert params.paths.for_persona("agents") == PathLimits(modules=(3, 5))
    assert params.paths.budget.hours is None
    assert params.nudges is None


def test_a_persona_changes_only_what_it_names(tmp_path: Path) -> None:
    text = (
        "limits: {modules: [2, 4], hours_per_person: 20, people: 50}\n"
        "personas:\n"
        "  agents: {hours_per_person: 12}\n"
    )
    paths = load(tmp_path, text).paths
    assert paths.for_persona("agents") == PathLimits(
        modules=(2, 4), hours_per_person=12, people=50
    )
    assert paths.for_persona("others") == paths.limits


def test_a_persona_may_lift_a_limit(tmp_path: Path) -> None:
    text = (
        "limits: {hours_per_person: 20}\npersonas: {agents: {hours_per_person: null}}\n"
    )
    assert load(tmp_path, text).paths.for_persona("agents").hours_per_person is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("weights:\n  joy: 1\n", r"paths.yml:2: joy is not an outcome"),
        ("weights:\n  permit: 1\n", r"paths.yml:2: permit is not an outcome"),
        ("weights: {rating: -1}\n", "a weight is below 0"),
        ("personas:\n  clerks: {people: 3}\n", r"paths.yml:2: clerks is not a persona"),
        ("seats:\n  c1: 4\n  c9: 4\n", r"paths.yml:3: c9 is not a course"),
        ("seats: {c1: -1}\n", "seats are below 0"),
        ("exclude:\n- c1\n- c9\n", r"paths.yml:3: c9 is not a course"),
        ("exclude: [c1]\nalso: [c1]\n", "c1 stands in exclude and in also"),
        (
            "equity:\n  attributes: [gender, salary]\n",
            r"paths.yml:2: salary is not an attribute",
        ),
        ("equity: {floor: 1.2}\n", "less than or equal to 1"),
        ("limits: {modules: [4, 3]}\n", "the fewest and the most"),
        ("limits: {modules: [0, 3]}\n", "the fewest and the most"),
        ("limits: {hours: 3}\n", r"paths.yml:1: limits.hours: unknown key"),
        ("budget: {hours: 0}\n", "greater than 0"),
        ("window_quarters: 0\n", "greater than or equal to 1"),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ParamError, match=message):
        load(tmp_path, text)


def test_all_faults_are_reported_together(tmp_path: Path) -> None:
    text = "weights: {joy: 1}\nexclude: [c9]\n"
    with pytest.raises(ParamError, match="2 faults") as caught:
        load(tmp_path, text)
    assert "paths.yml:1: joy" in str(caught.value)
    assert "paths.yml:2: c9" in str(caught.value)


def test_places_are_no_protected_attributes_and_may_be_held_equal(
    tmp_path: Path,
) -> None:
    text = "equity: {attributes: [age_band, shift, site]}\nseats: {el: 3}\nalso: [el]\n"
    paths = load(tmp_path, text).paths
    assert paths.equity.attributes == ("age_band", "shift", "site")
    assert paths.equity.floor == 0.8
    assert paths.seats == {"el": 3}


def test_the_demo_has_a_budget_that_its_full_paths_exceed() -> None:
    from workbench.data.demo.catalogue import PROGRAMS

    params = load_org_params("demo", DEMO)
    people = {
        item.id: params.paths.for_persona(item.id).people for item in params.personas
    }
    hours = money = 0.0
    for program in params.programs:
        model = next(item for item in PROGRAMS if item.id == program.id)
        limits = params.paths.for_persona(program.personas[0])
        seats = people[program.personas[0]]
        assert seats is not None
        hours += seats * sum(item.hours for item in model.courses)
        money += sum(seats * item.unit_cost + item.fixed_cost for item in model.courses)
        fewest = sorted(item.hours for item in model.courses)[
            : program.complete.at_least
        ]
        assert limits.hours_per_person is not None
        assert sum(fewest) <= limits.hours_per_person
    budget = params.paths.budget
    assert budget.hours is not None
    assert budget.money is not None
    assert budget.hours < hours
    assert budget.money < money


def test_in_the_demo_one_module_of_first_contact_has_to_go() -> None:
    from workbench.data.demo.catalogue import FIRST_CONTACT

    params = load_org_params("demo", DEMO)
    limit = params.paths.for_persona("support_l1_new").hours_per_person
    hours = {item.id: item.hours for item in FIRST_CONTACT.courses}
    assert limit is not None
    assert sum(hours.values()) > limit
    assert sum(hours.values()) - hours["l1-4"] <= limit


def test_every_module_of_the_demo_is_practised() -> None:
    params = load_org_params("demo", DEMO)
    managers = params.managers
    assert managers is not None
    for program in params.programs:
        for course in program.courses:
            found = managers.find_practice(course, [])
            assert found is not None
            assert found.course == course
            assert found.prompt.endswith("?")


MANAGERS = {
    "behaviours": [{"id": "coaching", "label": "Coaching", "coaching": True}],
    "practice": [
        {"skill": "talk", "task": "Talk.", "prompt": "How?"},
        {"course": "c1", "task": "Do.", "prompt": "What?", "behaviour": "coaching"},
        {"skill": "write", "task": "Write.", "prompt": "Why?"},
    ],
}


def test_a_course_is_practised_before_its_skills() -> None:
    managers = ManagerParams.model_validate(MANAGERS)
    tasks = {
        (course, skills): getattr(managers.find_practice(course, skills), "task", None)
        for course, skills in (
            ("c1", ("talk",)),
            ("c2", ("other", "write", "talk")),
            (None, ("talk",)),
            ("c2", ()),
        )
    }
    assert list(tasks.values()) == ["Do.", "Write.", "Talk.", None]


@pytest.mark.parametrize(
    ("practice", "message"),
    [
        ({"task": "Do.", "prompt": "What?"}, "either course or skill"),
        (
            {"course": "c2", "skill": "talk", "task": "Do.", "prompt": "What?"},
            "either course or skill",
        ),
        ({"skill": "talk", "task": "Do.", "prompt": "What?"}, "talk stands twice"),
        (
            {"course": "c2", "task": "Do.", "prompt": "?", "behaviour": "dancing"},
            "names no behaviour: dancing",
        ),
        ({"course": "c2", "task": "", "prompt": "What?"}, "at least 1 character"),
    ],
)
def test_practice_that_does_not_fit_is_refused(
    practice: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ManagerParams.model_validate(
            MANAGERS | {"practice": [*MANAGERS["practice"], practice]}
        )
