"""Enrolment files as two learning management systems document them.

moodle_upload
    Moodle, page "Upload users" of the documentation (docs.moodle.org), enrolment
    fields: ``username`` names the account, ``course1`` the short name of a course,
    ``role1`` the role in it, ``enrolperiod1`` the days for which it holds, counted
    from the upload; numbers go up for further courses. To be uploaded with "Update
    existing users only".
moodle_flat_file
    Moodle, page "Flat file" (docs.moodle.org): operation, role, ID number of the
    user, ID number of the course, and start and end as Unix time; no header.
canvas_sis
    Canvas, page "SIS CSV Format" (developerdocs.instructure.com), file
    ``enrollments.csv``: ``course_id``, ``user_id``, ``role``, ``status`` and, as a
    start is only heeded with an end, both dates in ISO 8601.
"""

from __future__ import annotations

from workbench.core.nudge_params import LmsFormat

__all__ = ["fill_preset"]

_ROLE = "{role}"

_PRESETS: dict[str, dict[str, object]] = {
    "moodle_upload": {
        "layout": "person",
        "columns": {
            "username": "{person}",
            "course#": "{course}",
            "role#": _ROLE,
            "enrolperiod#": "{days}",
        },
    },
    "moodle_flat_file": {
        "header": False,
        "columns": {
            "operation": "add",
            "role": _ROLE,
            "user": "{person}",
            "course": "{course}",
            "start": "{starts_unix}",
            "end": "{ends_unix}",
        },
    },
    "canvas_sis": {
        "columns": {
            "course_id": "{course}",
            "user_id": "{person}",
            "role": _ROLE,
            "status": "active",
            "start_date": "{starts_at}",
            "end_date": "{ends_at}",
        },
    },
}


def fill_preset(form: LmsFormat) -> LmsFormat:
    """Return a format with the columns of its preset; one without stays as it is."""
    if form.preset is None:
        return form
    return form.model_copy(update=_PRESETS[form.preset])
