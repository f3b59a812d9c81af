"""Start-up of the command line beside a bare interpreter."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 15
MAIN = "from consilience.cli.app import main; main()"
CASES = {
    "bare python": ["-c", "pass"],
    "consilience --help": ["-c", MAIN, "--help"],
    "consilience plugins": ["-c", MAIN, "plugins"],
    "import xarray (limit to stay under)": ["-c", "import xarray"],
}
TARGETS = {"consilience --help": 10, "consilience plugins": 15}


def main() -> None:
    times: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(ROUNDS):  # in turn, so that a slow moment hits all alike
        for name, arguments in CASES.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
            times[name].append(time.perf_counter() - start)
    bare = statistics.median(times["bare python"])
    for name, values in times.items():
        goal = f"  (to reach: {TARGETS[name]})" if name in TARGETS else ""
        median = statistics.median(values)
        print(f"{name:40s} {1e3 * median:7.1f} ms  {median / bare:6.2f} x bare python{goal}")


if __name__ == "__main__":
    main()
