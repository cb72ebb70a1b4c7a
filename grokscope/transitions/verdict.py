"""The verdict: what became of a run, in one word and one sentence, with its evidence."""

from typing import TYPE_CHECKING, Any

import numpy as np

from grokscope.transitions.algorithm import identify

if TYPE_CHECKING:
    import xarray

    from grokscope.transitions.transition import Transitions

MEMORISED = 0.99
GENERALISED = 0.95


def judge(ds: "xarray.Dataset", located: "Transitions") -> dict[str, Any]:
    """Return {"label", "sentence", "evidence", "algorithm"}: the state at the last step and the delay before it.

    Labels: diverged; grokked (test accuracy .99 reached after memorising, still .95 at the end);
    generalised (reached, but not after memorising, or there is one checkpoint only); collapsed
    (reached, below .95 at the end); forming (memorised, with a circuit by the held-out restricted
    loss, test accuracy not there yet); memorised; learning (none of these); unknown (no accuracy
    was measured). "algorithm" is what `identify` says of the last step.
    """
    evidence = _evidence(ds)
    label, sentence = _label(ds, located, evidence)
    return {"label": label, "sentence": sentence, "evidence": evidence,
            "algorithm": identify(ds).to_json()}  # fmt: skip


def _seen(located: "Transitions", name: str) -> bool:
    return not located[name].censored


def _label(
    ds: "xarray.Dataset", located: "Transitions", evidence: dict[str, Any]
) -> tuple[str, str]:
    train, test = evidence.get("accuracy_train"), evidence.get("accuracy_test")
    anywhere = evidence.get("accuracy_all")
    if _seen(located, "diverged"):
        return "diverged", f"The run diverged at step {located['diverged'].high}."
    if _seen(located, "grokked_99") and test is not None:
        if test < GENERALISED:
            return "collapsed", f"Test accuracy reached .99 and is {test:.3f} at the end."
        if _seen(located, "memorised"):
            return _delay(located)
        return (
            "generalised",
            "Test accuracy reached .99; training accuracy was not seen to come first.",
        )
    if train is None and anywhere is None:
        return "unknown", "No accuracy was measured."
    if train is None:
        assert anywhere is not None
        if anywhere >= GENERALISED:
            return "generalised", (
                f"It answers {anywhere:.2%} of all inputs; which rows it was trained on is not known."
            )
        return "unknown", f"It answers {anywhere:.2%} of all inputs; the split is not known."
    if test is not None and test >= GENERALISED:
        return (
            "generalised",
            f"Test accuracy is {test:.4f} at the end; when it came is not on record.",
        )
    if train >= MEMORISED:
        if _seen(located, "circuit_onset"):
            return "forming", (
                f"It memorised, and a circuit has begun to form at step {located['circuit_onset'].high}; "
                f"test accuracy is {_number(test)}."
            )
        return (
            "memorised",
            f"It memorised and did not generalise: test accuracy is {_number(test)}.",
        )
    return "learning", f"Training accuracy is {train:.3f} at the end: it has not memorised."


def _delay(located: "Transitions") -> tuple[str, str]:
    memorised, grokked = located["memorised"], located["grokked_99"]
    if grokked.low is None or memorised.high is None or grokked.low < memorised.high:
        return "generalised", "Training and test accuracy reached .99 together: there was no delay."
    ratio = grokked.high / memorised.high if memorised.high and grokked.high else float("nan")
    return "grokked", (
        f"It memorised by step {memorised.high} and grokked by step {grokked.high}, {ratio:.1f} times later."
    )


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3f}"


def _evidence(ds: "xarray.Dataset") -> dict[str, Any]:
    found: dict[str, Any] = {"step": int(ds["step"].values[-1])}
    for kind in ("accuracy", "loss"):
        for rows in ("train", "test", "test_twin_free", "all"):
            found[f"{kind}_{rows}"] = _last(ds, kind, rows=rows)
    found["chance_loss"] = _finite(ds.attrs.get("chance_loss"))
    for name in (
        "restricted_loss_held_out",
        "excluded_loss",
        "logit_trig_share_key",
        "neurons_explained",
    ):
        found[name] = _last(ds, name)
    if "restricted_loss_null" in ds:
        found["restricted_loss_null_lowest"] = _finite(ds["restricted_loss_null"].values[-1].min())
    if "ablation_accuracy" in ds and "key frequencies at logits" in ds["component"].values:
        at: dict[Any, Any] = dict(component="key frequencies at logits", mode="zero", rows="all")
        without = ds["ablation_accuracy"].sel(at)
        found["accuracy_without_key"] = _finite(float(without))
        null = ds["ablation_null_accuracy"].sel(at).values
        found["accuracy_without_random_lowest"] = (
            _finite(np.nanmin(null)) if np.isfinite(null).any() else None
        )
    return {name: value for name, value in found.items() if value is not None}


def _last(ds: "xarray.Dataset", name: str, **at: str) -> float | None:
    if name not in ds or "step" not in ds[name].dims:
        return None
    return _finite(ds[name].sel(dict(at)).isel(step=-1).values)


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None
