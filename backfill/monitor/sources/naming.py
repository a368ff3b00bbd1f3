"""Which processes somebody means by words of a command line: those that run it, not those that only speak of it."""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import psutil

# What has another's name among its arguments, because it looks for it, shows it or changes it.
SPEAKING: Final = {
    *("grep", "egrep", "fgrep", "zgrep", "rg", "ag", "ack", "pgrep", "pkill", "pidof", "ps", "top", "htop", "watch"),
    *("vi", "vim", "nvim", "view", "nano", "emacs", "code", "less", "more", "tail", "head", "cat", "zcat", "man"),
    *("tmux", "screen", "journalctl", "strace", "gdb", "lsof", "find", "xdg-open", "scp", "rsync", "git"),
}
SHELLS: Final = {"sh", "bash", "dash", "zsh", "ksh", "fish", "ash", "busybox"}
# What starts another with its arguments, and waits for it.
STARTING: Final = {
    *("sudo", "doas", "su", "runuser", "timeout", "time", "nice", "ionice", "env", "setsid", "xargs", "flock"),
    *("npm", "npx", "pnpm", "yarn", "uv", "uvx", "poetry", "pipenv", "docker", "podman", "kubectl", "ssh", "script"),
    *("unbuffer", "stdbuf", "tini", "dumb-init", "catchsegv", "start-stop-daemon", "systemd-run", "make", "chronic"),
}


def matching(wanted: str) -> "list[psutil.Process]":
    """The processes that run what the words say, the oldest first; what started one for them only where there is none.

    Itself and what started it are never meant.
    """
    import psutil

    meant = pattern(wanted)
    found: dict[str, list[tuple[float, int, psutil.Process]]] = {"running": [], "starting": []}
    for one in others():
        with suppress(psutil.Error, OSError):
            command = one.cmdline()
            if not command or not meant.search(" ".join(command)):
                continue
            if (of := kind(command)) is not None:
                found[of].append((one.create_time(), one.pid, one))
    return [one for _, _, one in sorted(found["running"] or found["starting"])]


def others() -> "Iterator[psutil.Process]":
    """The processes of this machine but for this one and what started it."""
    import psutil

    ours = {os.getpid()}
    with suppress(psutil.Error, OSError):  # what started it may end meanwhile
        one = psutil.Process()
        while (above := one.parent()) is not None:
            ours.add(above.pid)
            one = above
    return (one for one in psutil.process_iter() if one.pid not in ours)


def pattern(wanted: str) -> re.Pattern[str]:
    """The words in their order, each from its beginning to its end."""
    parts = [rf"(?<!\w){re.escape(word)}(?!\w)" for word in wanted.split()]
    return re.compile(".*".join(parts), re.DOTALL)


def kind(command: "Sequence[str]") -> str | None:
    """`running`, `starting` another that runs it, or None for what only speaks of it."""
    program = Path(command[0].split(" ")[0]).name.lstrip("-")
    if program in SPEAKING or _is_monitor(command):
        return None
    is_inline = program in SHELLS and any(re.fullmatch(r"-\w*c", word) for word in command[1:3])
    return "starting" if program in STARTING or is_inline else "running"


def _is_monitor(command: "Sequence[str]") -> bool:
    """Whether it is this look in another process, which has the words among its own."""
    names = [Path(word).name for word in command[:4]]
    return "backfill" in names and any(word.startswith(("monitor", "--monitor")) for word in command)
