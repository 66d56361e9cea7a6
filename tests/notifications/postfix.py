"""Postfix as Debian ships it, unpacked into a folder and run from there on loopback; nothing is installed."""

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

from tests.postgres import free_port, short_folder

OWNER, GROUP, NOBODY = "mail", "games", "nobody"
QUEUES = (
    *("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming"),
    *("maildrop", "pid", "private", "public", "saved", "trace"),
)

MAIN = """
compatibility_level = 3.6
mail_owner = {owner}
setgid_group = {group}
default_privs = {nobody}
config_directory = {folder}/etc
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = {root}/usr/lib/postfix/sbin
command_directory = {root}/usr/sbin
shlib_directory = {root}/usr/lib/postfix
meta_directory = {folder}/etc
import_environment = MAIL_CONFIG LD_LIBRARY_PATH={root}/usr/lib/postfix
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.org
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
alias_database =
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}/boxes
virtual_mailbox_maps = inline:{{ {boxes} }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
transport_maps = inline:{{ {{gone@example.org = nouser:}} }}
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
"""

MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
nouser unix - n n - - pipe user={nobody} argv=/bin/sh -c {{exit 67}}
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


class Missing(Exception):
    """Postfix cannot be had here; the text says why."""


class Postfix:
    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port

    def box(self, name: str) -> bytes:
        """All mails to somebody, one after the other."""
        path = self.folder / "boxes" / name
        return path.read_bytes() if path.exists() else b""

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""


@contextlib.asynccontextmanager
async def postfix(*people: str) -> AsyncIterator[Postfix]:
    """One that takes mail to these people and `gone`, who is refused after it was taken, all at example.org.

    Raises Missing.
    """
    if os.geteuid() != 0 or not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise Missing("Postfix needs root, and is unpacked from a package of Debian")
    with short_folder() as folder:
        root = folder / "root"
        try:
            for command in (
                ["apt-get", "download", "postfix"],
                ["sh", "-c", f"dpkg -x postfix_*.deb {root}"],
            ):
                subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise Missing("the package postfix cannot be fetched") from error
        port = free_port()
        _prepare(folder, root, port, people)
        master = await asyncio.create_subprocess_exec(
            *(root / "usr/lib/postfix/sbin/master", "-c", folder / "etc", "-d"),
            env={"LD_LIBRARY_PATH": str(root / "usr/lib/postfix"), "PATH": os.environ["PATH"]},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        server = Postfix(folder, port)
        try:
            await _until_it_listens(server, master)
            yield server
        finally:
            if master.returncode is None:
                master.terminate()
            await master.wait()


def _prepare(folder: Path, root: Path, port: int, people: tuple[str, ...]) -> None:
    for name in ("etc", "queue", "data", "boxes"):
        (folder / name).mkdir()
    for name in QUEUES:
        (folder / "queue" / name).mkdir(mode=0o700)
        shutil.chown(folder / "queue" / name, OWNER if name != "pid" else "root")
    for name in ("data", "boxes"):
        shutil.chown(folder / name, OWNER)
    (folder / "queue" / "public").chmod(0o755)
    owner = (folder / "boxes").stat()
    group = shutil._get_gid(OWNER)  # type: ignore[attr-defined]
    boxes = ", ".join(f"{{{name}@example.org = {name}}}" for name in (*people, "gone"))
    main = MAIN.format(
        owner=OWNER,
        group=GROUP,
        nobody=NOBODY,
        folder=folder,
        root=root,
        boxes=boxes,
        uid=owner.st_uid,
        gid=group,
    )
    (folder / "etc" / "main.cf").write_text(main)
    (folder / "etc" / "master.cf").write_text(MASTER.format(port=port, nobody=NOBODY))


async def _until_it_listens(server: Postfix, master: asyncio.subprocess.Process) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            greeting = await reader.readline()
            writer.close()
            if greeting.startswith(b"220"):
                return
        if master.returncode is not None:
            raise Missing(f"it did not start: {server.log()[-500:]}")
        await asyncio.sleep(0.1)
    raise Missing(f"it does not answer: {server.log()[-500:]}")
