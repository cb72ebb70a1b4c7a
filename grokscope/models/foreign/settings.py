"""What the settings of a foreign file say of its task, its training and its sizes, in our words."""

import re
from collections.abc import Mapping
from typing import Any, TypeGuard

from grokscope.errors import UnsoundError

KEYS = {
    "fn_name": "fn_name",
    "fn": "fn_name",
    "operation": "fn_name",
    "task": "fn_name",
    "p": "p",
    "C": "p",
    "frac_train": "frac_train",
    "frac": "frac_train",
    "seed": "seed",
    "num_epochs": "num_epochs",
    "epoch": "num_epochs",
    "lr": "lr",
    "weight_decay": "weight_decay",
    "betas": "betas",
}
"""Settings of task and training that are passed on, and their names here."""
GROUPS = {
    "CyclicGroup": "C",
    "DihedralGroup": "D",
    "SymmetricGroup": "S",
    "AlternatingGroup": "A",
}
MAX_NUMBER = 2**63
SIZES = {
    "transformer": {
        "d_model": "d_model",
        "n_heads": "n_heads",
        "num_heads": "n_heads",
        "n_layers": "n_layers",
        "num_layers": "n_layers",
        "d_head": "d_head",
        "d_mlp": "d_mlp",
        "d_vocab": "d_vocab",
        "n_ctx": "n_ctx",
    },
    "mlp": {"embed_dim": "d_model", "hidden_dim": "d_mlp"},
    "linear": {"d_hidden": "d_mlp", "n_vocab": "d_vocab"},
    "shared_one_hot_mlp": {"hidden_dim": "d_mlp", "d_hidden": "d_mlp", "d_mlp": "d_mlp"},
}
"""Per architecture, settings that are sizes of the model -> fields of ModelConfig."""


def training_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the settings say of task and training; plain values only.

    `group` is a group of ours ("S5"), `own_tokens` whether the second operand's values are tokens of
    their own, `shuffle` how the split is drawn where the program that
    writes such settings draws it so.
    """
    found: dict[str, Any] = {}
    for key, ours in KEYS.items():
        value = settings.get(key)
        if (isinstance(value, str) or is_number(value)) or (
            isinstance(value, list | tuple) and all(map(is_number, value))
        ):
            found.setdefault(ours, value)
    family, n = GROUPS.get(str(settings.get("group"))), settings.get("group_parameter")
    if family is not None and _is_whole(n):
        found |= {"group": f"{family}{n}", "shuffle": "torch"}
    if settings.get("diff_vocab"):
        found["own_tokens"] = True
    if "fn_name" not in found and isinstance(settings.get("funcs"), str):
        found |= _formula(settings["funcs"])
    if "model_type" in settings:  # the program of the linear models knows addition only
        found.setdefault("fn_name", "add")
    return found


def _formula(said: str) -> dict[str, Any]:
    """Return the operation of a formula such as "lambda x: (x[0]+x[1])%59"; it is read, never run."""
    pattern = r"lambdax:\(x\[0\]([-+*])x\[1\]\)%(\d{1,6})"
    found = re.fullmatch(pattern, re.sub(r"\s", "", said))
    if found is None:
        return {}
    names = {"+": "add", "-": "subtract", "*": "multiply"}
    return {"fn_name": names[found[1]], "p": int(found[2])}


def check_sizes(settings: Mapping[str, Any], model: Mapping[str, Any], where: str) -> None:
    """Raise UnsoundError, naming both sides, where settings and shapes give a size two values."""
    architecture = str(model.get("architecture", "transformer"))
    kind = "linear" if architecture.startswith("linear") else architecture
    for theirs, ours in SIZES.get(kind, {}).items():
        said, found = settings.get(theirs), model.get(ours)
        if _is_whole(said) and found is not None and said != found:
            raise UnsoundError(
                f"the settings of '{where}' say {theirs} = {said}, its weights have {ours} = {found}",
                "settings of this file",
            )


def is_number(value: Any) -> TypeGuard[int | float]:
    """Return whether a value of a stranger's is a number that float and int64 can hold."""
    return isinstance(value, int | float) and -MAX_NUMBER < value < MAX_NUMBER


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
