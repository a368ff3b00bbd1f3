"""A program of ours that ends when the server that started it does, whatever ended that one.

The server holds the other end of its standard input, and says nothing there; the program itself reads nothing.
"""

import os
import runpy
import signal
import sys
import threading
import time
from typing import Final

END_SECONDS: Final = 5.0  # for what the program has started in its turn


def main() -> None:
    """Run the module that is named first, with the words behind it."""
    held = os.dup(0)
    os.close(0)
    os.open(os.devnull, os.O_RDONLY)  # takes the lowest number that is free
    threading.Thread(target=_end_with, args=(held,), daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _end_with(held: int) -> None:
    while os.read(held, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(END_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
