"""The methods page: how the numbers are made, and what must be true for them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from workbench.brief.causes import choose_causes, list_adjusted, show_causes
from workbench.brief.components import (
    Block,
    Column,
    Html,
    build_table,
    draw_grade,
    draw_list,
    join_blocks,
    write_paragraph,
    write_section,
)
from workbench.brief.effects import select_effects
from workbench.brief.figures import Exhibit
from workbench.brief.formatting import (
    MISSING,
    format_count,
    format_date,
    format_percent,
    format_value,
    pluralise,
)
from workbench.brief.glossary import (
    ASSUMPTIONS,
    CONVENTIONS,
    EXPERIMENTS,
    GRADES,
    OVER_TIME,
    show_terms,
)
from workbench.brief.header import show_header
from workbench.brief.labels import label_outcome
from workbench.brief.narrative import join_words
from workbench.brief.prescribing.prescribed_methods import show_prescribing
from workbench.brief.results import BriefData
from workbench.brief.tables import tabulate_frame, words
from workbench.brief.validation import show_calibration, show_nonexperimental
from workbench.core.params import Outcome, Program, Threshold

__all__ = ["MethodsPage", "count_matched"]

_PEOPLE = ("", "probability")


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodsPage:
    """The methods page's parts, in the order they are shown."""

    data: BriefData
    effects: pd.DataFrame

    @classmethod
    def create(cls, data: BriefData) -> MethodsPage:
        """Compute what the parts share, once."""
        return cls(data=data, effects=select_effects(data))

    def show_opening(self) -> Block:
        """Show the header line and the design in plain words."""
        return join_blocks(
            show_header(self.data, self.effects),
            write_paragraph(
                "Every number answers one question: how did the people who learnt do, "
                "compared with like colleagues who could have learnt in the same "
                "quarter and did not? Where chance decided who was invited, it answers "
                "by itself.",
                kind="lede",
            ),
            write_section("The design in plain words", "design"),
            write_paragraph(
                "For every persona, programme and quarter a trial is imagined and then "
                "read from the records. It begins on one day. Whoever belongs to the "
                "persona on that day, is employed, and has not finished the programme "
                "takes part. Those who finish it within the quarter are the learners. "
                "What was known of both groups before that day makes them comparable; "
                "what happens after the quarter is the outcome. Nothing later than "
                f"{format_date(self.data.data_cut)} was read."
            ),
        )

    def show_trials(self) -> Block:
        """Show the target trial and what counts as an outcome."""
        return join_blocks(
            write_section("The trial that is imagined", "trial"),
            _tabulate_trial(self.data),
            write_section("What is measured", "outcomes"),
            _tabulate_outcomes(self.data),
        )

    def show_causes(self) -> Block:
        """Show what must be held alike by the declared causes, and what is missing."""
        return show_causes(self.data)

    def choose_causes(self) -> Exhibit:
        """Choose the graphs of the declared causes."""
        return choose_causes(self.data)

    def show_programs(self) -> Block:
        """Show what counts as having learnt, per programme."""
        rows = [
            _describe_program(self.data, item) for item in self.data.params.programs
        ]
        columns = (
            Column("program", "Programme"),
            Column("personas", "For"),
            Column("rule", "Counts as learnt"),
            Column("assigned", "Given by"),
        )
        return join_blocks(
            write_section("What counts as having learnt", "programs"),
            build_table(
                rows,
                columns,
                caption="Completion rules, fixed before the quarter is analysed",
                anchor="tbl-programs",
            ),
        )

    def show_assumptions(self) -> Block:
        """Show what must be true for a difference to be an effect."""
        return join_blocks(
            write_section("What must be true", "assumptions"),
            draw_list([Html(f"<b>{lead}</b> {text}") for lead, text in ASSUMPTIONS]),
        )

    def show_experiments(self) -> Block:
        """Show how experiments are read, and when they are not."""
        return join_blocks(
            write_section("When chance decides", "experiments"),
            draw_list([Html(f"<b>{lead}</b> {text}") for lead, text in EXPERIMENTS]),
        )

    def show_over_time(self) -> Block:
        """Show how people are followed over time, and from when."""
        return join_blocks(
            write_section("Following people over time", "over-time"),
            draw_list([Html(f"<b>{lead}</b> {text}") for lead, text in OVER_TIME]),
        )

    def show_prescribing(self) -> Block:
        """Show how modules are valued and paths chosen, and the model cards."""
        return show_prescribing(self.data)

    def show_grades(self) -> Block:
        """Show what each evidence grade means."""
        rows = [
            {
                "grade": draw_grade(grade),
                "number": str(grade),
                "name": name,
                "text": text,
            }
            for grade, name, text in GRADES
        ]
        columns = (
            Column("number", "Grade"),
            Column("grade", "Shown as"),
            Column("name", "Name"),
            Column("text", "Meaning"),
        )
        return join_blocks(
            write_section("Evidence grades", "grades"),
            build_table(
                rows,
                columns,
                caption="Grades are computed from the published numbers, never given "
                "by hand",
                anchor="tbl-grades",
            ),
            write_paragraph(
                "People lost on the way, missing outcomes, thresholds changed after "
                "looking and too few people lower a grade by up to two steps. Where "
                "designs disagree beyond their errors, the brief shows both."
            ),
        )

    def show_conventions(self) -> Block:
        """Show how errors, intervals and verdicts are made."""
        return join_blocks(
            write_section("Errors, intervals, verdicts", "conventions"),
            draw_list(list(CONVENTIONS)),
        )

    def show_whom(self) -> Block:
        """Show for whom each effect speaks: learners with a match, by persona."""
        return join_blocks(
            write_section("For whom the numbers speak", "whom"),
            write_paragraph(
                "An effect speaks for the learners who found a like colleague. "
                "Learners without one are left out and counted here; for them the "
                "effect is not known."
            ),
            _tabulate_matched(count_matched(self.data)),
        )

    def show_proofs(self) -> Block:
        """Show how the methods did where the truth is known."""
        return join_blocks(
            write_section("Do the methods find a known truth", "proofs"),
            show_calibration(),
            write_section("Matching held against an experiment", "experiment"),
            show_nonexperimental(),
        )

    def show_glossary(self) -> Block:
        """Show the words of the brief in plain language."""
        return join_blocks(write_section("Words", "glossary"), show_terms())


def count_matched(data: BriefData) -> pd.DataFrame:
    """Count learners at the first and the last step of each comparison.

    Returns
    -------
    DataFrame
        ``label``, ``program``, ``outcome``, ``first``, ``last``, ``share`` (in words).
        Rows where either count is below the privacy floor are left out.
    """
    rows = []
    for (stage, persona), item in data.stages.items():
        flow = item.table("flow")
        if stage != "psm" or not {"step", "n_treated"} <= set(flow.columns):
            continue
        keys = [name for name in ("program", "outcome") if name in flow.columns]
        groups = flow.groupby(keys, sort=False) if keys else [((), flow)]
        for names, part in groups:
            first, last = part["n_treated"].iloc[0], part["n_treated"].iloc[-1]
            if min(first, last) < data.min_group:
                continue
            named = dict(zip(keys, names, strict=True))
            rows.append(
                {
                    "label": data.label_of(persona),
                    "program": data.label_program(str(named.get("program", ""))),
                    "outcome": label_outcome(data, str(named.get("outcome", ""))),
                    "first": first,
                    "last": last,
                    "share": format_percent(last / first, digits=0),
                }
            )
    return pd.DataFrame(rows)


def _tabulate_matched(matched: pd.DataFrame) -> Block:
    """Build the matrix of personas by outcomes: learners compared, of all."""
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for row in matched.to_dict("records"):
        who = {"who": f"{row['label']}, {row['program']}"}
        filled = cells.setdefault((row["label"], row["program"]), who)
        filled[str(row["outcome"])] = (
            f"{format_count(row['last'])} of {format_count(row['first'])}, "
            f"{row['share']}"
        )
    outcomes = dict.fromkeys(map(str, matched["outcome"])) if len(matched) else {}
    return tabulate_frame(
        list(cells.values()),
        (words("who", "Persona"), *(words(item, item) for item in outcomes)),
        caption="Learners in the comparison, of those at the start of the trials",
        empty="No stage left a count of who was excluded.",
        anchor="tbl-whom",
    )


def _tabulate_trial(data: BriefData) -> Block:
    """Build the table of the target trial's parts."""
    cohort = data.params.workbench.cohort
    start = (
        "the first day of the quarter"
        if cohort.entry == "quarter_start"
        else "the first day of the quarter, or the day of hire within it"
    )
    impact = data.params.workbench.impact
    exact = impact.exact
    named = (
        join_words(item.replace("_", " ") for item in impact.covariates)
        if impact.covariates
        else list_adjusted(data)
        or "role, level, tenure, place, shift, team, earlier ratings, results, "
        "learning and skill gap"
    )
    matched = (
        f"; {join_words(item.replace('_', ' ') for item in exact)} must be the same"
        if exact
        else ""
    )
    parts = (
        ("Who takes part", "people in the persona, employed, not yet learners"),
        ("Starts on", start),
        ("Learner", "finishes the programme, by its rule, within the quarter"),
        ("Colleague", "takes part and does not; may learn in a later quarter"),
        (
            "Made comparable by",
            f"{named}, all dated before the start{matched}",
        ),
        ("Outcome", "read after the quarter, up to the data cut"),
        ("Question", "the mean effect on those who learnt"),
        ("Quarters", "several are stacked; errors allow for people who return"),
    )
    columns = (Column("part", "Part"), Column("text", "In this brief"))
    return build_table(
        [{"part": part, "text": text} for part, text in parts],
        columns,
        caption="The target trial behind every comparison",
        anchor="tbl-trial",
    )


def _tabulate_outcomes(data: BriefData) -> Block:
    rows = [_describe_outcome(item) for item in data.params.outcomes]
    columns = (
        Column("label", "Outcome"),
        Column("unit", "Unit"),
        Column("better", "Better is"),
        Column("when", "Read"),
        Column("threshold", "Worth having from", numeric=True),
    )
    return build_table(
        rows,
        columns,
        caption="Outcomes and the smallest effects worth having, written down before "
        "the quarter is analysed",
        anchor="tbl-outcomes",
    )


def _describe_outcome(outcome: Outcome) -> dict[str, str]:
    when = (
        f"within {format_count(outcome.horizon_days)} days after the quarter"
        if outcome.horizon_days
        else f"{pluralise(outcome.lag_quarters, 'quarter')} after learning"
    )
    counted = outcome.kind != "continuous" and outcome.unit in _PEOPLE
    unit = "of 100 people" if counted else outcome.unit or "points"
    control = (
        " (control: learning cannot change it)" if outcome.negative_control else ""
    )
    return {
        "label": (outcome.label or outcome.id.replace("_", " ")) + control,
        "unit": unit,
        "better": "more" if outcome.direction == "up" else "less",
        "when": when,
        "threshold": _write_threshold(outcome.threshold, unit),
    }


def _write_threshold(threshold: Threshold | None, unit: str) -> str:
    if threshold is None:
        return MISSING
    if threshold.relative is not None:
        return f"{format_percent(threshold.relative, digits=0)} of the baseline"
    return f"{format_value(threshold.absolute, 2)} {unit}"


def _describe_program(data: BriefData, program: Program) -> dict[str, str]:
    rule = program.complete
    score = (
        f", each with a score of {format_value(rule.min_score, 0)} or more"
        if rule.min_score is not None
        else ""
    )
    return {
        "program": program.label or program.id.replace("_", " "),
        "personas": join_words(data.label_of(item) for item in program.personas),
        "rule": f"at least {rule.at_least} of {len(program.courses)} courses within "
        f"{rule.within_days} days{score}",
        "assigned": "person" if program.assigned_by == "person" else "team",
    }
