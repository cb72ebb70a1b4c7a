"""The rules of the house that a reader cannot see in one file: who may import whom, and that nothing prints."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import grokscope

PACKAGE = Path(grokscope.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# Part -> the parts of grokscope that it may know. Data flows one way: DESIGN, "How data flows".
LOW = {"errors", "config", "validate", "files", "machine", "interrupts", "reading", "zip_directory"}
MAY_KNOW = {
    "errors": set(),
    "config": {"errors"},
    "validate": {"config", "errors"},
    "reading": {"errors"},
    "files": {"errors", "reading", "interrupts"},
    "zip_directory": {"errors"},
    "machine": set(),
    "interrupts": set(),
    "presets": {"config", "errors"},
    "harmonics": set(),
    "tasks": {"config", "errors", "harmonics"},
    "models": {"config", "errors", "files", "reading", "zip_directory"},
    "runs": LOW | {"tasks", "models", "harmonics", "presets", "__version__"},
    "training": LOW | {"tasks", "models", "runs", "presets"},
    "measures": LOW | {"tasks", "models", "runs", "harmonics"},
    # It drives whole runs, but not the command line.
    "bench": LOW
    | {"tasks", "models", "runs", "training", "sweeps", "measures", "analysis", "presets"},
    "checking": LOW
    | {"tasks", "models", "runs", "training", "analysis", "transitions", "pipeline"},
    "transitions": LOW | {"callable_package"},
    "figures": LOW | {"transitions", "harmonics", "callable_package"},
    "notebook": LOW
    | {"tasks", "runs", "measures", "transitions", "figures", "sweeps", "analysis", "pipeline"},
    "comparison": LOW
    | {"tasks", "runs", "sweeps", "analysis", "transitions", "figures", "pipeline"},
    # api: calling the package, `gs.report(ds, path)`, is the notebook's function.
    "report": LOW | {"transitions", "figures", "callable_package", "__version__", "api"},
}
LIBRARIES = {
    "harmonics": {"numpy", "torch", "jaxtyping"},
    "tasks": {"numpy", "torch", "jaxtyping", "sympy"},
    "models": {"numpy", "torch", "jaxtyping", "transformer_lens", "safetensors", "einops"},
    "transitions": {"numpy", "scipy", "xarray", "jaxtyping", "rich"},
    "figures": {
        "numpy",
        "scipy",
        "xarray",
        "jaxtyping",
        "plotly",
        "kaleido",
        "choreographer",
        "sklearn",
    },  # fmt: skip
}


def imports(path: Path) -> set[str]:
    """Return every dotted name that a file imports, wherever it stands in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_layers(path):
    """Else an arrow of the design points back: a low part knows a high one, or brings in its libraries."""
    part = part_of(path)
    names = imports(path)
    ours = {name.split(".")[1] for name in names if name.startswith("grokscope.")} - {part}
    if part in MAY_KNOW:
        assert ours <= MAY_KNOW[part], f"{part} may not know {sorted(ours - MAY_KNOW[part])}"
    theirs = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"grokscope"}
    if part in LIBRARIES:
        assert theirs <= LIBRARIES[part], f"{part} imports {sorted(theirs - LIBRARIES[part])}"
    if part != "models":
        assert "transformer_lens" not in theirs, "transformer_lens stands in models/ only"
    if part not in ("cli", "__main__"):
        assert "cli" not in ours


def test_the_house_is_found():
    """Else the tests above look at nothing."""
    assert {part_of(path) for path in FILES} >= set(MAY_KNOW)
    assert any("transformer_lens" in name for path in FILES for name in imports(path))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_nothing_prints_but_the_command_line(path):
    """Else a library call writes into somebody's output."""
    if part_of(path) == "cli":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("print", "input"), f"line {node.lineno}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_nothing_unsafe_is_unpickled(path):
    """Else opening a file runs what is in it: torch.load only with weights_only=True, and no pickle.load(s)."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
            if (owner, node.func.attr) == ("torch", "load"):
                flags = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
                assert flags.get("weights_only") is True, f"line {node.lineno}"
            assert (owner, node.func.attr) not in {("pickle", "load"), ("pickle", "loads")}


@pytest.mark.parametrize(
    "module",
    ["grokscope", "grokscope.config", "grokscope.presets", "grokscope.errors", "grokscope.files"],
)
def test_light_modules_stay_light(module):
    """Else `grokscope --help` takes seconds: torch and transformer_lens are loaded on first use."""
    code = f"import {module}, sys; print([m for m in ('torch', 'transformer_lens') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("module", ["grokscope.transitions", "grokscope.figures"])
def test_figures_and_transitions_need_the_dataset_only(module):
    """Else a figure of a file on a laptop needs torch: it reads the Dataset, and nothing else."""
    code = f"import {module}, sys; print([m for m in ('torch', 'transformer_lens') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_test_files_have_names_of_their_own():
    """Else pytest, without packages of tests, refuses the second file of a name or imports the wrong helper."""
    names = [
        path.name for path in Path(__file__).parent.rglob("*.py") if path.name != "conftest.py"
    ]
    assert len(names) == len(set(names)), sorted(n for n in set(names) if names.count(n) > 1)
