"""Who calls: by a token, by the session of one who has signed in, or from this machine where there is no token yet."""

import asyncio
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from backfill.database import Connection
from backfill.errors import UnreachableError
from backfill.ledger import tokens
from backfill.ledger.tokens import Live, Token
from backfill.web.ledger import DatabaseAwayError, Ledger

FRESH_SECONDS: Final = 2.0  # as long a revoked token may still be good
# Without the database nothing is to be had but that it is away; for so long whoever was let in before may hear that.
STALE_SECONDS: Final = 300.0
TOUCH_SECONDS: Final = 60.0
READ_SECONDS: Final = 1.0
MOST_SESSIONS: Final = 20  # of one token
SESSION_SECONDS: Final = 12 * 3600.0


@dataclass(frozen=True)
class Caller:
    """Who asks for something, and what he may."""

    name: str
    role: str  # read or operate
    actor: str  # for the events of a job
    token: UUID | None = None  # None: nobody has to sign in

    @property
    def may_operate(self) -> bool:
        return self.role == "operate"


LOCAL: Final = Caller("local", "operate", "web:local")


class Tokens:
    """The tokens in force, as they were two seconds ago at most."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._live = Live((), has_been_one=True)
        self._read_at = float("-inf")
        self._tried_at = float("-inf")
        self._error: UnreachableError | None = None  # of the last try
        self._reading = asyncio.Lock()
        self._used: set[UUID] = set()
        self._touched: dict[UUID, float] = {}

    async def live(self) -> Live:
        """Raises DatabaseAwayError where they cannot be read, and have not been for minutes."""
        if self._is_fresh():
            return self._live
        async with self._reading:
            if self._is_fresh():
                return self._live
            self._error = None
            now = time.monotonic()
            try:
                async with self._ledger.connection(READ_SECONDS) as connection:
                    self._live = await tokens.live(connection)
                    self._read_at = now
                    await self._touch(connection, now)
            except UnreachableError as error:
                self._error = error
                if now - self._read_at > STALE_SECONDS:
                    raise
            finally:
                self._tried_at = time.monotonic()
        return self._live

    def _is_fresh(self) -> bool:
        """Raises what the last try did, where they may no longer be believed.

        One waits for a database that is away, and not everybody after him.
        """
        now = time.monotonic()
        if now - self._read_at < FRESH_SECONDS:
            return True
        if now - self._tried_at >= FRESH_SECONDS:
            return False
        if self._error is not None and now - self._read_at > STALE_SECONDS:
            raise DatabaseAwayError(str(self._error))
        return now - self._read_at <= STALE_SECONDS

    async def _touch(self, connection: Connection, now: float) -> None:
        due = {one for one in self._used if now - self._touched.get(one, float("-inf")) >= TOUCH_SECONDS}
        self._used.clear()
        if due:
            await tokens.touch(connection, due)
            self._touched |= dict.fromkeys(due, now)

    async def of(self, token: str) -> Token | None:
        """The token that this is, in force."""
        given, found = tokens.hashed(token), None
        # Every one is compared, each in the same time: how long it takes says nothing of any.
        for one in (await self.live()).tokens:
            if hmac.compare_digest(one.hash, given):
                found = one
        return found

    async def by_id(self, token: UUID) -> Token | None:
        return next((one for one in (await self.live()).tokens if one.id == token), None)

    def used(self, token: Token) -> None:
        self._used.add(token.id)


class Sessions:
    """Who has signed in, in the memory of this process: a restart asks everybody again."""

    def __init__(self) -> None:
        self._tokens: dict[bytes, tuple[UUID, float]] = {}  # in the order in which they began

    def begin(self, token: UUID) -> str:
        """A secret for the cookie; of too many sessions of a token its oldest ends."""
        secret, now = secrets.token_urlsafe(32), time.monotonic()
        for old in [one for one, (_, until) in self._tokens.items() if until <= now]:
            del self._tokens[old]
        mine = [one for one, (whose, _) in self._tokens.items() if whose == token]
        for old in mine[: max(0, len(mine) + 1 - MOST_SESSIONS)]:
            del self._tokens[old]
        self._tokens[_hashed(secret)] = (token, now + SESSION_SECONDS)
        return secret

    def token_of(self, secret: str) -> UUID | None:
        """Whose it is; found by its hash, so that the time it takes says nothing of the secret."""
        token, until = self._tokens.get(_hashed(secret), (None, 0.0))
        return token if time.monotonic() < until else None

    def end(self, secret: str) -> None:
        self._tokens.pop(_hashed(secret), None)


class Callers:
    """Finds out who calls."""

    def __init__(self, known: Tokens, *, is_exposed: bool, cookie: str) -> None:
        self.tokens = known
        self.cookie = cookie
        self.sessions = Sessions()
        self._is_exposed = is_exposed

    async def by_token(self, token: str) -> Caller | None:
        found = await self.tokens.of(token)
        return None if found is None else self._caller(found)

    async def by_session(self, secret: str) -> Caller | None:
        token = self.sessions.token_of(secret)
        if token is None:
            return None
        found = await self.tokens.by_id(token)
        if found is None:
            self.sessions.end(secret)
            return None
        return self._caller(found)

    async def without(self, *, is_proxied: bool) -> Caller | None:
        """Whoever is at this machine, where there has never been a token."""
        if self._is_exposed or is_proxied or (await self.tokens.live()).has_been_one:
            return None
        return LOCAL

    async def still(self, caller: Caller, secret: str | None) -> bool:
        """Whether a stream that was opened may go on."""
        if secret is not None and self.sessions.token_of(secret) is None:
            return False
        if caller.token is None:
            return not (await self.tokens.live()).has_been_one
        return await self.tokens.by_id(caller.token) is not None

    def _caller(self, token: Token) -> Caller:
        self.tokens.used(token)
        return Caller(token.name, token.role, f"token:{token.name}", token.id)


def _hashed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
