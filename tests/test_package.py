# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The package as a whole: what it imports, and in which direction."""

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import rcasym

FOLDER = Path(rcasym.__file__).parent
API = Path(__file__).parents[1] / "docs" / "api.rst"
HEAVY = ("matplotlib", "scipy.stats", "scipy.sparse", "pandas", "dask", "distributed", "lsdb",
         "h5py", "pyarrow", "numba")
# Each subpackage, and those below it that it may import.
LAYERS = {
    "exceptions": (),
    "utils": ("exceptions",),
    "plotting": ("utils", "exceptions"),
    "statistics": ("plotting", "utils", "exceptions"),
    "splines": ("statistics", "plotting", "utils", "exceptions"),
    "voxels": ("statistics", "plotting", "utils", "exceptions"),
    "catalog": ("splines", "voxels", "statistics", "plotting", "utils", "exceptions"),
    "ages": ("catalog", "splines", "voxels", "statistics", "plotting", "utils", "exceptions"),
    "maps": ("catalog", "splines", "voxels", "statistics", "plotting", "utils", "exceptions"),
    "command": ("ages", "maps", "catalog", "splines", "voxels", "statistics", "plotting", "utils",
                "exceptions"),
}


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def own_imports(path):
    """The package's modules that a file imports, and whether inside a function."""
    level = len(path.relative_to(FOLDER).parts)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {node for function in ast.walk(tree)
              if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
              for node in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == level and node.module:
            yield node.module, node in inside


def test_import_loads_nothing_heavy():
    code = (f"import sys, rcasym; print([m for m in {HEAVY!r} if m in sys.modules])")
    assert run_python(code).stdout.strip() == "[]"


def test_catalog_loads_no_plotting_and_no_scipy():
    code = ("import sys; from rcasym import RedClumpCatalog, QualityCuts;"
            f"print([m for m in {HEAVY!r} if m in sys.modules])")
    assert run_python(code).stdout.strip() == "[]"


def test_import_costs_no_more_than_astropy():
    code = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
    own, peer = (min(float(run_python(code.format(what)).stdout) for _ in range(3))
                 for what in ("rcasym", "astropy.coordinates, astropy.table"))
    assert own <= 1.3 * peer


def test_public_names():
    for name in rcasym.__all__:
        assert getattr(rcasym, name).__name__ == name
        assert name in dir(rcasym)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        rcasym.nothing  # noqa: B018


def documented():
    """The functions, classes and public methods that docs/api.rst documents, by name."""
    found = {}
    for name, options in re.findall(r"automodapi:: (\S+)((?:\n +:.*)*)",
                                    API.read_text(encoding="utf-8")):
        module = import_module(name)
        for public in set(module.__all__) - set(re.findall(r":skip: (\S+)", options)):
            value = found[f"{name}.{public}"] = getattr(module, public)
            if isinstance(value, type):
                found |= {f"{name}.{public}.{method}": getattr(value, method)
                          for method in vars(value) if method == "__call__" or method[0] != "_"}
    return {name: value for name, value in found.items() if callable(value)}


def test_every_public_name_has_an_example():
    names = documented()
    assert {f"rcasym.{name}" for name in rcasym.__all__} <= names.keys()
    without = {name for name, value in names.items()
               if not re.search(r"\n *Examples\n *-+\n(?s:.*)>>> ", value.__doc__ or "")}
    assert without == set()


def test_every_module_is_an_attribute():
    for path in FOLDER.glob("*.py"):
        if not path.stem.startswith("__"):
            assert getattr(rcasym, path.stem).__name__ == f"rcasym.{path.stem}"


def test_imports_follow_the_flow_of_a_star():
    layer = {name: k for k, names in enumerate(LAYERS) for name in names}
    for path in FOLDER.glob("*.py"):
        if path.stem.startswith("__"):
            continue
        assert path.stem in layer, f"{path.stem} has no layer in this test"
        for module, inside in own_imports(path):
            if module == "plotting":
                assert inside, f"{path.stem} must import plotting inside its plot method"
            else:
                assert not inside, f"{path.stem} imports {module} inside a function"
                assert layer[module] <= layer[path.stem], f"{path.stem} imports {module}"


def test_plotting_imports_from_earlier_layers():
    for path in (FOLDER / "plotting").glob("*.py"):
        for module, inside in own_imports(path):
            assert module not in ("plotting", "cli", "robustness"), f"{path} imports {module}"
            assert not inside, f"{path} imports {module} inside a function"


def test_matplotlib_is_imported_in_one_place():
    importers = {path.relative_to(FOLDER).parts[0] for path in FOLDER.rglob("*.py")
                 if "import matplotlib" in path.read_text(encoding="utf-8")
                 or "from matplotlib" in path.read_text(encoding="utf-8")}
    assert importers == {"plotting"}


def test_modules_stay_readable():
    for path in FOLDER.rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 640, path.name
