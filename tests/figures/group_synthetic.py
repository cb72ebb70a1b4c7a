"""A Dataset of a run on S5, made of a cyclic one: what lies along frequencies there lies along representations."""

import numpy as np
import xarray as xr

IRREPS = ["trivial", "sign", "standard", "standard_sign", "s5_5d_a", "s5_5d_b", "s5_6d"]
DEGREES = [1, 1, 4, 4, 5, 5, 6]
KEYS = ["standard", "sign"]
#: Final shares of the logits; those of the embeddings are 1.5 times as large.
LOGITS = np.array([0.0, 0.2, 0.5, 0.002, 0.001, 0.003, 0.0])
EXCLUDED = np.array([1e-6, 0.04, 6.0, 2e-6, 2e-6, 1e-6, 1e-6])


def group_dataset(cyclic: xr.Dataset) -> xr.Dataset:
    """Give the run of `cyclic` the group S5, the key representations above and their neurons."""
    along = [name for name, array in cyclic.data_vars.items() if {"freq", "irrep"} & {*array.dims}]
    others = ["key_frequency", "example_neuron", "neuron_activation", "circle_symmetricity"]
    others += ["gradient_symmetricity", "distance_irrelevance", "circularity", "neuron_frequency"]
    ds = cyclic.drop_vars([*along, *others, "freq", "irrep", "rule", "key"], errors="ignore")
    rules = ["neuron", "embedding", "logit", "similarity"]
    ds = ds.assign_coords(irrep=IRREPS, rule=rules)
    step = ds["step"].values
    # Learned at different times: sign at 4000, standard at 8000, each in one step of the grid.
    began = np.where(np.array(IRREPS) == "sign", 4000, 8000)[:, None]
    seen = (step[None] >= began).astype(float)

    def put(name: str, dims: tuple[str, ...], values: np.ndarray, units: str = "1") -> None:
        attrs = {"long_name": name.replace("_", " "), "units": units}
        ds[name] = (dims, values, attrs | {"formula": f"formula of {name}", "source": "planted"})

    put("logit_trig_share", ("irrep", "step"), LOGITS[:, None] * seen)
    put("logit_trig_share_key", ("step",), LOGITS[1:3] @ seen[1:3])
    put("embedding_share", ("irrep", "step"), 1.5 * LOGITS[:, None] * seen)
    put("embedding_share_second", ("irrep", "step"), 1.4 * LOGITS[:, None] * seen)
    put("unembedding_share", ("irrep", "step"), 1.1 * LOGITS[:, None] * seen)
    put("neuron_share", ("irrep", "step"), 1.3 * LOGITS[:, None] * seen)
    put("embedding_spectrum", ("irrep", "step"), 10 * LOGITS[:, None] * seen, "")
    excluded = np.where(seen > 0, EXCLUDED[:, None], 1e-6)
    put("excluded_loss_each", ("irrep", "step"), excluded, "nats")
    put("neurons_per_irrep", ("irrep", "step"), np.outer([0, 2, 40, 0, 3, 0, 0], 1 + 0 * step))
    put("key_irrep", ("key",), np.array(KEYS), "name")
    picked = np.zeros((4, 7), dtype=int)
    picked[:, 2], picked[1:, 1], picked[3, 1:] = 1, 1, 1
    put("key_irrep_by_rule", ("rule", "irrep"), picked)
    ds.attrs |= {"run": "planted S5", "task": "group_mul", "task_formula": "a . b in S5"}
    ds.attrs |= {"group": "S5", "n_irrep": 7, "key_rule": "majority"}
    return ds
