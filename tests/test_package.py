# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The package as a whole: its public names, what it imports, and in which direction."""

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
# No module is longer, so that each can be read at one sitting.
MAX_LINES = 500
# Each subpackage imports those below it, and no other on its own level.
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
OPTIONAL = ("matplotlib", "pandas", "dask", "distributed", "lsdb", "h5py", "pyarrow")


def python_files():
    return sorted(FOLDER.rglob("*.py"))


def subpackage(path):
    return path.relative_to(FOLDER).parts[0].removesuffix(".py")


def imported_subpackages(path):
    """The subpackages that a file imports from, each with whether it does so inside a function."""
    depth = len(path.relative_to(FOLDER).parts)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {node for function in ast.walk(tree)
              if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
              for node in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == depth:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            for name in names:
                yield name.split(".")[0], node in inside


def test_public_names():
    for name in rcasym.__all__:
        assert getattr(rcasym, name).__name__ == name
        assert name in dir(rcasym)


@pytest.mark.parametrize("name", [name for level in LEVELS for name in level])
def test_subpackage_exports_its_public_names(name):
    module = import_module(f"rcasym.{name}")
    exported = {key for key, value in vars(module).items()
                if key[0] != "_" and getattr(value, "__module__", "").startswith("rcasym")}
    assert exported <= set(getattr(module, "__all__", ()))


def test_every_public_name_at_the_top_is_public_in_its_subpackage():
    for name in rcasym.__all__:
        home = getattr(rcasym, name).__module__.split(".")[1]
        assert getattr(import_module(f"rcasym.{home}"), name) is getattr(rcasym, name)


def documented_objects():
    """The functions, classes and public methods of all subpackages, by name."""
    found = {}
    for name in [name for level in LEVELS for name in level]:
        module = import_module(f"rcasym.{name}")
        for public in getattr(module, "__all__", ()):
            value = found[f"{name}.{public}"] = getattr(module, public)
            if isinstance(value, type):
                found |= {f"{name}.{public}.{method}": getattr(value, method)
                          for method in vars(value) if method == "__call__" or method[0] != "_"}
    return {name: value for name, value in found.items() if callable(value)}


def test_every_public_name_has_an_example():
    without = {name for name, value in documented_objects().items()
               if not re.search(r"\n *Examples\n *-+\n(?s:.*)>>> ", value.__doc__ or "")}
    assert without == set()


@pytest.mark.parametrize("level", range(len(LEVELS)), ids=[", ".join(names) for names in LEVELS])
def test_imports_go_downwards(level):
    below = {name for names in LEVELS[level + 1:] for name in names}
    for path in python_files():
        if subpackage(path) in LEVELS[level]:
            for name, _ in imported_subpackages(path):
                assert name in below | {subpackage(path)}, f"{path} imports {name}"


def test_every_subpackage_has_a_level():
    assert ({subpackage(path) for path in python_files()} - {"__init__", "__main__"}
            == {name for names in LEVELS for name in names})


def test_only_plotting_is_imported_inside_functions():
    for path in python_files():
        for name, inside in imported_subpackages(path):
            if subpackage(path) not in ("plotting", "__init__", "__main__"):
                assert inside == (name == "plotting"), f"{path} imports {name}"


def test_plotting_imports_only_utils():
    for path in (FOLDER / "plotting").glob("*.py"):
        assert {name for name, _ in imported_subpackages(path)} <= {"utils", "exceptions"}


def test_matplotlib_is_imported_in_one_place():
    importers = {subpackage(path) for path in python_files()
                 if re.search(r"^\s*(import|from) matplotlib", path.read_text(encoding="utf-8"),
                              re.MULTILINE)}
    assert importers == {"plotting"}


def test_import_loads_no_optional_package():
    code = f"import sys, rcasym; print([m for m in {OPTIONAL!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_modules_stay_readable():
    for path in python_files():
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES, path


def test_code_map_names_every_subpackage():
    page = (ROOT / "docs" / "contributing.rst").read_text(encoding="utf-8")
    for names in LEVELS:
        for name in names:
            assert f"``{name}``" in page, f"{name} is missing from docs/contributing.rst"
