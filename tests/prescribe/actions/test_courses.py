"""Courses: what is open to whom, and which is best for a skill."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.prescribe.actions.crowd import (
    make_catalogue,
    make_modules,
    make_paths,
    make_people,
    make_person,
)
from workbench.prescribe.actions.courses import list_courses, open_courses


def list_all(**more):
    catalogue = make_catalogue(
        {"course_id": "e-1", "skills": ["coaching"]},
        {"course_id": "e-2", "skills": ["coaching"], "effort_hours": 1.0},
        {"course_id": "x-1", "skills": ["coaching"], "effort_hours": 0.5},
        {"course_id": "m-4", "active": False},
    )
    usual = {"modules": make_modules(), "paths": make_paths(), "catalogue": catalogue}
    return list_courses(persona="leads", **usual | more)


def test_own_modules_come_before_electives_and_others_programmes_stay_out():
    courses = list_all()
    assert courses.for_skill("coaching", hours=4) == ["m-2", "m-1", "e-2", "e-1"]
    assert courses.for_skill("coaching", hours=1.5) == ["e-2"]
    assert courses.for_skill("unheard", hours=9) == []
    assert "x-1" not in courses.known
    assert not courses.known["m-4"].active
    assert courses.known["m-3"].retired


def test_a_course_retired_for_one_persona_is_proposed_to_none():
    modules = make_modules()
    other = modules[modules["module"] == "m-2"].assign(
        persona="others", decision="retire"
    )
    courses = list_all(modules=pd.concat([modules, other], ignore_index=True))
    assert courses.known["m-2"].retired


def test_hours_that_are_not_known_are_not_short():
    modules = make_modules(m_2={"effort_hours": np.nan})
    assert "m-2" not in list_all(modules=modules).for_skill("coaching", hours=4)


def test_a_module_of_the_path_alone_is_known_by_the_path():
    courses = list_all(paths=make_paths("m-1", "e-9"))
    assert courses.path == ("m-1", "e-9")
    assert courses.known["e-9"].title == "Module e-9"


def test_lists_may_come_back_from_parquet_as_arrays():
    modules = make_modules()
    modules["skills"] = [np.array(value) for value in modules["skills"]]
    modules["prerequisites"] = [
        None if not value else np.array(value) for value in modules["prerequisites"]
    ]
    courses = list_all(modules=modules)
    assert courses.known["m-2"].prerequisites == ("m-1",)
    assert courses.known["m-1"].prerequisites == ()


def test_open_is_what_is_offered_not_passed_not_begun_and_prepared_for():
    people = make_people(
        [
            make_person("a"),
            make_person("b"),
            make_person("c", in_progress=["m-2"]),
            make_person("d", in_progress=["m-1"]),
        ],
        done=[("b", "m-1"), ("c", "m-1"), ("nobody", "m-1")],
    )
    opened = open_courses(people, people.frame, list_all())
    assert opened.is_open("m-1").tolist() == [True, False, False, False]
    assert opened.is_open("m-2").tolist() == [False, True, False, False]
    assert opened.is_open("m-3").tolist() == [False] * 4
    assert opened.is_open("m-4").tolist() == [False] * 4
    assert opened.is_open("unheard").tolist() == [False] * 4
    assert opened.find_next().tolist() == ["m-1", "m-2", None, None]
    assert opened.has_begun().tolist() == [False, True, True, True]


def test_the_best_module_for_a_skill_is_the_first_that_is_open():
    people = make_people(
        [make_person("a"), make_person("b")], done=[("b", "m-1"), ("b", "e-1")]
    )
    opened = open_courses(people, people.frame, list_all())
    found = opened.find_for_skills(
        np.array([0, 1, 1]),
        np.array(["coaching", "coaching", "feedback"], dtype=object),
        hours=4,
    )
    assert found.tolist() == ["m-1", "m-2", None]
