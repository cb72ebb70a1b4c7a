"""Readers of checkpoints that others trained: torch's two kinds of file, safetensors, and what stands beside them."""

import json
import pickle
import random
from pathlib import Path
from typing import Any

import torch
from fuzzing import Reader
from safetensors.torch import save_file
from spoiling import spoil_bytes, spoil_header, spoil_json, spoil_members
from torch import Tensor

from grokscope.models.foreign import read_foreign

NAMES = (
    b"cposix\nsystem\n", b"cbuiltins\nexec\n", b"cos\npopen\n", b"ctorch.serialization\nload\n",
    b"cbuiltins\nbytearray\n", b"ctorch._utils\n_rebuild_sparse_tensor\n",
    b"ctorch._utils\n_rebuild_meta_tensor_no_storage\n",
    b"c_codecs\nencode\n", b"ctorch\nload\n", b"csubprocess\nPopen\n",
)  # fmt: skip
OPCODES = b"()tl]}dsuaebRcX\x85\x86\x87\x94hjqrQ0.N\x88\x89KMJGI"


def state(seed: int = 0, p: int = 5) -> dict[str, Tensor]:
    """Return random weights of the smallest one-layer transformer, with the names of Nanda et al. 2023."""
    g = torch.Generator().manual_seed(seed)

    def rand(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g)

    return {
        "embed.W_E": rand(8, p + 1),
        "pos_embed.W_pos": rand(3, 8),
        **{f"blocks.0.attn.W_{part}": rand(2, 4, 8) for part in "KQV"},
        "blocks.0.attn.W_O": rand(8, 8),
        "blocks.0.attn.mask": torch.tril(torch.ones(3, 3)),
        "blocks.0.mlp.W_in": rand(12, 8),
        "blocks.0.mlp.b_in": rand(12),
        "blocks.0.mlp.W_out": rand(8, 12),
        "blocks.0.mlp.b_out": rand(8),
        "unembed.W_U": rand(8, p + 1),
    }


def _content() -> dict[str, Any]:
    return {
        "state_dicts": [state(0), state(1)],
        "epochs": [0, 100],
        "config": {"p": 5, "lr": 1e-3, "num_epochs": 101, "fn_name": "add", "betas": (0.9, 0.98)},
        "train_losses": [1.0 / (i + 1) for i in range(101)],
        "test_losses": [2.0] * 101,
        "train_indices": torch.arange(7),
    }


def _write_torch(place: Path) -> None:
    torch.save(_content(), place / "model.pt")


def _write_old(place: Path) -> None:
    torch.save(_content(), place / "model.pt", _use_new_zipfile_serialization=False)


def _write_safetensors(place: Path) -> None:
    save_file(state(), place / "model.safetensors", {"step": "100"})
    (place / "config.json").write_text(json.dumps({"p": 5, "lr": 0.001, "frac_train": 0.3}))
    history = [{"epoch": e, "train_loss": 1.0, "test_acc": 0.5} for e in (0, 50, 100)]
    (place / "model.result.json").write_text(
        json.dumps({"config": {"seed": 1}, "history": history})
    )
    (place / "metrics.csv").write_text("epoch,train_loss,test_loss\n0,1.0,2.0\n100,0.5,nan\n")
    (place / "summary_metrics.json").write_text(json.dumps({"train_loss": 0.5, "test_loss": 1}))


def _spoil_program(data: bytes, rng: random.Random) -> bytes:
    """Return a pickle with other instructions: names exchanged, put in with a call, single ones exchanged."""
    way = rng.randrange(4)
    if way == 0:
        at = data.find(b"ctorch._utils\n")
        end = data.find(b"\n", data.find(b"\n", at) + 1) + 1
        return data[:at] + rng.choice(NAMES) + data[end:]
    if way == 1:
        at = rng.randrange(2, len(data))
        return data[:at] + rng.choice(NAMES) + b"(X\x05\x00\x00\x00helloK\x05tR" + data[at:]
    if way == 2:
        made = bytearray(data)
        for _ in range(rng.choice((1, 2, 5))):
            made[rng.randrange(2, len(made))] = rng.choice(OPCODES)
        return bytes(made)
    return spoil_bytes(data, rng)


def _spoil_torch(place: Path, rng: random.Random) -> None:
    def spoil(name: str, content: bytes, rng: random.Random) -> bytes:
        return _spoil_program(content, rng) if name.endswith(".pkl") else spoil_bytes(content, rng)

    file = place / "model.pt"
    if rng.random() < 0.3:
        file.write_bytes(spoil_bytes(file.read_bytes(), rng))
    elif rng.random() < 0.5:
        torch.save(_nasty_content(rng), file)
    else:
        spoil_members(file, rng, spoil)


def _nasty_content(rng: random.Random) -> Any:
    """Return what torch.save would write for a program with odd settings and odd tensors."""
    made = _content()
    values = (
        10**400, -1, float("inf"), float("nan"), True, None, "²", "9" * 5000, "a\nb", [], {}, [None], [[1], [2, 3]],
        torch.tensor(1j), torch.zeros(0), torch.zeros(2, 2), torch.tensor(10**18), torch.zeros(3, dtype=torch.bool),
        torch.zeros(1).expand(10**9), {"a": {"b": 1}}, [torch.zeros(2)] * 3, set(), (1, 2),
    )  # fmt: skip
    for _ in range(rng.choice((1, 1, 2, 3))):
        way = rng.randrange(4)
        if way == 0:
            made[rng.choice(sorted(made))] = rng.choice(values)
        elif way == 1:
            made[rng.choice(("step", "epoch", "train_loss", "test_data", "model", "cfg"))] = (
                rng.choice(values)
            )
        elif way == 2 and isinstance(made.get("config"), dict):
            keys = (
                "p",
                "lr",
                "num_epochs",
                "betas",
                "group",
                "seed",
                "d_model",
                "n_heads",
                "funcs",
                "layers",
                "fn_name",
            )
            made["config"][rng.choice(keys)] = rng.choice(values)
        elif isinstance(made.get("state_dicts"), list) and made["state_dicts"]:
            weights = made["state_dicts"][-1]
            name = rng.choice(sorted(weights) if isinstance(weights, dict) and weights else [""])
            if isinstance(weights, dict) and name:
                weights[rng.choice((name, "blocks.99999.mlp.b_in", "blocks.٣.mlp.b_in"))] = (
                    rng.choice(
                        (
                            *values[-9:],
                            torch.full((8, 8), torch.nan),
                            torch.ones(12).double(),
                            torch.ones(12).half(),
                        )
                    )
                )
    return made


def _spoil_old(place: Path, rng: random.Random) -> None:
    file = place / "model.pt"
    data = file.read_bytes()
    way = rng.random()
    if way < 0.4:
        file.write_bytes(_spoil_program(data, rng))
    elif way < 0.6:
        torch.save(_nasty_content(rng), file, _use_new_zipfile_serialization=False)
    elif way < 0.7:
        file.write_bytes(pickle.dumps(_nasty_content(rng), protocol=rng.choice((2, 3, 4, 5))))
    else:
        file.write_bytes(spoil_bytes(data, rng))


def _spoil_safetensors(place: Path, rng: random.Random) -> None:
    name = rng.choice(("model.safetensors",) * 3 + tuple(sorted(p.name for p in place.iterdir())))
    data = (place / name).read_bytes()
    if name == "model.safetensors" and rng.random() < 0.6:
        made = spoil_header(data, rng)
    elif name.endswith(".json") and rng.random() < 0.6:
        made = spoil_json(json.loads(data), rng).encode("utf-8", "surrogatepass")
    elif name.endswith(".csv") and rng.random() < 0.6:
        cell = rng.choice(("inf", "nan", "1e400", "-1", "9" * 5000, '"', "", "\x00", "1e18", "²"))
        made = data.replace(rng.choice((b"100", b"0.5", b"epoch", b"nan", b"\n0")), cell.encode())
    else:
        made = spoil_bytes(data, rng)
    (place / name).write_bytes(made)


def _reader(name: str) -> Any:
    def read(place: Path) -> Any:
        series = read_foreign(place / name)
        for checkpoint in series.checkpoints:
            assert checkpoint.step is None or 0 <= checkpoint.step < 10**12
            assert all(bool(w.isfinite().all()) for w in checkpoint.weights.values())
        for steps, values in (*series.losses.values(), *series.accuracies.values()):
            assert len(steps) == len(values)
        return len(series.checkpoints), series.layout

    return read


FOREIGN = (
    Reader("foreign .pt", _write_torch, _spoil_torch, _reader("model.pt"), lambda right, found: ""),
    Reader("foreign .pt of old", _write_old, _spoil_old, _reader("model.pt"), lambda right, found: ""),
    Reader("foreign .safetensors", _write_safetensors, _spoil_safetensors, _reader("model.safetensors"),
           lambda right, found: ""),
)  # fmt: skip
