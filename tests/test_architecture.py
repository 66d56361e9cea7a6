"""The rules of the house that a machine can check, and that the documents say what the code does."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import click
import pytest
from piccolo.apps.migrations.commands.new import AutoMigrationManager
from piccolo.conf.apps import Finder

from dialograum.cli import COMMANDS
from dialograum.settings import Settings
from hybrid.mail import KINDS as KINDS_FOR_ORGANISERS
from registration.arrivals import KIND_OF_NEWS, NEWS_OF_THE_KNOWN
from registration.news import ANNOUNCEMENT, KINDS, REMINDING
from tests.postgres import short_folder

ROOT = Path(__file__).parents[1]
PACKAGES = ("dialograum", "events", "notifications", "registration", "hybrid")
LINES = 400
LONG = {
    "tests/dialograum/test_api.py",
    "tests/dialograum/test_event_file.py",
    "tests/dialograum/test_publishing.py",
    "tests/registration/test_actions.py",
}
"""Files that may be longer; let this list become shorter."""

NAMELESS = {"utils", "util", "helpers", "helper", "common", "base", "manager", "service", "services", "misc"}


@cache
def tracked() -> tuple[Path, ...]:
    """Every file of the repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return tuple(ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())


def modules() -> list[Path]:
    return [
        path
        for path in tracked()
        if path.suffix == ".py" and path.parts[len(ROOT.parts)] in (*PACKAGES, "tests")
    ]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# Imports, files and names


def test_imports_point_one_way():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_files_are_named_after_things():
    for path in modules():
        assert not NAMELESS & set(path.relative_to(ROOT).with_suffix("").parts), name_of(path)


def test_files_stay_short():
    written = [path for path in modules() if "piccolo_migrations" not in path.parts]
    written += [path for path in tracked() if path.suffix in (".html", ".css", ".mjs", ".sh", ".md")]
    long = {name_of(path) for path in written if len(path.read_text().splitlines()) > LINES}
    assert long <= LONG, f"longer than {LINES} lines: {sorted(long - LONG)}"


def test_every_package_has_the_files_of_a_piccolo_app():
    for package in PACKAGES:
        config = import_module(f"{package}.piccolo_app").APP_CONFIG
        assert config.app_name == package
        assert (ROOT / package / "tables.py").is_file()
        assert list((ROOT / package / "piccolo_migrations").glob(f"{package}_*.py"))


def test_the_repository_names_no_machine_and_no_registry():
    hosts = ("registry." + "npmjs.org", "files." + "pythonhosted.org", "pypi.org/" + "simple")
    places = re.compile(r"(?:^|[\s\"'=(:])/(?:work|root|home|Users)/\w")
    for path in tracked():
        if path.suffix in (".png", ".woff2", ".ico"):
            continue
        text = path.read_text()
        assert not [host for host in hosts if host in text], name_of(path)
        assert not places.search(text), name_of(path)


def test_lock_files_hold_hashes_and_no_address():
    for path in (ROOT / "requirements.lock", ROOT / "templates" / "node.lock"):
        text = path.read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text, name_of(path)
    text = (ROOT / "templates" / "package-lock.json").read_text()
    assert '"integrity": "sha512-' in text
    assert '"resolved"' not in text


# Tables and migrations


@pytest.mark.parametrize("package", PACKAGES)
async def test_no_table_has_changed_without_a_migration(package):
    config = import_module(f"{package}.piccolo_app").APP_CONFIG
    statements = await AutoMigrationManager(auto_input="y").get_alter_statements(app_config=config)
    assert [line for found in statements for line in found.statements] == []


async def test_the_database_has_the_columns_of_the_tables(database):
    for table in Finder().get_table_classes():
        async with database.connection() as connection:
            rows = await connection.fetch(
                "SELECT column_name, is_nullable FROM information_schema.columns WHERE table_name = $1",
                table._meta.tablename,
            )
        found = {row["column_name"]: row["is_nullable"] == "YES" for row in rows}
        assert found == {column._meta.db_column_name: column._meta.null for column in table._meta.columns}


# Templates


def templates(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / "templates" / folder).rglob("*.html"))]


def test_no_page_holds_a_style_or_a_script():
    script = r"<script(?![^>]*(?:\ssrc=|type=\"application/))"
    inline = re.compile(rf"<style|\sstyle=|\son[a-z]+\s*=\s*[\"']|javascript:|{script}", re.IGNORECASE)
    pages = templates("pages", "desk", "macros")
    assert pages
    for path in pages:
        assert not inline.findall(path.read_text()), name_of(path)


def test_no_page_loads_anything_foreign():
    foreign = re.compile(
        r"(?:src|srcset|action|formaction|poster)=\"(?:https?:)?//|<link[^>]+href=\"(?:https?:)?//"
    )
    for path in templates("pages", "desk", "macros"):
        assert not foreign.findall(path.read_text()), name_of(path)


def test_every_form_that_posts_carries_its_token():
    form = re.compile(r"<form[^>]*method=\"post\".*?</form>", re.DOTALL)
    found = [
        (path, text)
        for path in templates("pages", "desk", "macros")
        for text in form.findall(path.read_text())
    ]
    assert found
    for path, text in found:
        assert "csrf()" in text, name_of(path)


def calls_of(name: str) -> Iterator[tuple[str, ast.Call]]:
    """Where our packages call a function or a class of this name, with the name of the module."""
    for package in PACKAGES:
        for path in (ROOT / package).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                    yield f"{package}.{path.stem}", node


def value_of(module: str, node: ast.expr) -> object:
    """What a constant or a name stands for in a module."""
    return node.value if isinstance(node, ast.Constant) else getattr(import_module(module), ast.unparse(node))


def mails_in(*folder: str) -> set[str]:
    return {
        path.parent.name for path in (ROOT / "templates" / "mail").joinpath(*folder).glob("*/subject.txt")
    }


def test_every_mail_that_is_told_has_its_folder_and_the_other_way_round():
    told = {*KIND_OF_NEWS.values(), NEWS_OF_THE_KNOWN, *REMINDING}
    for _, call in calls_of("tell"):
        told |= {str(part.value) for part in ast.walk(call.args[0]) if isinstance(part, ast.Constant)}
    assert told == {*KINDS}
    written = {
        value_of(module, word.value)
        for module, call in (*calls_of("NewMessage"), *calls_of("tell_organisers"))
        for word in call.keywords
        if word.arg == "kind" and ast.unparse(word.value) != "kind"
    }
    written |= {
        value_of(module, call.args[1]) for module, call in calls_of("_tell") if module == "hybrid.notices"
    }
    assert written == {ANNOUNCEMENT, *KINDS_FOR_ORGANISERS}
    assert mails_in() == told | {ANNOUNCEMENT}
    assert mails_in("organisers") == {*KINDS_FOR_ORGANISERS}


def test_every_mail_that_tells_of_no_event_has_its_template():
    names = [value_of(module, call.args[1]) for module, call in calls_of("render_apart")]
    assert names
    for name in names:
        assert (ROOT / "templates" / "mail" / f"{name}.txt").is_file()


# README


def sections(name: str) -> str:
    """A section of the README by its heading."""
    text = (ROOT / "README.md").read_text()
    found = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found is not None, name
    return found[1]


def default_of(name: str) -> str:
    """A default as the README writes it."""
    field = Settings.model_fields[name.lower()]
    value = field.default
    if name == "MAIL_FROM":
        return f"{value.name} <{value.address}>"
    if name.endswith("_LIMIT"):
        return f"{value.count}/{value.seconds}"
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    if name == "DATA_DIR":
        return f"./{value}"
    if value == {}:
        return "{}"
    return str(value) if value not in (None, "", (), []) else ""


WORDS = {
    "": {"empty", "made once", "built-in pages", "all shipped"},
}
"""How the README says that there is no default to write down."""


def test_the_readme_names_every_setting_with_its_default():
    written: dict[str, str] = {}
    for line in re.findall(r"^\| (`.*)$", sections("Run it for real"), re.MULTILINE):
        names, defaults, *_ = (cell.strip() for cell in line.split(" | "))
        listed = re.findall(r"`(\w+)`", names)
        values = [value.strip().strip("`") for value in defaults.split(", ")]
        values = values * len(listed) if len(values) == 1 else values
        if len(values) < len(listed):
            values += values[-1:] * (len(listed) - len(values))
        written |= dict(zip(listed, values, strict=True))
    assert set(written) == {name.upper() for name in Settings.model_fields}
    for name, said in written.items():
        default = default_of(name)
        assert said == default or said in WORDS.get(default, ()), f"{name}: {said} is {default}"


def test_the_readme_shows_what_is_there():
    for line in sections("Where things stand").split("```")[1].strip().splitlines():
        assert (ROOT / line.split("/ ")[0].strip()).is_dir(), line
    for target in re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text()):
        assert target.startswith("https://") or (ROOT / target).exists(), target
    for script in ("demo", "test", "lint", "bench", "setup"):
        assert (ROOT / "bin" / script).stat().st_mode & 0o111, script


def test_the_readme_s_commands_are_commands():
    called = re.findall(r"dialograum ([a-z]+)(?: ([a-z]+))?((?: --[a-z-]+)*)", sections("Run it for real"))
    assert called
    for name, below, _ in called:
        assert name in COMMANDS, name
        found = import_module(f"dialograum.commands.{name}").command
        assert not isinstance(found, click.Group) or below in found.commands, (name, below)


# Promised commands

PROMISED = {
    "demo": {"--port"},
    "serve": {"--host", "--port", "--workers"},
    "worker": set(),
    "migrate": set(),
    "doctor": {"--json", "--mail-to"},
    "bounces": set(),
    "events import": {"files", "--start", "--publish", "--owner", "--replace", "--json"},
    "events list": {"--json"},
    "events export": {"slug"},
    "mode show": {"slug", "--json"},
    "mode set": {"slug", "mode", "--reason", "--no-lock", "--hybrid-capacity", "--json"},
    "mode evaluate": {"slug", "--json"},
    "mode replay": {"slug", "--reports", "--from", "--to", "--event-date", "--json"},
    "organisers add": {"email", "--name", "--role", "--password-stdin"},
    "tokens create": {"--for", "--scope"},
}


@pytest.mark.parametrize("words", PROMISED)
def test_a_promised_command_takes_what_is_promised(words):
    name, *below = words.split()
    found = import_module(f"dialograum.commands.{name}").command
    for word in below:
        found = found.commands[word]
    taken = {option for parameter in found.params for option in parameter.opts}
    assert PROMISED[words] <= taken


def test_no_command_is_left_without_a_word():
    assert set(COMMANDS) == {words.split()[0] for words in PROMISED}
    assert {path.stem for path in (ROOT / "dialograum" / "commands").glob("[a-z]*.py")} == set(COMMANDS)


def test_settings_begin_without_any_in_the_environment():
    with short_folder() as folder:
        assert Settings(data_dir=folder).is_embedded
