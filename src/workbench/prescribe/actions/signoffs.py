"""The ledger of sign-offs: who approved or declined an action, when, and why.

One file of JSON lines per quarter, ``outputs/<org>/signoffs/<quarter>.jsonl``. Lines
are only ever added; the last one of an action stands. The table of actions is not
touched, so that a repeated run leaves it as it was, and what people decided stays: an
approval only of the very action that was approved, as its digest tells.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal, get_args

import pandas as pd

from workbench.core.errors import ParamError, SourceError
from workbench.core.quarters import Quarter
from workbench.core.store import Workspace
from workbench.prescribe.actions.action_digest import digest_actions
from workbench.prescribe.actions.rows import PROPOSED

__all__ = [
    "SIGNOFF_COLUMNS",
    "Decision",
    "apply_signoffs",
    "find_ledger",
    "list_changed",
    "read_signoffs",
    "sign_off",
]

Decision = Literal["approved", "declined"]

SIGNOFF_COLUMNS: tuple[str, ...] = (
    "action_id",
    "status",
    "by",
    "at",
    "note",
    "digest",
)
"""Keys of a line of the ledger, all texts.

``at`` is in UTC; ``digest`` is of the action as it was decided on.
"""

_LONGEST_NAME = 80
_LONGEST_NOTE = 1000


def find_ledger(workspace: Workspace, org: str, quarter: Quarter) -> Path:
    """Return where the sign-offs of a quarter's actions are kept."""
    return workspace.quarter(org, quarter).parent / "signoffs" / f"{quarter}.jsonl"


def read_signoffs(path: Path) -> pd.DataFrame:
    """Read all decisions of a quarter in the order in which they were made.

    Parameters
    ----------
    path : Path
        The ledger; it may be absent.

    Returns
    -------
    DataFrame
        Columns `SIGNOFF_COLUMNS`; one row per decision, later ones below.

    Raises
    ------
    SourceError
        If a line is not as `sign_off` writes it.
    """
    rows: list[dict[str, str]] = []
    if path.exists():
        with path.open("rb") as file, _locked(file, exclusive=False):
            rows = _parse(file.read(), path)
    return pd.DataFrame(rows, columns=list(SIGNOFF_COLUMNS)).astype("str")


def sign_off(
    path: Path,
    actions: pd.DataFrame,
    *,
    action_ids: Sequence[str],
    status: Decision,
    by: str,
    at: datetime,
    note: str = "",
) -> int:
    """Add a decision on some actions to the ledger; all of them or none.

    Parameters
    ----------
    path : Path
        The ledger.
    actions : DataFrame
        The actions of the quarter: ``action_id``, ``expires_on``, and what
        `digest_actions` reads.
    action_ids : sequence of str
        Which of them are decided on; each counts once.
    status : str
        ``approved`` or ``declined``. An action that has expired cannot be approved.
    by : str
        Who decides.
    at : datetime
        When, with time zone.
    note : str
        Why; needed to decline.

    Returns
    -------
    int
        How many lines were added.

    Raises
    ------
    ParamError
        If an action is unknown, or expired and approved, a note or a name is missing,
        or `at` has no time zone. Nothing is written then.
    """
    ids = list(dict.fromkeys(action_ids))
    text = _check_words(status, by, note)
    if at.tzinfo is None:
        raise ParamError.build("The time of a sign-off has no time zone", got=str(at))
    moment = at.astimezone(UTC)
    _check_actions(actions, ids, status, moment)
    chosen = actions[actions["action_id"].isin(ids)]
    digests = digest_actions(chosen).to_dict()
    lines = "".join(
        json.dumps(
            {
                "action_id": item,
                "status": status,
                "by": " ".join(by.split()),
                "at": moment.isoformat(timespec="seconds"),
                "note": text,
                "digest": digests[item],
            },
            ensure_ascii=False,
            sort_keys=True,
        )
        + "\n"
        for item in ids
    )
    _append(path, lines)
    return len(ids)


def apply_signoffs(actions: pd.DataFrame, signoffs: pd.DataFrame) -> pd.DataFrame:
    """Return actions with what was decided on each; the last decision stands.

    An approval stands for the action that was approved. Where a later run proposes
    something else under the same id, it is proposed again; what was declined stays
    declined.

    Parameters
    ----------
    actions : DataFrame
        With ``action_id``, ``status``, ``signed_by``, ``signed_at``, and what
        `digest_actions` reads.
    signoffs : DataFrame
        Of `read_signoffs`. Decisions on actions that are not there any more are left
        out.

    Returns
    -------
    DataFrame
        A copy; ``status`` is ``proposed``, ``approved`` or ``declined``; ``signed_by``
        and ``signed_at`` (UTC) are missing where no decision stands.
    """
    last = _keep_last(signoffs)
    last = last.drop(index=list_changed(actions, signoffs))
    ids = actions["action_id"]
    return actions.assign(
        status=ids.map(last["status"]).astype("str").fillna(PROPOSED),
        signed_by=ids.map(last["by"]).astype("str"),
        signed_at=ids.map(last["at"]).astype("str"),
    )


def list_changed(actions: pd.DataFrame, signoffs: pd.DataFrame) -> list[str]:
    """List ids of actions that were approved and are not what they were then.

    Parameters
    ----------
    actions, signoffs : DataFrame
        As `apply_signoffs` takes them.
    """
    last = _keep_last(signoffs)
    approved = last.loc[last["status"] == "approved", "digest"]
    now = digest_actions(actions[actions["action_id"].isin(approved.index)])
    return [str(item) for item, digest in now.items() if digest != approved[item]]


def _keep_last(signoffs: pd.DataFrame) -> pd.DataFrame:
    """Keep the last decision on each action, by its id."""
    return signoffs.drop_duplicates("action_id", keep="last").set_index("action_id")


def _check_words(status: str, by: str, note: str) -> str:
    """Check status, name and note; return the note on one line."""
    if status not in get_args(Decision):
        raise ParamError.build(
            "There is no such decision",
            rule="one of " + ", ".join(get_args(Decision)),
            got=status,
        )
    name = " ".join(by.split())
    if not name.isprintable() or not 0 < len(name) <= _LONGEST_NAME:
        raise ParamError.build(
            "A sign-off needs the name of who decides",
            rule=f"1 to {_LONGEST_NAME} characters",
            got=by,
            hint="--by NAME",
        )
    text = " ".join(note.split())
    if status == "declined" and not text:
        raise ParamError.build(
            "Declining needs a note: the next rules learn from the reason",
            hint='--note "why"',
        )
    if len(text) > _LONGEST_NOTE:
        raise ParamError.build(
            "The note is too long",
            rule=f"at most {_LONGEST_NOTE} characters",
            got=len(text),
        )
    return text


def _check_actions(
    actions: pd.DataFrame, ids: Sequence[str], status: str, moment: datetime
) -> None:
    """Refuse ids that do not exist, and approval of what has expired."""
    if not ids:
        raise ParamError.build("No action is named to be decided on")
    known = actions.set_index("action_id")["expires_on"]
    unknown = [item for item in ids if item not in known.index]
    if unknown:
        raise ParamError.build(
            f"{len(unknown)} of {len(ids)} actions do not exist in this quarter",
            got=unknown,
            hint="workbench actions list shows the ids",
        )
    if status != "approved":
        return
    ends = pd.to_datetime(known[list(ids)])
    expired = [str(item) for item in ends.index[ends < pd.Timestamp(moment.date())]]
    if expired:
        raise ParamError.build(
            f"{len(expired)} of {len(ids)} actions have expired and cannot be approved",
            rule=f"expires_on is {moment.date()} or later",
            got=expired,
            hint="run the next quarter; what still holds is proposed again",
        )


def _append(path: Path, lines: str) -> None:
    """Add lines at the end; what a crash cut off there was never acknowledged."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file, _locked(file, exclusive=True):
        file.seek(0)
        whole = file.read()
        file.truncate(whole.rfind(b"\n") + 1)
        file.write(lines.encode())
        file.flush()
        os.fsync(file.fileno())


def _parse(raw: bytes, path: Path) -> list[dict[str, str]]:
    """Read whole lines; one without its end is still being written, or was cut off."""
    rows = []
    for number, line in enumerate(raw.split(b"\n")[:-1], start=1):
        try:
            rows.append(_check_row(json.loads(line)))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise SourceError.build(
                "A line of the sign-offs cannot be read",
                where=f"{path}:{number}",
                rule=f"a JSON object with {', '.join(SIGNOFF_COLUMNS)}, all texts;"
                f" status is {' or '.join(get_args(Decision))}",
                hint="restore the file from a copy; lines are only ever added to it",
            ) from error
    return rows


def _check_row(row: Any) -> dict[str, str]:
    """Return the texts of a line; raise ValueError if it is none of `sign_off`."""
    texts = {name: row[name] for name in SIGNOFF_COLUMNS}
    if not all(isinstance(text, str) for text in texts.values()):
        raise ValueError("not all of it is text")
    if texts["status"] not in get_args(Decision):
        raise ValueError("no such decision")
    return texts


@contextmanager
def _locked(file: IO[bytes], *, exclusive: bool) -> Iterator[None]:
    """Hold a lock that other processes wait for."""
    import fcntl

    fcntl.flock(file, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
