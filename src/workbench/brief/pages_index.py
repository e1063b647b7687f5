"""The index page: did learning pay, where, how sure are we, what do we do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.brief.answers import count_findings, state_answer, state_findings
from workbench.brief.cards import draw_cards, tabulate_cards
from workbench.brief.changes import show_changes
from workbench.brief.components import (
    Block,
    Column,
    Html,
    build_note,
    build_table,
    draw_grade,
    draw_list,
    draw_verdict,
    escape_html,
    escape_markdown,
    join_blocks,
    show_title,
    write_paragraph,
    write_section,
)
from workbench.brief.decisions import list_decisions
from workbench.brief.effects import ADJUSTED_GRADE, select_effects
from workbench.brief.exhibits import compare_personas
from workbench.brief.figures import Exhibit
from workbench.brief.formatting import (
    format_count,
    format_effect,
    format_interval,
    format_quarter,
    is_missing,
    split_effect,
)
from workbench.brief.header import show_header
from workbench.brief.limitations import list_limitations
from workbench.brief.narrative import join_words, lower_first
from workbench.brief.prescribing.prescribed_next import show_prescribed
from workbench.brief.results import BriefData
from workbench.brief.scorecard import Kpi, build_scorecard

__all__ = ["IndexPage"]

_FINDINGS = {
    "gain": ("good", "gain"),
    "loss": ("bad", "loss"),
    "none": ("none", "no change"),
    "unclear": ("unsure", "unclear"),
}
_HINTS = {"gain": ("unsure", "hint of a gain"), "loss": ("unsure", "hint of a loss")}


_GAP = "\N{NO-BREAK SPACE}"
_NOT_COMPARED = Html('<span class="kpi-ci">not compared</span>')


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPage:
    """The index page's parts, in the order they are shown.

    Attributes
    ----------
    data : BriefData
        The quarter's results.
    effects : DataFrame
        One estimate per persona, programme and outcome.
    cards : tuple of Kpi
        The scorecard.
    """

    data: BriefData
    effects: pd.DataFrame
    cards: tuple[Kpi, ...]

    @classmethod
    def create(cls, data: BriefData) -> IndexPage:
        """Compute what the parts share, once."""
        effects = select_effects(data)
        return cls(data=data, effects=effects, cards=build_scorecard(data, effects))

    def show_answer(self) -> None:
        """Show the title: the answer in one sentence."""
        quarter = format_quarter(self.data.quarter)
        show_title(state_answer(self.effects, self.cards, quarter=quarter))

    def show_opening(self) -> Block:
        """Show the header line and the findings in three sentences."""
        first, *more = state_findings(self.effects, self.cards)
        return join_blocks(
            show_header(self.data, self.effects),
            write_paragraph(escape_markdown(first), kind="lede"),
            *(write_paragraph(escape_markdown(item)) for item in more),
        )

    def show_scorecard(self) -> Block:
        """Show the cards: the playbook's four, then the others."""
        main = [item for item in self.cards if item.measure.main]
        other = [item for item in self.cards if not item.measure.main]
        return join_blocks(
            write_section("Against the targets", "scorecard"),
            write_paragraph(
                "Mean effect on the people who learnt, over all personas, with 95 % "
                "interval. The band is the target, the line at 0 means no effect.",
                kind="sub",
            ),
            draw_cards(main),
            draw_cards(other, small=True),
        )

    def show_numbers(self) -> Block:
        """Show the cards' numbers as a table, and how they are made."""
        return join_blocks(
            write_section("The same in numbers", "numbers", level=3),
            tabulate_cards(self.cards),
            write_paragraph(
                "A mean over personas is weighted by learners. Its interval takes the "
                "personas as independent. Its evidence grade is the lowest among "
                "personas that hold at least a tenth of the learners. Met means that "
                "the whole interval reaches the nearer end of the target, not met that "
                "none of it does.",
                _name_left_out(self.cards),
                kind="sub",
            ),
        )

    def show_where(self) -> Block:
        """Show persona by outcome: effect, interval, finding, grade and number."""
        rows = self.effects[~self.effects["control"].astype(bool)]
        return join_blocks(
            write_section("Where it works and where not", "where"),
            write_paragraph(escape_markdown(count_findings(rows)), kind="finding"),
            _tabulate_where(self.data, rows),
        )

    def choose_effects(self) -> Exhibit:
        """Choose what the forest plot shows: a panel per outcome, a row per persona."""
        return compare_personas(self.effects)

    def show_decisions(self) -> Block:
        """Show what is asked of the sponsor, and what cannot be priced yet."""
        decisions = list_decisions(self.data, self.effects)
        items = [
            Html(f"<b>{escape_html(item.verb)}</b> {escape_html(item.text)}")
            for item in decisions
        ]
        listed = (
            draw_list(items, kind="decisions", ordered=True)
            if items
            else write_paragraph("The numbers of this quarter ask for no decision.")
        )
        return join_blocks(
            write_section("Decisions asked for", "decisions"),
            listed,
            show_prescribed(self.data),
            _note_roi(self.cards),
        )

    def show_changes(self) -> Block:
        """Show what changed since the quarter before."""
        return join_blocks(
            write_section("What changed since last quarter", "changes"),
            show_changes(self.data, self.cards),
        )

    def show_limitations(self) -> Block:
        """Show what the numbers do not say."""
        sentences = list_limitations(self.data, self.effects, self.cards)
        return join_blocks(
            write_section("How sure are we", "limitations"), draw_list(sentences)
        )

    def show_links(self) -> Block:
        """Show where to read on."""
        personas = "\n".join(
            f"- [{escape_markdown(item.label)}](personas/{item.id}.ipynb)"
            for item in self.data.params.personas
        )
        return join_blocks(
            write_section("Read on", "more"),
            Block(
                f"{personas}\n"
                "- [Actions](actions.ipynb): modules, paths and what comes next\n"
                "- [Data quality](data_quality.ipynb): what the numbers stand on\n"
                "- [Methods](methods.ipynb): how they are made, and the words used\n\n"
            ),
        )


def _tabulate_where(data: BriefData, rows: pd.DataFrame) -> Block:
    """Build the matrix of personas (and programmes) by outcomes."""
    if rows.empty:
        return write_paragraph("No comparison of learners with others was made.")
    units = rows.drop_duplicates("outcome")
    several = rows.groupby("persona")["program"].nunique().max() > 1
    columns = [Column("who", "Persona")]
    columns += [
        Column(str(row.outcome), _head(row.outcome_label, row.unit))
        for row in units.itertuples()
    ]
    cells: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows.to_dict("records"):
        key = (str(row["persona"]), str(row["program"]))
        who = row["label"] + (f", {data.label_program(key[1])}" if several else "")
        blank = dict.fromkeys((item.key for item in columns[1:]), _NOT_COMPARED)
        cells.setdefault(key, {"who": who, **blank})[str(row["outcome"])] = _draw_cell(
            row, data.min_group
        )
    return build_table(
        list(cells.values()),
        columns,
        caption="Effect on learners, by experiment where one stands, over time where "
        "the outcome takes time, else against like colleagues or from before to after: "
        "estimate, 95 % interval, finding, evidence grade, learners (n). A "
        "gain or loss holds after adjusting for the number of comparisons; no change: "
        "the whole interval lies within the threshold",
        anchor="tbl-where",
    )


def _draw_cell(row: dict[str, Any], min_group: int) -> Html:
    """Draw one comparison: number, interval, verdict, grade and n."""
    finding = str(row["finding"])
    if finding == "suppressed":
        return Html(f'<span class="kpi-ci">fewer than {min_group} people</span>')
    if finding == "unanswered":
        return Html('<span class="kpi-ci">no answer</span>')
    unit = str(row["unit"])
    number = split_effect(row["estimate"], unit)[0]
    interval = format_interval(row["ci_low"], row["ci_high"], unit)
    interval = interval.replace(" ", _GAP)
    grade = None if is_missing(row["evidence"]) else int(row["evidence"])
    sound = grade is None or grade >= ADJUSTED_GRADE
    verdict = _FINDINGS[finding] if sound else _HINTS.get(finding, _FINDINGS[finding])
    return Html(
        f"<b>{escape_html(number)}</b> "
        f'<span class="kpi-ci">{escape_html(interval)}</span><br>'
        f"{draw_verdict(*verdict)}<br>{draw_grade(grade)} "
        f'<span class="kpi-ci">n{_GAP}{format_count(row["n_treated"])}</span>'
    )


def _head(label: str, unit: object) -> str:
    """Name a column: the outcome and the unit of its effect."""
    words = format_effect(0.0, str(unit)).partition("\N{NO-BREAK SPACE}")[2]
    return f"{label} ({words})" if words else str(label)


def _name_left_out(cards: tuple[Kpi, ...]) -> str:
    """Name personas that a mean does not speak for."""
    named = [
        f"{lower_first(item.label)} without {join_words(item.left_out)}"
        for item in cards
        if item.left_out
    ]
    if not named:
        return ""
    return escape_markdown(f"Some personas have no number: {'; '.join(named)}.")


def _note_roi(cards: tuple[Kpi, ...]) -> Block:
    """Say why the brief holds no return on investment yet."""
    missing = [
        item
        for item in cards
        if item.measure.id == "roi" and item.status == "unmeasured"
    ]
    if not missing:
        return Block("")
    return build_note(
        "Return on investment: not priced yet.",
        missing[0].reason,
        "Until then this brief says what learning changed, not what that is worth.",
    )
