"""The page of actions: which modules, which paths, for whom first, and what is next."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from workbench.brief.components import (
    Block,
    Html,
    build_note,
    draw_list,
    escape_html,
    escape_markdown,
    join_blocks,
    show_title,
    write_paragraph,
    write_section,
)
from workbench.brief.effects import select_effects
from workbench.brief.figures import Exhibit
from workbench.brief.formatting import format_count, format_value, pluralise
from workbench.brief.header import show_header
from workbench.brief.prescribing.equal_access import (
    choose_access,
    choose_frontier,
    show_access,
)
from workbench.brief.prescribing.persona_path import show_paths
from workbench.brief.prescribing.portfolio_tables import (
    tabulate_modules,
    tabulate_policies,
    tabulate_summaries,
)
from workbench.brief.prescribing.portfolio_words import (
    describe_policy,
    state_actions,
)
from workbench.brief.prescribing.predictions import show_predictions
from workbench.brief.prescribing.prescribed import (
    explain_missing,
    gather_prescription,
    read_fact,
    read_modules,
    read_paths,
    read_summaries,
)
from workbench.brief.prescribing.prescribed_next import list_decided
from workbench.brief.prescribing.recommendations import (
    show_adherence,
    show_calendar,
    show_counts,
)
from workbench.brief.results import BriefData
from workbench.brief.withheld import PORTFOLIO, PRESCRIPTION
from workbench.core.params import Persona

__all__ = ["ActionsPage"]

_ROW, _FRAME = 0.29, 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionsPage:
    """The parts of the page of actions, in the order they are shown.

    Attributes
    ----------
    data : BriefData
        The quarter's results.
    effects : DataFrame
        From `select_effects`, for the header.
    modules, summaries, policies : DataFrame
        From `read_modules`, `read_summaries` and `gather_prescription`; policies of
        personas that are offered a path.
    """

    data: BriefData
    effects: pd.DataFrame
    modules: pd.DataFrame
    summaries: pd.DataFrame
    policies: pd.DataFrame

    @classmethod
    def create(cls, data: BriefData) -> ActionsPage:
        """Read what the parts share, once."""
        summaries = read_summaries(data)
        policies = gather_prescription(data, "policies")
        if len(policies) and len(summaries):
            offered = summaries.loc[summaries["seats"] > 0, "persona"]
            policies = policies[policies["persona"].isin(offered)]
        return cls(
            data=data,
            effects=select_effects(data),
            modules=read_modules(data),
            summaries=summaries,
            policies=policies.reset_index(drop=True),
        )

    def show_answer(self) -> None:
        """Show the title: what the portfolio asks for."""
        show_title(state_actions(self.modules, self.summaries))

    def show_opening(self) -> Block:
        """Show the header line and the unit of everything below."""
        stopped = explain_missing(self.data, PORTFOLIO)
        return join_blocks(
            show_header(self.data, self.effects),
            write_paragraph(
                "What to keep, boost or retire, what each persona should learn next, "
                "and who should come first. Impact is in thresholds: 1 is the smallest "
                "change worth having in one outcome, summed over outcomes.",
                kind="lede",
            ),
            build_note("No portfolio:", stopped, warn=True) if stopped else None,
        )

    def show_portfolio(self) -> Block:
        """Show which modules to boost and to retire, and how that is known."""
        withheld = int(self.modules["suppressed"].sum()) if len(self.modules) else 0
        decided = [
            Html(f"<b>{escape_html(verb)}</b> {escape_html(text)}")
            for verb, text in list_decided(self.data)
        ]
        return join_blocks(
            write_section("The portfolio of modules", "portfolio"),
            write_paragraph(
                "A module's impact is its effect on those who passed it, with the "
                "other modules as they were taken. Boost and retire are said only "
                "where the interval carries them; watch means that it cannot be told "
                "yet.",
                kind="sub",
            ),
            draw_list(decided, kind="decisions") if decided else None,
            write_paragraph(
                f"{pluralise(withheld, 'module')} on under {self.data.min_group} "
                "people on one side: not shown.",
                kind="sub",
            )
            if withheld
            else None,
        )

    def choose_modules(self) -> Exhibit:
        """Choose the figure of impact per hour, grouped by persona."""
        shown = self.modules
        if len(shown):
            shown = shown[~shown["suppressed"]]
        told = int(shown["ratio"].notna().sum()) if len(shown) else 0
        if not told:
            return Exhibit(empty="There is no impact of a module to draw.")
        numbers = [
            f"{row.label}, {row.title} {format_value(row.ratio, 2, signed=True)} "
            f"({row.decision})"
            for row in shown[shown["ratio"].notna()].itertuples()
        ]
        return Exhibit(
            panels=(("", shown),),
            caption="Impact per 10 hours of a learner with 95 % intervals: doubly "
            "robust, drawn together across modules; "
            f"{pluralise(told, 'module')} of {format_count(len(self.modules))} have "
            "a number. Filled: the interval leaves out 0.",
            alt="One row per module, grouped by persona, thresholds per 10 hours: "
            f"{'; '.join(numbers)}. The tables after it hold the intervals.",
            empty="",
            fixed_height=_FRAME + _ROW * (len(shown) + shown["persona"].nunique()),
            options={"labels": self._labels},
        )

    def show_paths(self) -> Block:
        """Show the paths side by side, then modules, path and prompts by persona."""
        section = write_section("Modules and paths by persona", "paths")
        if self.modules.empty:
            nothing = explain_missing(self.data, PORTFOLIO) or "No module was valued."
            return join_blocks(section, write_paragraph(escape_markdown(nothing)))
        each = [self._show_persona(item) for item in self.data.params.personas]
        table = tabulate_summaries(self.data, self.summaries, read_paths(self.data))
        return join_blocks(section, table, *each)

    def show_policies(self) -> Block:
        """Show what choosing who comes first is worth, against other ways."""
        section = write_section("Who should come first", "first")
        if self.policies.empty:
            why = explain_missing(self.data, PRESCRIPTION)
            nothing = why or "No way to give out seats was valued."
            return join_blocks(section, write_paragraph(escape_markdown(nothing)))
        chosen = self.policies[self.policies["policy"] == "chosen"]
        said = [
            Html(
                f"<b>{escape_html(row['who'])}.</b> "
                f"{escape_html(describe_policy({str(key): row[key] for key in row}))}"
                f"{escape_html(self._explain_order(row['persona']))}"
            )
            for row in chosen.to_dict("records")
        ]
        return join_blocks(
            section,
            write_paragraph(
                "By default seats go to those with the largest skill gap. A predicted "
                "benefit decides only where data held out show that it sorts people.",
                kind="sub",
            ),
            draw_list(said),
            tabulate_policies(self.policies),
        )

    def _explain_order(self, persona: str) -> str:
        """Say why, where the order does not go by the declared need."""
        if read_fact(self.data, persona, "ranking") != "predicted":
            return ""
        return f" {read_fact(self.data, persona, 'ranking_text')}"

    def choose_policies(self) -> Exhibit:
        """Choose the figure of policy values, grouped by persona."""
        table = self.policies
        shown = table[table["value"].notna()] if len(table) else table
        if shown.empty:
            return Exhibit(empty="There is no value of a policy to draw.")
        numbers = [
            f"{row.who}, {str(row.policy).replace('_', ' ')} "
            f"{format_value(row.value, 2, signed=True)}"
            for row in shown.itertuples()
        ]
        return Exhibit(
            panels=(("", shown),),
            caption="Value per person of a persona by way of giving out seats, with "
            "95 % intervals (clustered); doubly robust, on folds that had no part in "
            "making the rule. In brackets: share of people with a seat.",
            alt="One row per way of giving out seats, grouped by persona, in "
            f"thresholds: {'; '.join(numbers)}. The table before it holds the "
            "intervals.",
            empty="",
            fixed_height=_FRAME + _ROW * (len(shown) + shown["persona"].nunique()),
            options={"labels": self._labels},
        )

    def show_access(self) -> Block:
        """Show who would get and who took learning, and the price of equal access."""
        return show_access(self.data)

    def choose_access(self) -> Exhibit:
        """Choose the figure of groups whose access differs, prescribed and taken up."""
        return choose_access(self.data)

    def choose_frontier(self) -> Exhibit:
        """Choose the figure of worth by floor, for personas where a floor costs."""
        return choose_frontier(self.data)

    def show_next(self) -> Block:
        """Show counts of recommended actions, follow-up, and the calendar."""
        return join_blocks(
            show_counts(self.data), show_adherence(self.data), show_calendar(self.data)
        )

    def show_predictions(self) -> Block:
        """Show what is foretold for planning."""
        return show_predictions(self.data)

    def _show_persona(self, persona: Persona) -> Block | None:
        """Show the modules and the path of a persona that has any."""
        own = self.modules[self.modules["persona"] == persona.id]
        path = show_paths(self.data, persona, anchor=f"tbl-path-{persona.id}")
        if own.empty and path is None:
            return None
        anchor = f"tbl-modules-{persona.id}"
        return join_blocks(
            write_section(
                escape_markdown(persona.label), f"path-{persona.id}", level=3
            ),
            tabulate_modules(self.data, own, anchor=anchor),
            path,
        )

    @property
    def _labels(self) -> dict[str, str]:
        return {item.id: item.label for item in self.data.params.personas}
