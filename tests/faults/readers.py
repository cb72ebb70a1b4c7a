"""Every reader of bytes that a stranger may have made, with sound files to begin from; `READERS`."""

import dataclasses
import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from foreign_readers import FOREIGN
from fuzzing import Reader
from spoiling import spoil_bytes, spoil_header, spoil_json, spoil_lines, spoil_members

import grokscope as gs
from grokscope.analysis.cache_file import Kept, read_kept, write_kept
from grokscope.analysis.netcdf import SEAL_BYTES, _digest, read_dataset, write_dataset
from grokscope.analysis.stamp import is_stamped, write_stamp
from grokscope.config import RunConfig, config_hash, from_dict, override
from grokscope.files import write_json
from grokscope.models.initialise import initialise
from grokscope.reading import read_json_bounded
from grokscope.runs.checkpoints import checkpoint_path, read_tensors, write_tensors
from grokscope.runs.densified import Densified, read_densified, write_densified
from grokscope.runs.metrics import read_metrics, write_metrics
from grokscope.runs.run import INFO_HASH, create_run, open_run
from grokscope.runs.seal import object_digest
from grokscope.runs.train_rows import read_train_rows, rows_hash, write_train_rows
from grokscope.sweeps.record import read_records, read_sweep
from grokscope.sweeps.specification import read_specification
from grokscope.transitions.transition import Transition, Transitions

SIZE = dict(p=5, d_model=8, n_heads=2, d_head=4, d_mlp=12, steps=20, frac_train=0.6)
HASH = "0" * 16
ROWS = np.arange(25) % 3 == 0


def same(right: Any, found: Any) -> str:
    """Say where what was read is not what was written: for files that carry a digest of all of it."""
    return "" if found == right else f"{str(found)[:200]} is not what was written"


def anything(right: Any, found: Any) -> str:
    """Take any result: the reader itself, and what `read` makes of it, have judged it."""
    return ""


def either(first: Any, second: Any, share: float = 0.5) -> Any:
    """Spoil in one way or in the other."""
    return lambda place, rng: (first if rng.random() < share else second)(place, rng)


def of_bytes(name: str) -> Any:
    """Spoil the bytes of a file."""

    def spoil(place: Path, rng: random.Random) -> None:
        (place / name).write_bytes(spoil_bytes((place / name).read_bytes(), rng))

    return spoil


def of_json(name: str) -> Any:
    """Spoil the parts of a JSON file."""

    def spoil(place: Path, rng: random.Random) -> None:
        value = json.loads((place / name).read_text())
        (place / name).write_bytes(spoil_json(value, rng).encode("utf-8", "surrogatepass"))

    return spoil


def of_header(name: str) -> Any:
    """Spoil the header of a safetensors file."""

    def spoil(place: Path, rng: random.Random) -> None:
        (place / name).write_bytes(spoil_header((place / name).read_bytes(), rng))

    return spoil


# A run

CONFIG = override(RunConfig(), **SIZE, d_vocab=6, d_vocab_out=6)


def _write_run(place: Path) -> None:
    run = create_run(place / "run", CONFIG)
    for step in (0, 10):
        shape = dataclasses.replace(CONFIG.model, init_seed=step)
        write_tensors(
            checkpoint_path(run.checkpoints, step), initialise(shape), step, CONFIG.hash()
        )
    write_metrics(run.path / "metrics.jsonl", _lines())


def _lines() -> list[dict[str, Any]]:
    return [
        {"step": s, "loss_train": 1.5 / (s + 1), "accuracy_train": None, "loss_test": 2.0}
        for s in range(0, 20, 5)
    ]


def _write_checkpoint(place: Path) -> None:
    write_tensors(place / "a.safetensors", initialise(CONFIG.model), 10, HASH)


def _read_checkpoint(place: Path) -> Any:
    tensors, header = read_tensors(place / "a.safetensors", HASH)
    return {k: (str(t.dtype), t.tolist()) for k, t in tensors.items()}, header


def _sealed_config(place: Path, rng: random.Random) -> None:
    """Spoil a configuration and write the hashes of what it is now, as a stranger would."""
    file = place / "run" / "config.json"
    info = json.loads(file.read_text())
    try:
        part = json.loads(spoil_json(info if rng.random() < 0.3 else info["config"], rng))
        info = part if "config_hash" in part else info | {"config": part}
        info["config_hash"] = config_hash(info["config"])
        info[INFO_HASH] = object_digest({k: v for k, v in info.items() if k != INFO_HASH})
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError):
        pass  # it has no hash, then
    text = json.dumps(info)
    file.write_bytes(text.encode("utf-8", "surrogatepass"))


def _read_config(place: Path) -> Any:
    run = open_run(place / "run")
    schedule = run.config.schedule
    assert from_dict(run.config.to_dict()) == run.config
    return run.config.to_dict(), len(schedule.checkpoints()), len(schedule.keyframes())


def _summed_metrics(place: Path, rng: random.Random) -> None:
    lines = json.loads(spoil_json(_lines(), rng).replace("[[", "[").replace("]]", "]") or "[]")
    lines = [line for line in lines if isinstance(line, dict)] if isinstance(lines, list) else []
    write_metrics(place / "metrics.jsonl", lines)


def _spoil_metrics(place: Path, rng: random.Random) -> None:
    try:
        _summed_metrics(place, rng)
    except (ValueError, RecursionError, UnicodeEncodeError):
        of_bytes("metrics.jsonl")(place, rng)


def _write_densified(place: Path) -> None:
    write_densified(
        place, [Densified(10, 20, 2, 0, 20, (12, 14, 16)), Densified(2, 4, 1, 0, 10, (3,))]
    )


def _sealed_densified(place: Path, rng: random.Random) -> None:
    added = json.loads((place / "densified.json").read_text())["added"]
    try:
        added = json.loads(spoil_json(added, rng))
        write_json(
            place / "densified.json", {"added": added, "digest": object_digest({"added": added})}
        )
    except (ValueError, RecursionError, TypeError):
        of_bytes("densified.json")(place, rng)


# What an analysis writes


def _dataset() -> xr.Dataset:
    steps = np.arange(0, 50, 10)
    return xr.Dataset(
        {
            "loss": (("rows", "step"), np.linspace(0, 1, 10).reshape(2, 5), {"units": "nat"}),
            "large": (("step", "freq"), np.random.default_rng(0).normal(size=(5, 1000))),
            "flag": (("step",), steps > 20),
            "label": (("rows",), np.array(["a", "é"], dtype=object)),
        },
        coords={"step": steps, "rows": ["train", "test"]},
        attrs={"run": "x", "config": json.dumps({"p": 5}), "p": 5},
    )


def _resealed(place: Path, rng: random.Random) -> None:
    """Spoil the HDF5 file itself and write the digest of what it is now, as a stranger would."""
    file = place / "analysis.nc"
    file.write_bytes(spoil_bytes(file.read_bytes()[:-SEAL_BYTES], rng))
    said = _digest(file, file.stat().st_size)
    with file.open("ab") as end:
        end.write(f"\ngrokscope sha256 {said}\n".encode())


def _read_dataset(place: Path) -> Any:
    ds = read_dataset(place / "analysis.nc")
    assert ds.nbytes < 1 << 29
    return str(ds.attrs)


def _write_cache(place: Path) -> None:
    values = {"a": np.arange(6.0).reshape(2, 3), "b": np.array(3)}
    write_kept(place / "a.safetensors", {"m": Kept("key", ("x",), values), "n": Kept("k", (), {})})


def _read_cache(place: Path) -> Any:
    kept = read_kept(place / "a.safetensors")
    return {
        m: (k.key, k.reads, {n: a.tolist() for n, a in k.values.items()}) for m, k in kept.items()
    }


def _write_stamp(place: Path) -> None:
    _write_run(place)
    (place / "run" / "cache").mkdir()
    write_stamp(open_run(place / "run"), "inputs", ["metrics.jsonl"])


def _read_stamp(place: Path) -> Any:
    run = gs.runs.run.Run(place / "run", CONFIG, {})
    return is_stamped(run, "inputs", ["metrics.jsonl"])


def _read_transitions(place: Path) -> Any:
    found = Transitions.from_json(read_json_bounded(place / "transitions.json"))
    return found.to_json(), repr(found), found.summary(), found.phases(), found._repr_html_()


def _write_transitions(place: Path) -> None:
    events = [
        Transition("memorised", 100, 200, False, "Train accuracy is high.", "train"),
        Transition("grokked_99", None, 300, False, "Test accuracy is high.", "test", "a note"),
        Transition("cleanup", 400, None, True, "The norm falls.", "all"),
    ]
    write_json(place / "transitions.json", Transitions(events).to_json())


# Packs and sweeps


def _write_pack(place: Path) -> None:
    _write_run(place)
    gs.pack(place / "run", place / "run.zip")


def _spoil_pack(place: Path, rng: random.Random) -> None:
    def spoil(name: str, content: bytes, rng: random.Random) -> bytes:
        if name == "manifest.json":
            return spoil_json(json.loads(content), rng).encode("utf-8", "surrogatepass")
        return spoil_bytes(content, rng)

    spoil_members(place / "run.zip", rng, spoil)


def _read_pack(place: Path) -> Any:
    out = place / "out"
    try:
        run = gs.unpack(place / "run.zip", out / "run")
        files = {
            str(p.relative_to(run.path)): p.read_bytes() for p in run.path.rglob("*") if p.is_file()
        }
    finally:
        around = sorted(
            p.name for p in (*place.iterdir(), *(out.iterdir() if out.is_dir() else ()))
        )
        shutil.rmtree(out, ignore_errors=True)
        assert set(around) <= {"out", "run", "run.zip"}, around
    return files


SWEEP = """# a comment
name = "tiny"
task = "mod_add"
seeds = "0..3"
[set]
p = 5
d_model = 8
lr = 0.02
checkpoint_steps = [1, 2, 5]
[grid]
frac_train = [0.6, 0.8]
batch_size = [0, "power2022"]
[[case]]
name = "AdamW, to zero"
[[case]]
name = "fast"
optimiser = "sgd"
"""


def _spoil_sweep(place: Path, rng: random.Random) -> None:
    text = spoil_lines((place / "a.toml").read_text(), rng)
    (place / "a.toml").write_bytes(text.encode("utf-8", "surrogatepass"))


def _read_sweep_file(place: Path) -> Any:
    spec = read_specification(place / "a.toml")
    assert spec.n_runs > 0
    return spec.n_settings, spec.varied


def _write_record(place: Path) -> None:
    runs = [
        {"label": label, "seed": seed, "folder": f"runs/{label[-1]}-{seed}", "config_hash": HASH, "n_train": 9,
         "reason": None}
        for label in ("p 5", "p 7") for seed in (0, 1)
    ]  # fmt: skip
    settings = [{"label": f"p {p}", "case": None, "values": {"p": p}} for p in (5, 7)]
    write_json(
        place / "sweep.json",
        {"schema": 1, "name": "x", "specification": {"task": "mod_add"}, "settings": settings, "runs": runs},
    )  # fmt: skip


def _read_record(place: Path) -> Any:
    sweep = gs.open_sweep(place)
    assert all(run.folder.startswith("runs/") for run in read_records(place))
    return str(read_sweep(place)), sweep.fingerprint(), sweep.dataset().sizes


def _written(value: Any) -> Any:
    return lambda place: (place / "a.toml").write_text(value)


READERS = {
    r.name: r
    for r in (
        Reader("checkpoint", _write_checkpoint, either(of_bytes("a.safetensors"), of_header("a.safetensors")),
               _read_checkpoint, same),
        Reader("config.json", _write_run, either(of_bytes("run/config.json"), of_json("run/config.json")),
               _read_config, same),
        Reader("config.json, hashed anew", _write_run, _sealed_config, _read_config, anything),
        Reader("metrics.jsonl", lambda place: write_metrics(place / "metrics.jsonl", _lines()),
               either(of_bytes("metrics.jsonl"), _spoil_metrics),
               lambda place: read_metrics(place / "metrics.jsonl"), anything),
        Reader("densified.json", _write_densified, either(of_bytes("densified.json"), _sealed_densified),
               read_densified, anything),
        Reader("transitions.json", _write_transitions,
               either(of_bytes("transitions.json"), of_json("transitions.json")), _read_transitions, anything),
        Reader("split.json", lambda place: write_train_rows(place, ROWS),
               either(of_bytes("split.json"), of_json("split.json")),
               lambda place: read_train_rows(place, 25, rows_hash(ROWS)).tolist(), same),
        Reader("analysis.nc", lambda place: write_dataset(_dataset(), place / "analysis.nc"),
               either(of_bytes("analysis.nc"), _resealed, 0.7), _read_dataset, anything),
        Reader("cache", _write_cache, either(of_bytes("a.safetensors"), of_header("a.safetensors")), _read_cache,
               lambda right, found: same(right, found) if found else ""),
        Reader("stamp", _write_stamp, either(of_bytes("run/cache/outputs.json"), of_json("run/cache/outputs.json")),
               _read_stamp, anything),
        Reader("pack", _write_pack, either(of_bytes("run.zip"), _spoil_pack), _read_pack, same),
        Reader("sweep.toml", _written(SWEEP), either(of_bytes("a.toml"), _spoil_sweep, 0.3), _read_sweep_file,
               anything),
        Reader("sweep.json", _write_record, either(of_bytes("sweep.json"), of_json("sweep.json")), _read_record,
               anything),
        *FOREIGN,
    )
}  # fmt: skip
torch.set_num_threads(1)
