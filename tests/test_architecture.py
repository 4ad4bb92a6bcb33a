"""The rules of the house that no linter knows: lengths, names, the environment, what no tracked file may say."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = {"config", "search", "ingest", "videolib"}
FORBIDDEN_NAMES = {"data", "info", "manager", "handler", "utils", "helpers", "common", "misc"}
FORBIDDEN_SHAPES = re.compile(r"process_\w+|\w+(Manager|Handler|Utils|Helper|Info)")
LIBRARY_NAMES = {"process_bind_param", "process_result_value"}  # what SQLAlchemy calls in a type of ours
ENVIRONMENT = {"environ", "environb", "getenv"}
REGISTRIES = re.compile(r"pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|deb\.debian\.org")
MACHINE_PATH = re.compile(r"(?<![\w.}-])/(?:work|root|Users|home/\w+)/[\w.]")


def tracked_files() -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in listed.split("\0") if (ROOT / name).is_file() and name]


FILES = tracked_files()
TREES = {path: ast.parse((ROOT / path).read_text("utf-8")) for path in FILES if path.suffix == ".py"}
OURS = {path: tree for path, tree in TREES.items() if path.parts[0] in ROOMS}
FUNCTIONS = [
    (path, node)
    for path, tree in TREES.items()
    for node in ast.walk(tree)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
]


def lines_of(path: Path) -> int:
    return (ROOT / path).read_text("utf-8").count("\n")


def names_made_in(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
    return names


def test_every_module_says_what_it_is_for() -> None:
    assert [str(path) for path, tree in TREES.items() if not ast.get_docstring(tree)] == []


def test_no_module_is_longer_than_400_lines_and_no_script_than_150() -> None:
    scripts = [path for path in FILES if path.suffix == ".js" and path.parts[:3] == ("videolib", "web", "static")]

    assert {str(path): lines for path in TREES if (lines := lines_of(path)) > 400} == {}
    assert {str(path): lines for path in scripts if (lines := lines_of(path)) > 150} == {}


def test_no_function_is_longer_than_60_lines() -> None:
    lengths = {
        f"{path}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path, node in FUNCTIONS
        if "migrations" not in path.parts  # a list of tables, read once
    }

    assert {place: lines for place, lines in lengths.items() if lines > 60} == {}


def test_no_function_takes_more_than_six_arguments() -> None:
    counts = {}
    for path, node in FUNCTIONS:
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        asked = [argument.arg for argument in arguments if argument.arg not in {"self", "cls"}]
        counts[f"{path}:{node.lineno} {node.name}"] = len(asked) if path in OURS else 0

    assert {place: count for place, count in counts.items() if count > 6} == {}


def test_names_are_the_fields_words() -> None:
    bad = [
        f"{path}: {name}"
        for path, tree in OURS.items()
        for name in sorted({path.stem, path.parent.name, *names_made_in(tree)} - LIBRARY_NAMES)
        if name.lower().strip("_") in FORBIDDEN_NAMES or FORBIDDEN_SHAPES.fullmatch(name)
    ]

    assert bad == []


def test_only_the_settings_read_the_environment() -> None:
    readers = [
        f"{path}:{node.lineno}"
        for path, tree in OURS.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in ENVIRONMENT and ast.unparse(node.value) == "os")
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and ENVIRONMENT & {a.name for a in node.names})
    ]

    assert [place for place in readers if not place.startswith("config/settings.py:")] == []
    assert readers, "the settings read no environment: this test has lost sight of them"


def test_no_file_names_a_registry_or_a_persons_machine() -> None:
    found = []
    for path in FILES:
        text = (ROOT / path).read_bytes().decode("utf-8", errors="ignore")
        found += [f"{path}: {match[0]}" for rule in (REGISTRIES, MACHINE_PATH) for match in rule.finditer(text)]

    assert found == []


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wishes = {
        "requirements.txt": project["project"]["dependencies"],
        "requirements-dev.txt": project["dependency-groups"]["dev"],
    }
    for lock, asked in wishes.items():
        text = (ROOT / lock).read_text("utf-8")
        locked = dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))
        hashed = re.findall(r"^[\w.-]+==\S+(?: ; .*)? \\\n    --hash=sha256:", text, re.MULTILINE)

        for name, _, version in (re.sub(r"\[.*?\]", "", wish).partition("==") for wish in asked):
            assert locked.get(name) in ({version} if version else set(locked.values())), f"{lock}: {name}"
        assert len(hashed) == len(locked) > 0
