"""What was measured on: without it the figures say nothing."""

import os
import platform
from pathlib import Path

from benchmarks import sql
from benchmarks.arena import Arena

SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "work_mem", "jit")


def facts(arena: Arena) -> dict[str, str]:
    """Machine, versions and the settings that decide about speed."""
    shown = ", ".join(f"current_setting('{name}') AS {name}" for name in ("server_version", *SETTINGS))
    server = dict(sql.row(arena.services.database_url, f"SELECT {shown}"))
    assert server["fsync"] == server["synchronous_commit"] == "on", "the benchmark's services must be durable"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "CPU": f"{_cpu()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{memory:.0f} GB",
        "disk": _file_system(arena.folder),
        "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()) + " (1, 5, 15 minutes)",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "PostgreSQL": f"{server['server_version']} ({', '.join(f'{name} {server[name]}' for name in SETTINGS)})",
        "RabbitMQ": arena.rabbitmq_version(),
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _file_system(folder: Path) -> str:
    """The kind of file system: on one in memory, fsync costs nothing and no figure is worth printing."""
    best = ("", "unknown")
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mounted, kind = line.split()[:3]
        if folder.is_relative_to(mounted) and len(mounted) > len(best[0]):
            best = (mounted, kind)
    return best[1]
