"""A pipe to a process that computes, to be awaited."""

import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from backfill import texts
from backfill.workers.computing.child import Answer, Order
from backfill.workers.computing.sending import UnsendableError


class Pipe:
    """Leads to one process; a thread of its own waits, packs and unpacks."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._thread = ThreadPoolExecutor(1, "pipe to a process that computes")

    def ask(self, question: tuple[Order, Sequence[Mapping[str, Any]], float]) -> Future[Answer]:
        """Its answer; EOFError where none can be had any more."""
        return self._thread.submit(self._ask, question)

    def _ask(self, question: object) -> Answer:
        try:
            self._connection.send(question)
        except OSError:
            raise EOFError from None
        except Exception as error:
            return UnsendableError(texts.in_a_line(error))
        try:
            answer: Answer = self._connection.recv()
        except (EOFError, OSError):
            raise EOFError from None
        except Exception as error:  # it cannot be read here
            return UnsendableError(texts.in_a_line(error))
        return answer

    def shut(self) -> None:
        """End the thread's waiting, whoever has the other end."""
        with socket.fromfd(self._connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as end, suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        self._thread.shutdown(wait=False, cancel_futures=True)
