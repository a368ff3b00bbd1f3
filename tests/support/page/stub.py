"""A server that shows the page and answers it from a made-up world; it can be slow, silent, down or strict."""

import json
import mimetypes
import re
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.page.answers import answer
from tests.support.page.made_up_jobs import shown
from tests.support.page.world import RefusalError, World

PAGE: Final = Path(__file__).parents[3] / "web" / "page"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
BASE: Final = "/api/v1/backfill"


class Stub:
    """What a test turns; `changed` tells the streams that there is something new."""

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World()
        self.role = "operate"
        self.name = "local"
        self.token: str | None = None  # without one nobody has to sign in
        self.sessions: set[str] = set()
        self.is_down = False  # as if its database were: 503 for all of the API
        self.is_silent = False  # streams send nothing any more, and new ones are cut off
        self.broker = "up"
        self.database = "up"  # else why not: then the overview is empty, and says so
        self.asked: list[tuple[str, str, Any]] = []
        self.changed = threading.Condition()
        self.is_over = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/"

    def change(self, turn: Callable[[], Any] | None = None) -> None:
        with self.changed:
            if turn:
                turn()
            self.changed.notify_all()

    def writes(self, method: str = "POST") -> list[tuple[str, Any]]:
        return [(path, body) for asked, path, body in self.asked if asked == method]

    def close(self) -> None:
        self.is_over = True
        self.change()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(_Handler):
            pass

        Handler.stub = stub
        return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub: Stub

    def log_message(self, *_: Any) -> None:
        """Nothing: tests print what they need."""

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - names that the class wants

    def _serve(self) -> None:
        path = unquote(urlsplit(self.path).path)
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size) or b"null")
        try:
            if path.startswith(BASE):
                self._api(path.removeprefix(BASE), body)
            else:
                self._file("index.html" if path == "/" else path.removeprefix("/assets/"))
        except RefusalError as refusal:
            self._send(refusal.status, refusal.body, "application/problem+json")
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _api(self, path: str, body: Any) -> None:
        stub = self.stub
        stub.asked.append((self.command, path, body))
        if path == "/session" and self.command != "GET":
            return self._session(body)
        cookie = (self.headers.get("Cookie") or "").removeprefix("backfill_session=")
        if stub.token and cookie not in stub.sessions:
            raise RefusalError(401, "Not signed in", "sign in with a token; see: backfill token create")
        if stub.is_down:
            raise RefusalError(503, "PostgreSQL cannot be reached", "connection refused at 127.0.0.1:5432", exit_code=5)
        if self.command != "GET" and stub.role != "operate":
            raise RefusalError(403, "Not allowed", "this token may only read")
        if path.endswith("/stream"):
            return self._stream(path)
        query = parse_qs(urlsplit(self.path).query)
        key = self.headers.get("Idempotency-Key") or ""
        with stub.changed:
            status, found = answer(stub, self.command, path, query, body, key)
            stub.changed.notify_all()
        return self._send(status, found)

    def _session(self, body: Any) -> None:
        if self.command == "DELETE":
            self.stub.sessions.clear()
            return self._send(204, None)
        if body["token"] != self.stub.token:
            raise RefusalError(401, "Wrong token", "no such token, or it was revoked; see: backfill token list")
        self.stub.sessions.add("s1")
        return self._send(204, None, more={"Set-Cookie": "backfill_session=s1; HttpOnly; SameSite=Strict; Path=/"})

    def _stream(self, path: str) -> None:
        """As the server does: at once, on every change, and else each second."""
        stub = self.stub
        if stub.is_silent:
            raise RefusalError(503, "Too many streams", "try again later")
        match = re.fullmatch(r"/jobs/([^/]+)/stream", path)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        while not stub.is_over:
            with stub.changed:
                if stub.is_down or stub.is_silent:
                    break
                if match:
                    found = shown(stub.world.find(match[1]))
                    name, is_last = "job", found["completed_at"] is not None
                else:
                    found, name, is_last = answer(stub, "GET", "/overview", {}, None, "")[1], "overview", False
            text = f"event: {name}\ndata: {json.dumps(found)}\n\n" + (
                "event: end\ndata: {}\n\n" if is_last else ": keep-alive\n\n"
            )
            self.wfile.write(text.encode())
            self.wfile.flush()
            if is_last:
                break
            with stub.changed:
                stub.changed.wait(1)
        self.close_connection = True

    def _file(self, name: str) -> None:
        file = (PAGE / name).resolve()
        if not file.is_relative_to(PAGE) or not file.is_file():
            raise RefusalError(404, "No such file", name)
        kind = "text/javascript" if file.suffix == ".js" else mimetypes.guess_type(name)[0] or "text/plain"
        self._send(200, file.read_bytes(), f"{kind}; charset=utf-8")

    def _send(
        self, status: int, found: Any, kind: str = "application/json", more: dict[str, str] | None = None
    ) -> None:
        data = found if isinstance(found, bytes) else b"" if found is None else json.dumps(found).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(data)),
            "Content-Security-Policy": POLICY,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            **(more or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def main() -> None:
    """Leave one up, to look at it."""
    stub = Stub(World(10_000))
    print(stub.url, flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
