"""Names and sentences of which the demo organisation's texts are put together."""

from __future__ import annotations

__all__ = ["COMMENTS", "FAMILY_NAMES", "GIVEN_NAMES"]


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


GIVEN_NAMES = _split(
    "Aylin Jürgen Björn Sören Käthe Günter Özlem Renée Zoë Chloé André Lukas Mia Emma "
    "Paul Leon Hannah Finn Lena Jonas Lea Noah Clara Ben Ida Elias Frieda Felix Greta "
    "Anton Marie Oskar Sophie Emil Johanna Karl Mats Nele Theo Luise Priya Arjun Ngozi "
    "Kwame Fatima Omar Mei Hiro Ana Tomás Søren Ewa Piotr Ivana"
)
FAMILY_NAMES = _split(
    "Müller Schröder Köhler Krüger Böhm Jäger Weiß Groß Schäfer Günther Bäcker Löffler "
    "Hübner Föllmer Brandt Vogel Winter Sommer Busch Fuchs Wolf Lang Kurz Stein Berg "
    "Adler Falk Horn Kraus Linde Moser Nagel Otten Pohl Quast Richter Sauer Thiel "
    "Ulrich Voss Wagner Zander Öztürk Nguyen Okafor Silva García Rossi Dubois Novak "
    "Kowalski Lindström Jørgensen Costa Haddad Tanaka"
)

COMMENTS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "learner_nps": (
        (
            "The practice calls were close to my day",
            "I could use it the same week",
            "My manager asked me about it afterwards",
            "Short modules that fit between two shifts",
            "The examples came from our own customers",
            "The trainer answered every question",
        ),
        (
            "Fine, but much of it I knew already",
            "Good content, the platform was slow",
            "Useful, though hard to fit into the week",
            "I would like more practice and fewer slides",
        ),
        (
            "Too long and far from my work",
            "No time to practise what we learnt",
            "The platform lost my progress twice",
            "Night shift could not join the sessions",
            "Nobody spoke about it after the course",
        ),
    ),
    "manager_nps": (
        (
            "Takes time for a talk every week",
            "Gives feedback that I can use",
            "Lets me try things and stands behind me",
        ),
        (
            "Fair, but often in meetings",
            "Friendly, could be clearer about goals",
        ),
        (
            "We hardly ever speak",
            "Feedback comes once a year",
            "Learning time is cancelled when calls pile up",
        ),
    ),
    "engagement": (
        (
            "Good team and clear goals",
            "I see where I can go from here",
            "Flexible hours help my family",
        ),
        (
            "Work is fine, the tools could be better",
            "A lot of change this year",
        ),
        (
            "Workload is too high",
            "I do not see a next step for me",
            "Shift plans come too late",
            "Pay is behind the market",
        ),
    ),
}
"""For each survey: sentences of content, middling and discontent people."""
