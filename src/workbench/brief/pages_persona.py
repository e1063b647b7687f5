"""The page of one persona: who they are, what learning changed, how sure that is."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from workbench.brief.components import (
    Block,
    build_note,
    draw_list,
    escape_markdown,
    join_blocks,
    show_title,
    write_paragraph,
    write_section,
)
from workbench.brief.effects import (
    ADJUSTED_GRADE,
    drop_other_naive,
    select_effects,
)
from workbench.brief.exhibits import compare_designs, show_balance
from workbench.brief.figures import Exhibit
from workbench.brief.header import show_header
from workbench.brief.labels import label_outcome, list_controls
from workbench.brief.limitations import report_redeclared
from workbench.brief.narrative import (
    compare_naive,
    describe_effect,
    join_words,
    lower_first,
)
from workbench.brief.persona_evidence import (
    choose_course,
    choose_groups,
    show_groups,
    show_robustness,
    show_second_design,
)
from workbench.brief.persona_experiments import show_experiments
from workbench.brief.persona_profile import list_facts, state_size, tabulate_baseline
from workbench.brief.persona_tables import (
    tabulate_access,
    tabulate_checks,
    tabulate_designs,
    tabulate_flow,
    tabulate_reported,
)
from workbench.brief.persona_time import choose_curves, show_over_time
from workbench.brief.prescribing.persona_path import show_path
from workbench.brief.results import BriefData
from workbench.brief.rivals import describe_rivals
from workbench.brief.stage_reads import StageRead
from workbench.core.params import Persona

__all__ = ["PersonaPage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaPage:
    """A persona page's parts, in the order they are shown.

    Attributes
    ----------
    data : BriefData
        Opened with a persona.
    persona : Persona
        The persona.
    effects : DataFrame
        Its rows of `select_effects`.
    psm : StageRead
        Its matched comparison.
    """

    data: BriefData
    persona: Persona
    effects: pd.DataFrame
    psm: StageRead

    @classmethod
    def create(cls, data: BriefData) -> PersonaPage:
        """Take the persona's results out of the quarter's.

        Raises
        ------
        ParamError
            If the data were opened without a persona.
        """
        persona = data.require_persona()
        effects = select_effects(data)
        return cls(
            data=data,
            persona=persona,
            effects=effects[effects["persona"] == persona.id].reset_index(drop=True),
            psm=data.own_stage("psm"),
        )

    def show_answer(self) -> None:
        """Show the title: the persona, and what learning changed for it."""
        show_title(f"{self.persona.label}: {_state_answer(self._measured)}")

    def show_opening(self) -> Block:
        """Show the header line and who the persona is."""
        stopped = self.psm.explain()
        need = f" They need {self.persona.need}." if self.persona.need else ""
        size = state_size(self.data, self.persona)
        return join_blocks(
            show_header(self.data, self.effects),
            write_paragraph(escape_markdown(f"{size}{need}"), kind="lede"),
            build_note("No comparison:", stopped, warn=True) if stopped else None,
            write_section("Who they are", "who"),
            draw_list(list_facts(self.data, self.persona)),
            tabulate_baseline(self.data, self.persona),
        )

    def show_findings(self) -> Block:
        """Show a sentence per outcome, and what a plain comparison would have said."""
        rows = self._measured.to_dict("records")
        several = len(set(self._measured["program"])) > 1
        sentences = [
            describe_effect(
                row,
                subject=self.data.label_program(str(row["program"])) if several else "",
            )
            for row in rows
        ]
        nothing = (
            self.psm.explain() or "No programme of this persona could be compared."
        )
        plain = [text for text in map(compare_naive, rows) if "selection" in text]
        return join_blocks(
            write_section("What learning changed", "findings"),
            draw_list(sentences)
            if sentences
            else write_paragraph(escape_markdown(nothing)),
            build_note("Selection.", *plain) if plain else None,
        )

    def show_designs(self) -> Block:
        """Show the reported estimates, and every other design beside them."""
        anew = report_redeclared(self.data, self.effects["outcome"])
        return join_blocks(
            write_section("In numbers", "designs"),
            build_note("Declared anew.", *anew, warn=True) if anew else None,
            tabulate_reported(self.data, self.effects),
            tabulate_designs(self.data, self.persona, self.effects),
        )

    def choose_designs(self) -> Exhibit:
        """Choose what the forest plot shows: designs by outcome."""
        table = self.data.estimates(self.persona.id)
        overall = table[table["subgroup_by"].isna() & table["period"].isna()]
        overall = drop_other_naive(overall, self.effects)
        reported = self.effects[["program", "outcome", "method"]].assign(headline=True)
        overall = overall.drop(columns="headline").merge(
            reported, on=["program", "outcome", "method"], how="left"
        )
        overall["headline"] = overall["headline"].eq(True)
        outcomes = self.data.params.outcomes
        labels = {item.id: label_outcome(self.data, item.id) for item in outcomes}
        return compare_designs(overall, labels)

    def show_comparability(self) -> Block:
        """Show for whom each effect speaks."""
        controls = list_controls(self.data)
        whom = [
            f"{label_outcome(self.data, str(item.get('outcome')))}: "
            f"{_name_terms(str(item['for_whom']))}"
            for item in self.psm.facts.get("answers") or []
            if item.get("for_whom") and item.get("outcome") not in controls
        ]
        missing = "The comparison left no account of whom it speaks for."
        return join_blocks(
            write_section("Were they comparable", "balance"),
            draw_list(whom) if whom else write_paragraph(missing),
        )

    def choose_balance(self) -> Exhibit:
        """Choose the love plot of the first comparison."""
        return show_balance(*self._first_comparison("balance"))

    def show_experiments(self) -> Block:
        """Show what experiments say of what this persona learns."""
        return show_experiments(self.data, self.persona)

    def show_over_time(self) -> Block:
        """Show outcomes that take time, what is expected, and levels beside them."""
        return show_over_time(self.data, self.persona)

    def choose_curves(self) -> Exhibit:
        """Choose the curves of staying, with numbers at risk."""
        return choose_curves(self.data, self.persona)

    def show_path(self) -> Block:
        """Show what this persona should learn next, with practice and prompts."""
        return show_path(self.data, self.persona)

    def show_second_design(self) -> Block:
        """Show matching and before-and-after side by side, and further disagreement."""
        apart = describe_rivals(self.data, self.effects, named=False)
        return join_blocks(
            show_second_design(self.data, self.persona),
            draw_list(apart) if apart else None,
        )

    def choose_course(self) -> Exhibit:
        """Choose the effects by quarter since learning."""
        return choose_course(self.data, self.persona)

    def show_robustness(self) -> Block:
        """Show what would overturn the numbers, and how variants read."""
        return show_robustness(self.data, self.persona, self.effects)

    def show_groups(self) -> Block:
        """Show how the effect differs between groups."""
        return show_groups(self.data, self.persona)

    def choose_groups(self) -> Exhibit:
        """Choose the effects by group."""
        return choose_groups(self.data, self.persona)

    def show_flow(self) -> Block:
        """Show who was left out at which step."""
        return join_blocks(
            write_section("Who was left out and why", "flow"),
            tabulate_flow(self.data, self.persona),
        )

    def show_access(self) -> Block:
        """Show who got to learn, by group; small groups are marked."""
        return join_blocks(
            write_section("Who got to learn", "access"),
            tabulate_access(self.data, self.persona),
        )

    def show_checks(self) -> Block:
        """Show the checks of the comparisons, and what the numbers do not say."""
        limits: dict[str, list[str]] = {}
        for row in self._measured.itertuples():
            if isinstance(row.limitation, str) and row.limitation.strip():
                limits.setdefault(row.limitation, []).append(str(row.outcome_label))
        return join_blocks(
            write_section("Checks", "checks"),
            tabulate_checks(self.data, self.persona),
            write_section("What these numbers do not say", "limits"),
            draw_list([f"{join_words(who)}: {text}" for text, who in limits.items()])
            if limits
            else write_paragraph("There are no numbers to limit."),
        )

    @property
    def _measured(self) -> pd.DataFrame:
        """Rows without negative controls."""
        return self.effects[~self.effects["control"].astype(bool)]

    def _first_comparison(self, table: str) -> tuple[pd.DataFrame, str]:
        """Return the rows of the first comparison in a table, and its name."""
        rows = self.psm.table(table)
        if rows.empty or not {"program", "outcome"} <= set(rows.columns):
            return rows, self.persona.label
        program, outcome = rows["program"].iloc[0], rows["outcome"].iloc[0]
        chosen = rows[(rows["program"] == program) & (rows["outcome"] == outcome)]
        return chosen, lower_first(label_outcome(self.data, str(outcome)))


def _name_terms(text: str) -> str:
    """Write names of facts in a sentence as words."""
    return re.sub(r"(?<=[a-z0-9])[_=](?=[a-z0-9])", " ", text)


def _state_answer(rows: pd.DataFrame) -> str:
    """State what a persona's findings are, for its title."""
    weak = pd.to_numeric(rows["evidence"]).lt(ADJUSTED_GRADE).fillna(False).astype(bool)
    parts = [
        f"{start}{finding} in {join_words(map(lower_first, named))}"
        for start, doubted in (("", False), ("hint of a ", True))
        for finding in ("gain", "loss")
        if len(
            named := rows.loc[
                (rows["finding"] == finding) & (weak == doubted), "outcome_label"
            ]
        )
    ]
    if parts:
        return "; ".join(parts)
    if (rows["finding"] == "unclear").any():
        return "no effect beyond the error"
    if (rows["finding"] == "none").any():
        return "no change that matters"
    return "no effect can be shown"
