"""Posting messages to a webhook: patiently, each at least once.

A message is noted as taken after the receiver has said so. If the machine or the
connection fails in between, nobody here can tell whether it was taken, and the next
call sends it again; the receiver can tell by the header ``Idempotency-Key``.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, quote, urlsplit

from workbench.core.errors import ParamError, SourceError
from workbench.core.nudge_params import ChatParams
from workbench.prescribe.delivery.chat_files import Message

__all__ = [
    "NO_ANSWER",
    "SENT_LEDGER",
    "SendReport",
    "check_address",
    "find_wait",
    "send_messages",
]

SENT_LEDGER = "sent.jsonl"
"""File, beside an organisation's exports, of every message that was taken."""

NO_ANSWER = "no answer, so it may have been taken"
"""Why a message that went out and was not answered is not tried at once again."""

_LOCAL = {"localhost", "127.0.0.1", "::1"}
_AGAIN = {408, 425, 429, 500, 502, 503}
"""States after which a message was not taken; 504 does not say."""
_REFUSED = {401, 403, 404, 405, 410}
_READ = 65_536
_URL_SIGNS = "/%:@!$&'()*+,;=?~"


@dataclass(slots=True, kw_only=True)
class SendReport:
    """How the sending went.

    Attributes
    ----------
    sent, known : int
        Messages taken now, and messages that had been taken before.
    failed : dict
        Recipients whose message was not taken, and why.
    """

    sent: int = 0
    known: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def check_address(text: str) -> SplitResult:
    """Read the address of a webhook; signs beyond ASCII are percent-encoded.

    Raises
    ------
    ParamError
        If it is not ``https://``, save on this machine, or holds a password. The
        message does not repeat it: whoever knows it can post.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in _LOCAL)
    hidden = any(sign.isspace() or not sign.isprintable() for sign in text)
    if not (host and secure) or parts.username is not None or hidden:
        raise ParamError.build(
            "Messages cannot be sent to this address",
            where="--send",
            rule="https:// (or http:// on this machine), a host, no user name",
            got=f"{parts.scheme or 'no scheme'}, {host or 'no host'}",
        )
    path, query = (quote(part, safe=_URL_SIGNS) for part in (parts.path, parts.query))
    return parts._replace(path=path, query=query)


def find_wait(chat: ChatParams, key: str, attempt: int, asked: float = 0.0) -> float:
    """Return the seconds to wait after a failed attempt.

    They double with every attempt; the message's key decides, always alike, by how
    much of up to a half they are shortened, so that many senders do not come at once.
    What the receiver asks for (Retry-After) is waited for, up to ``longest_wait``.
    """
    drawn = hashlib.sha256(f"{key}/{attempt}".encode()).digest()
    share = int.from_bytes(drawn[:4]) / 2**32
    wait = chat.first_wait * 2 ** (attempt - 1) * (1 - share / 2)
    return float(min(max(wait, asked), chat.longest_wait))


def send_messages(
    messages: Sequence[Message],
    *,
    address: str,
    chat: ChatParams,
    ledger: Path,
    sleep: Callable[[float], None] = time.sleep,
    tell: Callable[[int], None] | None = None,
) -> SendReport:
    """Post every message that is not known to have been taken before.

    Parameters
    ----------
    messages : sequence of Message
        Posted one after the other, as they are; the header ``Workbench-Recipient``
        says whom each is for, so that a flow behind the webhook can pass it on. The
        same text for a pseudonym and for that person's id are two messages, and so are
        a text and the same one changed.
    address : str
        The webhook; see `check_address`. Redirections are not followed.
    chat : ChatParams
        Attempts, waits and time limits, in seconds.
    ledger : Path
        File of what was taken; gets one line, flushed to disk, after each message.
        It holds hashes: neither the address nor the text.
    sleep : callable
        Waits so many seconds.
    tell : callable, optional
        Told how many messages are done.

    Returns
    -------
    SendReport
        What was sent, known and not taken.

    Raises
    ------
    ParamError
        If the address is refused.
    SourceError
        If the receiver does not know the webhook, or forbids it: the rest is not
        tried. What was taken before is in the ledger. Also if the ledger is a link.
    """
    parts = check_address(address)
    report = SendReport()
    with _open_ledger(ledger) as (known, handle):
        for number, message in enumerate(messages, start=1):
            key = _find_key(address, message)
            if key in known:
                report.known += 1
            else:
                fault = _deliver(parts, message, key, chat, sleep)
                if fault:
                    report.failed[message.recipient] = fault
                else:
                    _note(handle, key)
                    known.add(key)
                    report.sent += 1
                if number < len(messages):
                    sleep(chat.pause)
            if tell:
                tell(number)
    return report


def _find_key(address: str, message: Message) -> str:
    """Hash address, recipient and payload: the same message has the same key."""
    parts = (address.encode(), message.recipient.encode(), message.content)
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


class _NoAnswerError(Exception):
    """A message went out, or part of it, and no answer came."""


def _deliver(
    parts: SplitResult,
    message: Message,
    key: str,
    chat: ChatParams,
    sleep: Callable[[float], None],
) -> str:
    """Post one message until it is taken; return why it was not, or nothing.

    A message that went out without an answer is not posted again.
    """
    fault = ""
    for attempt in range(1, chat.attempts + 1):
        asked = 0.0
        try:
            status, asked = _post(parts, message, key, chat.timeout)
        except _NoAnswerError:
            return f"{NO_ANSWER} (attempt {attempt})"
        except OSError as error:
            fault = f"{type(error).__name__} at attempt {attempt}"
        else:
            if 200 <= status < 300:
                return ""
            if status in _REFUSED:
                raise _build_refused(parts, status)
            fault = f"status {status} at attempt {attempt}"
            if status not in _AGAIN:
                return fault
        if attempt < chat.attempts:
            sleep(find_wait(chat, key, attempt, asked))
    return fault


def _post(
    parts: SplitResult, message: Message, key: str, timeout: float
) -> tuple[int, float]:
    """Post once; return the status and the seconds the receiver asks to wait.

    Raises
    ------
    OSError
        If there is no connection: nothing was posted.
    _NoAnswerError
        If the connection fails after that.
    """
    connection: http.client.HTTPConnection
    host = parts.hostname or ""
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(
            host, parts.port, timeout=timeout, context=context
        )
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=timeout)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Idempotency-Key": key,
        "Workbench-Recipient": quote(message.recipient, safe=""),
        "User-Agent": "workbench",
    }
    with contextlib.closing(connection):
        connection.connect()
        try:
            connection.request("POST", target, body=message.content, headers=headers)
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise _NoAnswerError from error
        with contextlib.suppress(OSError, http.client.HTTPException):
            answer.read(_READ)
        asked = answer.getheader("Retry-After", "")
        return answer.status, float(asked) if asked.isdecimal() else 0.0


def _build_refused(parts: SplitResult, status: int) -> SourceError:
    return SourceError.build(
        "The webhook does not take messages",
        where=str(parts.hostname),
        got=f"status {status}",
        hint="make a new webhook; the same command then sends what was not sent",
    )


@contextlib.contextmanager
def _open_ledger(path: Path) -> Iterator[tuple[set[str], int]]:
    """Open the ledger, alone; give the keys in it and where to add."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        raise SourceError.build(
            "The record of what was sent is a link",
            where=str(path),
            rule="a file of its own",
            hint="move the file that it leads to in its place",
        )
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    handle = os.open(path, flags, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with open(handle, "rb", closefd=False) as file:
            lines = file.read().split(b"\n")
        if lines[-1]:
            # a line cut short by a crash must not swallow the next one
            os.write(handle, b"\n")
        yield {key for line in lines if (key := _read_key(line))}, handle
    finally:
        os.close(handle)


def _read_key(line: bytes) -> str:
    try:
        return str(json.loads(line)["key"])
    except (ValueError, KeyError, TypeError):
        return ""


def _note(handle: int, key: str) -> None:
    os.write(handle, (json.dumps({"key": key}) + "\n").encode())
    os.fsync(handle)
