"""Performance reviews: a workbook, or CSV files where a sheet could not hold them."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.data.demo.arrays import Columns, Draws
from workbench.data.demo.delivery import Delivery
from workbench.data.demo.files import CsvFile, label, split_rows, write_excel
from workbench.data.demo.ids import OUTSIDER, number_people
from workbench.data.demo.lms import count_outsiders
from workbench.data.demo.world import World

__all__ = ["EXCEL_ROWS", "list_reviews", "write_reviews"]

EXCEL_ROWS = 200_000
"""More rows than this go to CSV files: a sheet ends at 1,048,576."""

_SOUND, _TWICE, _OUTSIDE, _BAD_RATING = range(4)


def write_reviews(world: World, draws: Draws, delivery: Delivery) -> str:
    """Write one workbook, or CSV files by quarter where the rows are too many.

    Returns
    -------
    str
        ``excel`` or ``csv``: the format of the source in ``source.yml``.
    """
    rows = list_reviews(world, draws)
    size = rows["number"].size
    for fault, name, reason in (
        (_TWICE, "duplicate row", "duplicate_row"),
        (_OUTSIDE, "person without HRIS row", "unknown_employee"),
        (_BAD_RATING, "rating above the scale", "out_of_range"),
    ):
        count = int((rows["fault"] == fault).sum())
        delivery.note_wart("performance", name, count, reason)
    if size <= EXCEL_ROWS:
        table = delivery.shaper.shape(_REVIEWS, _describe(world, rows))
        write_excel(delivery.folder / "reviews/ratings.xlsx", "Ratings", table)
        delivery.note_file("reviews", size)
        return "excel"
    for step, quarter in enumerate(world.timeline.quarters):
        mine = np.flatnonzero(rows["step"] == step)
        path = delivery.folder / f"reviews/ratings_{quarter}.csv"
        with CsvFile(path) as file:
            for part in split_rows({"row": mine}):
                chosen = {name: values[part["row"]] for name, values in rows.items()}
                file.write(delivery.shaper.shape(_REVIEWS, _describe(world, chosen)))
            delivery.note_file("reviews", file.rows)
    return "csv"


def list_reviews(world: World, draws: Draws) -> Columns:
    """List all reviews with the faulty rows after the sound ones."""
    rng = draws.stream("reviews")
    sound = world.ratings
    size = sound["person"].size
    rows = {
        **sound,
        "number": number_people(sound["person"]),
        "fault": np.zeros(size, int),
    }
    parts = [rows]
    last = world.timeline.count - 1
    unrated = np.ones(world.people.count, bool)
    unrated[sound["person"][sound["step"] == last]] = False
    bad = np.flatnonzero(unrated & world.state.active)[: max(2, size // 5000)]
    outsiders = np.arange(count_outsiders(world.people.count))
    for fault, number in (
        (_OUTSIDE, OUTSIDER + outsiders),
        (_BAD_RATING, number_people(bad)),
    ):
        model = rng.choice(size, number.size, replace=False)
        copy = {name: values[model] for name, values in rows.items()}
        copy["number"] = number
        copy["fault"] = np.full(number.size, fault)
        if fault == _BAD_RATING:
            copy["step"] = np.full(number.size, last)
            copy["rating"] = np.full(number.size, 7.5)
        parts.append(copy)
    twice = rng.choice(size, max(2, size // 3000), replace=False)
    again = {name: values[np.sort(twice)] for name, values in rows.items()}
    again["fault"] = np.full(twice.size, _TWICE)
    parts.append(again)
    return {name: np.concatenate([part[name] for part in parts]) for name in rows}


def _describe(world: World, rows: Columns) -> dict[str, Any]:
    periods = [f"Q{item.number}/{item.year}" for item in world.timeline.quarters]
    return {**rows, "period": label(rows["step"], periods)}


_REVIEWS = """
select number as "Personnel No", cast(period as varchar) as "Period",
    rating as "Overall Rating", 5 as "Scale", round(kpi * 100, 1) as "KPI %",
    okr as "OKR"
from rows
"""
