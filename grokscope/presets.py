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


def _chughtai() -> Preset:
    return Preset(
        "chughtai2023_mlp",
        "p = 113 addition, 30 % of the pairs, an MLP: two embeddings of width 256, 128 ReLU neurons, no biases, full "
        "batch, AdamW; exact initialisation and split for every seed. Over another group: group_mul with --group; "
        "their fractions are S5 .4, S6 .25, A5 .5, others .3",
        "Chughtai et al. 2023, arXiv 2302.03025, and its code",
        override(
            RunConfig(),
            layout="a b",
            shuffle="torch",
            architecture="mlp",
            d_model=256,
            d_mlp=128,
            warmup=0,
            loss_dtype="float32",
            steps=250_000,
            eval_every=100,
            checkpoint_every=5_000,
            checkpoint_log=100,
            preset="chughtai2023_mlp",
        ),
    )


def _s5() -> Preset:
    return Preset(
        "s5",
        "the product in S5, half of the table, the MLP of chughtai2023_mlp at five times its learning rate: memorises "
        "near step 100, groks between 2,400 and 4,700, two minutes on one core; other groups with --group (S4 needs .7 "
        "of its table, A5 .6)",
        "the setting of Chughtai et al. 2023, arXiv 2302.03025, made fast",
        override(
            _chughtai().config,
            task="group_mul",
            group="S5",
            frac_train=0.5,
            lr=5e-3,
            steps=6_000,
            eval_every=25,
            checkpoint_every=100,
            checkpoint_log=20,
            preset="s5",
        ),
    )


def _gromov() -> Preset:
    return Preset(
        "gromov2023",
        "p = 97 addition, half of the pairs, one-hot operands, 500 neurons x^2, no biases, squared error, plain "
        "gradient descent without weight decay",
        "Gromov 2023, arXiv 2301.02679, section 2; fraction and learning rate are this preset's own (for other moduli "
        "and widths the rate goes as p^3 times the width)",
        override(
            RunConfig(),
            p=97,
            layout="a b",
            frac_train=0.5,
            architecture="one_hot_mlp",
            d_mlp=500,
            act_fn="square",
            optimiser="sgd",
            lr=1e5,
            weight_decay=0.0,
            warmup=0,
            loss_function="mse",
            loss_dtype="float32",
            steps=30_000,
            eval_every=50,
            checkpoint_every=500,
            checkpoint_log=50,
            preset="gromov2023",
        ),
    )


def _zhong() -> tuple[Preset, ...]:
    shared = override(
        RunConfig(),
        p=59,
        layout="a b",
        frac_train=0.8,
        shuffle="torch",
        weight_decay=2.0,
        steps=20_000,
        checkpoint_every=200,
        checkpoint_log=50,
    )
    transformer = override(shared, attention_mask="none", initialisation="zhong2023")
    source = "Zhong et al. 2023, arXiv 2306.17844, and its code"
    setting = "p = 59 addition, 80 % of the pairs, tokens a b, one layer without mask, full batch, AdamW with decay 2"
    return (
        Preset(
            "zhong2023_pizza",
            f"{setting}; attention rate 0: attention reads both operands alike, as in their model A",
            source,
            override(transformer, attention_rate=0.0, preset="zhong2023_pizza"),
        ),
        Preset(
            "zhong2023_clock",
            f"{setting}; attention rate 1, as in their model B",
            source,
            override(transformer, attention_rate=1.0, preset="zhong2023_clock"),
        ),
        Preset(
            "zhong2023_linear",
            "the same task by their linear model alpha: one embedding, the sum, 256 ReLU neurons; for the others "
            "--architecture linear_beta, linear_gamma, linear_delta (with --d-model 128) or linear_x",
            source,
            override(
                shared,
                architecture="linear_alpha",
                d_model=256,
                d_mlp=256,
                beta2=0.999,
                warmup=0,
                preset="zhong2023_linear",
            ),
        ),
    )


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
        _chughtai(),
        _s5(),
        _gromov(),
        *_zhong(),
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
