"""What stands in for the files that the documentation's samples name: small runs, small sweeps, small models."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import torch

sys.path += [str(Path(__file__).parents[1] / part) for part in ("models", "figures")]

import sweep_synthetic  # noqa: E402
from foreign_files import adding_square, pizza_settings, pizza_state, table_mlp  # noqa: E402

import grokscope as gs  # noqa: E402
from grokscope.analysis import write_dataset  # noqa: E402
from grokscope.cli import main  # noqa: E402
from grokscope.runs.run import Run  # noqa: E402
from grokscope.tasks.groups import make_group  # noqa: E402

SMALL = {
    "p": 23, "frac_train": 0.6, "weight_decay": 2.0, "d_model": 32, "n_heads": 2, "d_head": 16,
    "d_mlp": 64, "lr": 3e-3, "steps": 1600, "eval_every": 10, "checkpoint_every": 100,
}  # fmt: skip
"""Groks near step 1,000; its circuit is formed by 1,300. Four seconds."""
GROUP = {
    "preset": "s5", "group": "S3", "frac_train": 0.8, "d_model": 16, "d_mlp": 24, "steps": 300,
    "checkpoint_every": 100,
}  # fmt: skip


def make_runs(folder: Path) -> dict[str, Path]:
    """Train the small runs that all pages share: one that groks, one over a group, one with far steps."""
    groks = gs.train("mod_add", out=folder / "groks", threads=1, **SMALL)
    assert main(["analyze", str(groks.path), "--quiet"]) == 0
    group = gs.train(out=folder / "group", threads=1, **GROUP)
    weights = {0: groks.weights(0), 3000: groks.weights(500), 9000: groks.weights(1400)}
    far = gs.run_from_weights(
        folder / "far", "mod_add", groks.config.model, weights, p=23, frac_train=0.6, split_seed=0
    )
    return {"groks": groks.path, "group": group.path, "far": far.path}


def provide(name: str, runs: dict[str, Path]) -> bool:
    """Put a stand-in for `name` into the current folder; False where nothing stands in for it."""
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    if name in FILES:
        FILES[name](path, runs)
    elif name.startswith("checkpoints/"):
        shutil.copytree(runs[KINDS.get(path.name, "groks")], path)
    else:
        return False
    return True


KINDS = {"nanda2023-seed0": "far", "s5": "group"}
"""Which small run stands in for which name under checkpoints/; the one that groks for all others."""


def _damaged(path: Path, runs: dict[str, Path]) -> None:
    shutil.copytree(runs["groks"], path)
    file = sorted((path / "checkpoints").iterdir())[1]
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def _sweep(fractions: tuple[float, ...], field: str) -> Callable[[Path, dict[str, Path]], None]:
    """Return a writer of a published sweep, which is its sweep.json and sweep.nc without the runs."""

    def write(path: Path, runs: dict[str, Path]) -> None:
        del runs
        path.mkdir(parents=True)
        settings = [{field: value} for value in fractions]
        ds = sweep_synthetic.sweep(
            settings, grok=lambda setting, seed: 300.0 / setting[field] ** 3 + 100 * seed
        )
        write_dataset(ds, path / "sweep.nc")
        record = {
            "schema": 1, "name": path.name, "specification": {"name": path.name}, "runs": [],
            "settings": [
                {"label": str(label), "case": None, "values": setting}
                for label, setting in zip(ds["run"].values, settings, strict=True)
            ],
        }  # fmt: skip
        (path / "sweep.json").write_text(json.dumps(record))

    return write


def nanda_layout(run: Run) -> dict[str, torch.Tensor]:
    """Return a run's last weights as Nanda et al. 2023 keep them: output axis first."""
    w = run.weights(run.steps[-1])
    block = "blocks.0."
    heads = {
        f"{block}attn.{name}": w[f"{block}attn.{name}"].transpose(1, 2)
        for name in ("W_K", "W_Q", "W_V")
    }
    return {
        "embed.W_E": w["embed.W_E"].T,
        "pos_embed.W_pos": w["pos_embed.W_pos"],
        **heads,
        f"{block}attn.W_O": w[f"{block}attn.W_O"].flatten(0, 1).T,
        f"{block}attn.mask": torch.tril(torch.ones(3, 3)),
        f"{block}mlp.W_in": w[f"{block}mlp.W_in"].T,
        f"{block}mlp.b_in": w[f"{block}mlp.b_in"],
        f"{block}mlp.W_out": w[f"{block}mlp.W_out"].T,
        f"{block}mlp.b_out": w[f"{block}mlp.b_out"],
        "unembed.W_U": w["unembed.W_U"],
    }


def _nanda(path: Path, runs: dict[str, Path]) -> None:
    torch.save(nanda_layout(gs.open_run(runs["groks"])), path)


def _pizza(path: Path, runs: dict[str, Path]) -> None:
    del runs
    torch.save(pizza_state(), path)
    beside = path.with_name(f"config_{path.stem.removeprefix('model_')}.json")
    beside.write_text(json.dumps(pizza_settings(7)))


def _rep_theory(path: Path, runs: dict[str, Path]) -> None:
    del runs
    path.mkdir()
    torch.save(table_mlp(torch.tensor(make_group("S3").table)), path / "model.pt")
    settings = {"group": "SymmetricGroup", "group_parameter": 3, "frac_train": 0.4, "seed": 3}
    (path / "cfg.json").write_text(json.dumps(settings | {"num_epochs": 1000}))


def _series(path: Path, runs: dict[str, Path]) -> None:
    del runs
    path.mkdir()
    for step in (0, 100, 200):
        state = {name: weight * (1 + step / 200) for name, weight in adding_square(7).items()}
        torch.save(state, path / f"checkpoint_{step}.pt")


def _sweep_file(path: Path, runs: dict[str, Path]) -> None:
    del runs
    small = "p = 7\nd_model = 8\nn_heads = 2\nd_head = 4\nd_mlp = 12\nsteps = 12\n"
    path.write_text(f'task = "mod_add"\nseeds = [0, 1]\n[set]\n{small}')


FILES: dict[str, Callable[[Path, dict[str, Path]], None]] = {
    "checkpoints/add59-copy": _damaged,
    "checkpoints/power2022-2-left": _sweep((0.3, 0.5), "frac_train"),
    "checkpoints/power2022-1-centre": _sweep((0.25, 0.3, 0.4, 0.5), "frac_train"),
    "mine.toml": _sweep_file,
    "model.pth": _nanda,
    "theirs.pth": _nanda,
    "model_l8k1hzciux.pt": _pizza,
    "model_p99zdpze5l.pt": _pizza,
    "S5_MLP_seed1/": _rep_theory,
    "series/": _series,
}
