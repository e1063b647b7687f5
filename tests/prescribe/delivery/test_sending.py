"""Sending messages to a server that fails, is slow, or does not know them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest

from workbench.core.errors import ParamError, SourceError
from workbench.core.nudge_params import ChatParams
from workbench.prescribe.delivery.chat_files import Message
from workbench.prescribe.delivery.sending import (
    NO_ANSWER,
    check_address,
    find_wait,
    send_messages,
)

PATIENT = ChatParams(attempts=4, first_wait=1.0, longest_wait=5.0, timeout=2, pause=0.5)


class Receiver(ThreadingHTTPServer):
    """A webhook that answers as it is told and remembers what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.got: list[tuple[str, bytes, str]] = []
        self.recipients: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?key=1"


class Answer(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        key = self.headers["Idempotency-Key"]
        self.server.got.append((key, body, self.path))
        self.server.recipients.append(self.headers["Workbench-Recipient"])
        answers = self.server.answers
        status, headers = answers.pop(0) if answers else (200, {})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def list_messages(count: int) -> list[Message]:
    return [
        Message(recipient=f"r{i}", path=f"r{i}.json", content=b'{"text": "%d"}' % i)
        for i in range(count)
    ]


def send(receiver, tmp_path, messages, **more):
    waits: list[float] = []
    report = send_messages(
        messages,
        address=receiver.address,
        chat=PATIENT,
        ledger=tmp_path / "exports" / "sent.jsonl",
        sleep=waits.append,
        **more,
    )
    return report, waits


def test_a_server_that_fails_at_first_gets_each_message_once(receiver, tmp_path):
    receiver.answers = [(503, {}), (429, {"Retry-After": "3"}), (200, {}), (500, {})]
    report, waits = send(receiver, tmp_path, list_messages(2))
    assert (report.sent, report.known, report.failed) == (2, 0, {})
    bodies = [body for _, body, _ in receiver.got]
    assert bodies == [b'{"text": "0"}'] * 3 + [b'{"text": "1"}'] * 2
    keys = [key for key, _, _ in receiver.got]
    assert len(set(keys[:3])) == len(set(keys[3:])) == 1
    assert keys[0] != keys[3]
    assert {path for _, _, path in receiver.got} == {"/hook?key=1"}
    assert waits[1] == 3
    again, quiet = send(receiver, tmp_path, list_messages(2))
    assert (again.sent, again.known) == (0, 2)
    assert len(receiver.got) == 5
    assert quiet == []


def test_the_ledger_gives_away_neither_address_nor_text(receiver, tmp_path):
    send(receiver, tmp_path, list_messages(1))
    path = tmp_path / "exports" / "sent.jsonl"
    (line,) = path.read_text().splitlines()
    assert set(json.loads(line)) == {"key"}
    assert "hook" not in line
    assert path.stat().st_mode & 0o077 == 0


def test_the_recipient_stands_in_a_header_that_nothing_can_be_put_into(
    receiver, tmp_path
):
    odd = Message(recipient="a\r\nX-Evil: ü", path="x.json", content=b"{}")
    assert send(receiver, tmp_path, [odd])[0].sent == 1
    assert receiver.recipients == ["a%0D%0AX-Evil%3A%20%C3%BC"]


def test_a_changed_message_and_another_webhook_are_sent(receiver, tmp_path):
    send(receiver, tmp_path, list_messages(1))
    changed = [Message(recipient="r0", path="r0.json", content=b'{"text": "new"}')]
    assert send(receiver, tmp_path, changed)[0].sent == 1
    other = send_messages(
        list_messages(1),
        address=receiver.address + "2",
        chat=PATIENT,
        ledger=tmp_path / "exports" / "sent.jsonl",
    )
    assert other.sent == 1


def test_a_line_cut_short_by_a_crash_is_sent_again_and_hurts_no_other(
    receiver, tmp_path
):
    send(receiver, tmp_path, list_messages(2))
    path = tmp_path / "exports" / "sent.jsonl"
    path.write_text(path.read_text()[:-10])
    assert send(receiver, tmp_path, list_messages(3))[0].known == 1
    assert send(receiver, tmp_path, list_messages(3))[0].known == 3


def test_what_is_not_taken_is_reported_and_tried_the_next_time(receiver, tmp_path):
    receiver.answers = [(500, {})] * 4 + [(400, {})]
    report, waits = send(receiver, tmp_path, list_messages(3))
    assert report.sent == 1
    assert report.failed == {
        "r0": "status 500 at attempt 4",
        "r1": "status 400 at attempt 1",
    }
    assert len(receiver.got) == 6
    assert len(waits) == 3 + 2
    assert send(receiver, tmp_path, list_messages(3))[0].sent == 2


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_webhook_that_is_gone_stops_the_sending(receiver, tmp_path, status):
    receiver.answers = [(200, {}), (status, {})]
    with pytest.raises(
        SourceError, match=rf"does not take messages[\s\S]*{status}"
    ) as e:
        send(receiver, tmp_path, list_messages(9))
    assert "hook?key" not in str(e.value)
    assert len(receiver.got) == 2
    assert send(receiver, tmp_path, list_messages(2))[0].known == 1


def test_a_redirection_is_not_followed(receiver, tmp_path):
    receiver.answers = [(307, {"Location": "http://127.0.0.1:1/"})]
    report, _ = send(receiver, tmp_path, list_messages(1))
    assert report.failed == {"r0": "status 307 at attempt 1"}


def test_a_server_that_is_not_there_is_tried_as_often_as_allowed(tmp_path):
    server = Receiver()
    server.server_close()
    report, waits = send(server, tmp_path, list_messages(1))
    assert report.failed == {"r0": "ConnectionRefusedError at attempt 4"}
    assert len(waits) == 3


def test_a_server_that_does_not_answer_is_posted_to_once_and_reported(tmp_path):
    """It may have taken the message: only the next call, asked for, sends it again."""
    waits = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        report = send_messages(
            list_messages(1),
            address=f"http://127.0.0.1:{silent.getsockname()[1]}/",
            chat=ChatParams(attempts=4, timeout=0.1),
            ledger=tmp_path / "sent.jsonl",
            sleep=waits.append,
        )
    assert report.failed == {"r0": f"{NO_ANSWER} (attempt 1)"}
    assert waits == []
    assert (tmp_path / "sent.jsonl").read_text() == ""


def test_a_gateway_that_gave_up_waiting_is_not_posted_to_again(receiver, tmp_path):
    receiver.answers = [(504, {})]
    report, _ = send(receiver, tmp_path, list_messages(1))
    assert report.failed == {"r0": "status 504 at attempt 1"}
    assert len(receiver.got) == 1


def test_signs_beyond_ascii_in_an_address_are_encoded(receiver, tmp_path):
    report = send_messages(
        list_messages(1),
        address=f"http://127.0.0.1:{receiver.server_port}/hök%20?key=ä",
        chat=PATIENT,
        ledger=tmp_path / "sent.jsonl",
    )
    assert report.sent == 1
    assert receiver.got[0][2] == "/h%C3%B6k%20?key=%C3%A4"


def test_a_ledger_that_is_a_link_is_not_followed(receiver, tmp_path):
    target = tmp_path / "other.txt"
    target.write_text("mine")
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "sent.jsonl").symlink_to(target)
    with pytest.raises(SourceError, match="is a link"):
        send(receiver, tmp_path, list_messages(1))
    assert target.read_text() == "mine"
    assert receiver.got == []


def test_waits_double_and_are_shortened_always_alike():
    chat = ChatParams(first_wait=1, longest_wait=600)
    waits = [find_wait(chat, "key", attempt) for attempt in range(1, 9)]
    assert waits == [find_wait(chat, "key", attempt) for attempt in range(1, 9)]
    for attempt, wait in enumerate(waits):
        assert 2**attempt / 2 <= wait <= 2**attempt
    assert all(a < b * 2 for a, b in pairwise(waits))
    others = {find_wait(chat, str(number), 1) for number in range(50)}
    assert len(others) == 50
    assert find_wait(ChatParams(longest_wait=5), "key", 9) == 5
    assert find_wait(ChatParams(longest_wait=5), "key", 1, asked=99) == 5


@pytest.mark.parametrize(
    "address",
    [
        "http://chat.example/hook",
        "ftp://chat.example/hook",
        "https:///hook",
        "https://user:word@chat.example/",
        "http://localhost.chat.example/",
        "https://chat.example/a\r\nHost: b",
        "https://chat.example:port/",
        "hook",
    ],
)
def test_addresses_that_are_not_safe_are_refused_and_not_repeated(address):
    with pytest.raises(ParamError, match="cannot be sent to this address") as error:
        check_address(address)
    assert "hook" not in str(error.value)
    assert "word" not in str(error.value)


@pytest.mark.parametrize(
    "address",
    ["https://chat.example/hook", "http://localhost:8000/", "http://[::1]:9/"],
)
def test_https_and_this_machine_are_safe(address):
    assert check_address(address).hostname
