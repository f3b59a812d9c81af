"""Child processes for the store's crash tests: imported once, forked for each round.

Reads one JSON command per line: the study, and how long to go on.  Answers
``pid <n>``, then what the child writes, then ``dead <status>``.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from consilience.store import Store


def say(text: str) -> None:
    os.write(1, text.encode() + b"\n")


def register(study: str, name: str, count: int) -> None:
    """Register files and records; each is acknowledged after the store has returned."""
    source = Path(study).parent / f"source-{name}"
    with Store.open(study) as store:
        for i in range(count):
            source.write_bytes(f"{name} {i} ".encode() * (1 + i % 7) * 400)
            file = store.put_file(source)
            more = store.put_json({"who": name, "i": i, "fill": "x" * (i % 50) * 100})
            ident = f"{name}-{i}"
            records = store.append(
                [
                    ("sample", {"id": ident}),
                    ("measurement", {"id": f"m-{ident}", "sample": ident, "files": [file.to_dict()],
                                     "more": more}),
                ]
            )  # fmt: skip
            say(f"ack {ident} {records[-1].hash} {file.sha256} {more}")
            if i % 5 == 0:
                assert store.index.has("sample", ident)


def register_same(study: str, name: str, count: int) -> None:
    """Register the same things as everybody else, and say which were new."""
    with Store.open(study) as store:
        for i in range(count):
            ident = f"same-{i}"
            made = store.append_unless(
                lambda index, ident=ident: index.has("sample", ident), [("sample", {"id": ident})]
            )
            say(f"{'new' if made else 'known'} {ident}")


def main() -> None:
    say("ready")
    for line in sys.stdin:
        command = json.loads(line)
        pids = []
        for name in command["names"]:
            pid = os.fork()
            if pid == 0:
                status = 1
                try:
                    work = register_same if command.get("same") else register
                    work(command["study"], name, command["count"])
                    status = 0
                finally:
                    os._exit(status)
            say(f"pid {pid}")
            pids.append(pid)
        for pid in pids:
            say(f"dead {os.waitpid(pid, 0)[1]}")


if __name__ == "__main__":
    main()
