"""`backfill drip` against a server that answers what the test says."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from backfill.commands.drip import drip
from tests.support import reference

NOTHING = dict.fromkeys(("updated", "unchanged", "skipped", "failed", "deleted"), 0)
DONE = {"processed": 50, **NOTHING, "updated": 50, "remaining": 1_200, "jobs": ["a"]}


class Server:
    """Gives one answer a call, the last one again and again."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers = [*answers]
        self.seen: list[tuple[str, str, str | None]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.seen.append((self.command, self.path, self.headers.get("Authorization")))
                code, body = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                self.send_response(code)
                if code == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

            do_GET = do_POST  # noqa: N815 - the library asks for these names

            def log_message(self, *_: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @contextmanager
    def serving(self) -> Iterator["Server"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


def ask(server: Server, *arguments: str, path: str = "", **env: str) -> Result:
    known = {"BACKFILL_TOKEN": "secret", "BACKFILL_TOKEN_FILE": ""} | env
    with server.serving():
        return CliRunner(env=known).invoke(drip, [server.url + path, "--every=0s", *arguments])


def test_it_asks_so_often_and_says_what_became_of_the_records() -> None:
    server = Server((200, DONE))
    answer = ask(server, "--times=2", "--limit=50", "--backfill=a b", path="/base/")
    assert answer.exit_code == 0
    line = "Processed 50 records (50 updated); 1,200 remaining"
    assert answer.stdout.splitlines() == [f"[1/2] {line}", f"[2/2] {line}"]
    assert server.seen == [("POST", "/base/api/v1/backfill/process?limit=50&backfill=a+b", "Bearer secret")] * 2
    assert "secret" not in answer.output


def test_json_is_an_object_a_call() -> None:
    answer = ask(Server((200, DONE)), "--times=2", "--json")
    first, second = (json.loads(line) for line in answer.stdout.splitlines())
    assert first == {"schema_version": 1, "call": 1, **DONE}
    row = next(line for line in reference.PAGE.read_text().splitlines() if "`backfill drip URL --json`" in line)
    assert {*re.findall(r"`(\w+)`", row)} == {*first} - {"schema_version"}
    assert second["call"] == 2


def test_an_outage_in_between_is_told_and_the_last_call_decides() -> None:
    away = 503, {"detail": "PostgreSQL is away"}
    answer = ask(Server(away, (200, DONE)), "--times=2")
    assert answer.exit_code == 0
    assert "PostgreSQL is away; goes on in time for the next one" in answer.stderr
    assert ask(Server((200, DONE), away), "--times=2").exit_code == 5


def test_failed_records_are_an_exit_code() -> None:
    answer = ask(Server((200, DONE | {"failed": 2})))
    assert (answer.exit_code, "2 records failed" in answer.stderr) == (7, True)


@pytest.mark.parametrize(
    ("code", "body", "exit_code", "text"),
    [
        (401, {"detail": "no"}, 2, "refuses the token (no)"),
        (403, b"", 2, "give one with the role operate"),
        (404, {"detail": "none"}, 3, "none"),
        (424, {"detail": "no column"}, 6, "no column"),
        (422, {"detail": "unknown backfill"}, 2, "unknown backfill"),
        (429, b"<html>", 5, "HTTP 429"),
        (302, b"", 2, "HTTP 302"),
        (200, b"<html>", 2, "another answer"),
        (200, [], 2, "another answer"),
        (200, DONE | {"failed": "many"}, 2, "another answer"),
        (200, DONE | {"failed": None}, 2, "another answer"),
        (200, DONE | {"updated": {}}, 2, "another answer"),
    ],
)
def test_what_is_refused_is_told_with_a_next_step(code: int, body: Any, exit_code: int, text: str) -> None:
    server = Server((code, body))
    answer = ask(server)
    assert (answer.exit_code, text in answer.stderr, "Traceback" in answer.output) == (exit_code, True, False)
    assert len(server.seen) == 1


def test_the_token_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from a file\n")
    server = Server((200, DONE))
    assert ask(server, BACKFILL_TOKEN="", BACKFILL_TOKEN_FILE=str(file)).exit_code == 0
    assert server.seen[0][2] == "Bearer from a file"
    missing = CliRunner(env={"BACKFILL_TOKEN_FILE": str(tmp_path / "none")}).invoke(drip, ["http://127.0.0.1:1"])
    assert (missing.exit_code, "cannot be read" in missing.stderr) == (2, True)
    odd = CliRunner(env={"BACKFILL_TOKEN": "a\nb"}).invoke(drip, ["http://127.0.0.1:1"])
    assert (odd.exit_code, "backfill token create" in odd.stderr) == (2, True)


@pytest.mark.parametrize(
    "url", ["127.0.0.1:80", "ftp://x", "http://", "http://a:b@c", "http://[", "http://a/?b", "http://ä"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    answer = CliRunner(env={"BACKFILL_TOKEN": "secret"}).invoke(drip, [url])
    assert (answer.exit_code, "URL is no address" in answer.stderr) == (2, True)


def test_a_token_that_would_be_readable_on_its_way_is_warned_of() -> None:
    answer = CliRunner(env={"BACKFILL_TOKEN": "secret"}).invoke(drip, ["http://backfill.invalid"])
    assert (answer.exit_code, "is not encrypted" in answer.stderr, "secret" in answer.output) == (5, True, False)
