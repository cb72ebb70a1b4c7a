"""Named configurations: the published settings, and the demo."""

from dataclasses import dataclass

from grokscope.config import RunConfig, override
from grokscope.errors import RequestError, nearest


@dataclass(frozen=True)
class Preset:
    """A named configuration with its source."""

    name: str
    summary: str
    source: str
    config: RunConfig


def _presets() -> tuple[Preset, ...]:
    base = RunConfig()
    return (
        Preset(
            "nanda2023",
            "p = 113 addition, 30 % of the pairs, one layer, no LayerNorm, full batch, AdamW; exact "
            "initialisation and split for every seed",
            "Nanda et al. 2023, arXiv 2301.05217",
            override(base, steps=14_000, checkpoint_every=100, preset="nanda2023"),
        ),
        Preset(
            "power2022",
            "division modulo 97, 50 % of the table, a op b =, two layers with post-LayerNorm, fixed positions, "
            "no biases in linear maps, batches of 512, AdamW; 394,240 weights besides (un)embedding",
            "Power et al. 2022, arXiv 2201.02177, appendix A.1; batch min(512, n_train / 2) is 512 from 1,024 "
            "training rows on",
            override(
                base,
                task="mod_div",
                p=97,
                layout="a op b =",
                frac_train=0.5,
                n_layers=2,
                normalization="post",
                positional="sinusoidal",
                bias_mlp=False,
                initialisation="kaiming_uniform",
                batch_size=512,
                loss_dtype="float32",
                steps=100_000,
                eval_every=100,
                checkpoint_every=2_000,
                checkpoint_log=100,
                preset="power2022",
            ),
        ),
        Preset(
            "demo",
            "p = 59 addition, 40 % of the pairs, weight decay 2: memorises near step 110, groks near "
            "1,280, a minute on two cores",
            "the setting of nanda2023, made small",
            override(
                base,
                p=59,
                frac_train=0.4,
                weight_decay=2.0,
                steps=3_000,
                checkpoint_every=50,
                checkpoint_log=20,
                preset="demo",
            ),
        ),
    )


PRESETS: dict[str, Preset] = {preset.name: preset for preset in _presets()}


def get_preset(name: str) -> Preset:
    """Return the preset `name`; an unknown name raises RequestError with the nearest one."""
    if name not in PRESETS:
        raise RequestError(f"unknown preset '{name}'", ", ".join(PRESETS), nearest(name, PRESETS))
    return PRESETS[name]
