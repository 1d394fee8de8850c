# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The package as a whole: public names, layers of imports, and what describes the repository."""

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import rcasym

FOLDER = Path(rcasym.__file__).parent
ROOT = Path(__file__).parents[1]
# No module is longer, so that each can be read in one sitting.
MAX_LINES = 500
# A subpackage imports only those on lower levels: plotting, for one, utils and exceptions alone.
LEVELS = (
    ("command",),
    ("ages", "maps"),
    ("catalog",),
    ("splines", "voxels"),
    ("statistics",),
    ("plotting",),
    ("utils",),
    ("exceptions",),
)
SUBPACKAGES = [name for level in LEVELS for name in level]
OPTIONAL = ("matplotlib", "pandas", "dask", "distributed", "lsdb", "h5py", "pyarrow")


def read(path):
    return path.read_text(encoding="utf-8")


def list_modules():
    return sorted(FOLDER.rglob("*.py"))


def get_subpackage(path):
    return path.relative_to(FOLDER).parts[0].removesuffix(".py")


def get_public_names(name):
    return set(getattr(import_module(f"rcasym.{name}"), "__all__", ()))


def find_imports(path):
    """Yield the subpackages that a module imports from, and whether it does so in a function."""
    depth = len(path.relative_to(FOLDER).parts)
    tree = ast.parse(read(path))
    in_functions = {node for function in ast.walk(tree)
                    if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
                    for node in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == depth:
            modules = [node.module] if node.module else [alias.name for alias in node.names]
            for module in modules:
                yield module.split(".")[0], node in in_functions


def list_public_objects():
    """Return the functions, classes and public methods of all subpackages, by name."""
    objects = {}
    for name in SUBPACKAGES:
        for public in get_public_names(name):
            value = objects[f"{name}.{public}"] = getattr(import_module(f"rcasym.{name}"), public)
            if isinstance(value, type):
                objects |= {f"{name}.{public}.{method}": getattr(value, method)
                            for method in vars(value) if method == "__call__" or method[0] != "_"}
    return {name: value for name, value in objects.items() if callable(value)}


def test_public_names():
    for name in rcasym.__all__:
        value = getattr(rcasym, name)
        home = value.__module__.split(".")[1]
        assert value.__name__ == name
        assert getattr(import_module(f"rcasym.{home}"), name) is value


@pytest.mark.parametrize("name", SUBPACKAGES)
def test_subpackage_exports_its_public_names(name):
    module = import_module(f"rcasym.{name}")
    exported = {key for key, value in vars(module).items()
                if key[0] != "_" and getattr(value, "__module__", "").startswith("rcasym")}
    assert exported <= get_public_names(name)


def test_every_public_name_has_an_example():
    without = {name for name, value in list_public_objects().items()
               if not re.search(r"\n *Examples\n *-+\n(?s:.*)>>> ", value.__doc__ or "")}
    assert without == set()


def test_reference_documents_every_public_name_once():
    blocks = re.findall(r"automodapi:: rcasym(?:\.(\w+))?\n((?:   :.*\n)*)",
                        read(ROOT / "docs" / "api.rst"))
    skipped = {name: set(re.findall(r":skip: (\w+)", options)) for name, options in blocks}
    assert len(skipped) == len(blocks)
    assert skipped == {"": set()} | {name: get_public_names(name) & set(rcasym.__all__)
                                     for name in SUBPACKAGES if get_public_names(name)}


@pytest.mark.parametrize("level", range(len(LEVELS)), ids=[", ".join(names) for names in LEVELS])
def test_imports_go_downwards(level):
    below = {name for names in LEVELS[level + 1:] for name in names}
    for path in list_modules():
        if get_subpackage(path) in LEVELS[level]:
            for name, _ in find_imports(path):
                assert name in below | {get_subpackage(path)}, f"{path} imports {name}"


def test_imports_are_relative():
    for path in list_modules():
        for node in ast.walk(ast.parse(read(path))):
            names = ([alias.name for alias in node.names] if isinstance(node, ast.Import) else
                     [node.module] if isinstance(node, ast.ImportFrom) and not node.level else [])
            assert not any(name.split(".")[0] == "rcasym" for name in names), path


def test_every_subpackage_has_a_level():
    assert ({get_subpackage(path) for path in list_modules()} - {"__init__", "__main__"}
            == set(SUBPACKAGES))


def test_only_plotting_is_imported_inside_functions():
    for path in list_modules():
        for name, in_function in find_imports(path):
            if get_subpackage(path) not in ("plotting", "__init__", "__main__"):
                assert in_function == (name == "plotting"), f"{path} imports {name}"


def test_only_plotting_imports_matplotlib():
    importers = {get_subpackage(path) for path in list_modules()
                 if re.search(r"^\s*(import|from) matplotlib", read(path), re.MULTILINE)}
    assert importers == {"plotting"}


def test_import_loads_no_optional_package():
    code = f"import sys, rcasym; print([m for m in {OPTIONAL!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_modules_stay_readable_and_have_a_line_for_the_code_map():
    for path in list_modules():
        assert len(read(path).splitlines()) <= MAX_LINES, path
        assert re.match(r"\S.*\.(\n|$)", ast.get_docstring(ast.parse(read(path))) or ""), path


def test_code_map_has_all_levels():
    content = re.search(r"code-map::\n\n((?:   .*\n)+)", read(ROOT / "docs" / "contributing.rst"))
    assert tuple(tuple(line.split()) for line in content[1].splitlines()) == LEVELS


def test_ruff_has_one_version():
    version = re.search(r"ruff==([\d.]+)", read(ROOT / "tox.ini"))[1]
    assert f"ruff-pre-commit\n    rev: v{version}\n" in read(ROOT / ".pre-commit-config.yaml")


def test_continuous_integration_runs_all_environments():
    tested = re.search(r"env_list = (.*)", read(ROOT / "tox.ini"))[1]
    called = re.findall(r"\benv: \[?(\w.*\w)", read(ROOT / ".github" / "workflows" / "ci.yml"))
    assert sorted(", ".join(called).split(", ")) == sorted([*tested.split(", "), "dev"])


def test_benchmarks_run(tmp_path):
    table = tmp_path / "times.csv"
    subprocess.run([sys.executable, "-m", "benchmarks", "voxels", "catalog", "coordinates", "files",
                    "--sizes", "2000", "--runs", "1", "--peers", "scipy", "--csv", table],
                   cwd=ROOT, check=True, capture_output=True)
    assert {line.split(",")[0] for line in read(table).splitlines()[1:]} == {
        "voxels", "catalog", "coordinates", "files"}
