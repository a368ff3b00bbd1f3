"""`python -m benchmarks.peers.fill MODULE KILLMAILS`: publish a message a killmail."""

import importlib
import sys

if __name__ == "__main__":
    importlib.import_module(f"benchmarks.peers.{sys.argv[1]}").fill(int(sys.argv[2]))
