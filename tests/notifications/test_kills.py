"""`bin/bench kills` in short: workers die by -9 while mails go out."""

import asyncio
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


async def test_whoever_kills_workers_loses_no_mail_and_doubles_none_that_was_recorded():
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.kills", "--messages", "150", "--kills", "3"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    ledger = json.loads(out)
    assert (ledger["rows"], ledger["sent"], ledger["lost"], ledger["unknown"]) == (150, 150, 0, 0)
    assert ledger["duplicates"] <= ledger["duplicates_allowed"]
    assert sum(ledger["kills"].values()) >= 1
