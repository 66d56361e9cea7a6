"""Many clients that register as fast as they are answered, each time somebody else."""

import asyncio
import json
import shutil
import tempfile
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

SCRIPT = """
local number = 0
function request()
  number = number + 1
  local who = number
  if number % 50 == 0 then who = number - 25 end
  local body = string.format(
    '{"name": "Kim Muster", "email": "%s-%d@example.org", "groups": {"groups": ["%s", "%s"]}}',
    NAME, who, GROUPS[number % 4 + 1], GROUPS[(number + 1) % 4 + 1])
  return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, body)
end
function done(summary, latency)
  io.write(string.format(
    '\\n{"answered": %d, "refused": %d, "micros": %d, "p50": %f, "p95": %f, "p99": %f}\\n',
    summary.requests, summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout,
    summary.duration, latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
"""
GROUPS = ("wohnen", "bildung", "arbeit", "umwelt")


@dataclass(frozen=True)
class Load:
    """What came of a run: answers, refusals among them, per second, and milliseconds by percentile."""

    answered: int
    refused: int
    rate: float
    latency: dict[int, float]

    @staticmethod
    def name() -> str:
        return "wrk" if shutil.which("wrk") else "python"


async def run(url: str, path: str, name: str, *, clients: int, seconds: float) -> Load:
    """`name` makes the addresses of this run its own."""
    return await (_by_wrk if Load.name() == "wrk" else _by_ourselves)(url, path, name, clients, seconds)


async def _by_wrk(url: str, path: str, name: str, clients: int, seconds: float) -> Load:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        groups = ", ".join(f'"{group}"' for group in GROUPS)
        script.write(f'NAME = "{name}"\nGROUPS = {{{groups}}}\n{SCRIPT}')
        script.flush()
        process = await asyncio.create_subprocess_exec(
            "wrk",
            *("-t1", f"-c{clients}", f"-d{seconds:.0f}s", "--timeout", "30s", "-s", script.name, url + path),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        if process.returncode:
            raise RuntimeError(err.decode())
    found = json.loads(out.decode().strip().splitlines()[-1])
    return Load(
        found["answered"] - found["refused"],
        found["refused"],
        (found["answered"] - found["refused"]) / found["micros"] * 1e6,
        {percent: found[f"p{percent}"] / 1000 for percent in (50, 95, 99)},
    )


async def _by_ourselves(url: str, path: str, name: str, clients: int, seconds: float) -> Load:
    host = urlsplit(url)
    until, times, refused, number = time.perf_counter() + seconds, [], 0, 0

    async def client() -> None:
        nonlocal refused, number
        reader, writer = await asyncio.open_connection(host.hostname, host.port)
        while time.perf_counter() < until:
            number += 1
            who = number - 25 if number % 50 == 0 else number
            wishes = [GROUPS[number % 4], GROUPS[(number + 1) % 4]]
            body = json.dumps(
                {"name": "Kim Muster", "email": f"{name}-{who}@example.org", "groups": {"groups": wishes}}
            )
            began = time.perf_counter()
            writer.write(
                f"POST {path} HTTP/1.1\r\nHost: {host.netloc}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            times.append(time.perf_counter() - began)
            refused += b" 201 " not in head.split(b"\r\n")[0]
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    took = time.perf_counter() - began
    times.sort()
    answered = len(times) - refused
    return Load(
        answered,
        refused,
        answered / took,
        {percent: times[min(len(times) - 1, len(times) * percent // 100)] * 1000 for percent in (50, 95, 99)},
    )
