"""Somebody who looks at pages all the time, in a process of its own; writes when each visit was and how long it took.

Ends at SIGTERM. A line holds two numbers: seconds of the monotonic clock, and milliseconds.
"""

import itertools
import sys
import time

import httpx

PAUSE_SECONDS = 0.01


def visit(url: str, paths: list[str]) -> None:
    with httpx.Client(base_url=url, timeout=60) as client:
        for path in itertools.cycle(paths):
            began = time.monotonic()
            client.get(path).raise_for_status()
            sys.stdout.write(f"{began:.4f} {(time.monotonic() - began) * 1000:.2f}\n")
            sys.stdout.flush()
            time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    visit(sys.argv[1], sys.argv[2:])
