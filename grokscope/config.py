"""The configuration of a run: frozen dataclasses, one source for the command line, the file on disk and the notebook.

Field names are unique across the sections, so that `gs.train("mod_add", p=59, weight_decay=2.0)` and
`grokscope train mod_add --p 59 --weight-decay 2` need no section names.
"""

import bisect
import contextlib
import dataclasses
import hashlib
import json
import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from tyro.conf import Suppress

from grokscope.errors import RequestError, nearest

SCHEMA_VERSION = 2
"""1: until 0.1.0; 2: config.json, checkpoints, key frames and metrics carry digests of what they hold."""
MAX_LR = 1e30
KEYFRAMES = 20
"""Key frames of a run at most, where none were asked for."""
SET_BY_TASK = ("n_ctx", "d_vocab", "d_vocab_out")
"""Fields that follow from the task; nobody sets them."""

Architecture = Literal[
    "transformer",
    "mlp",
    "one_hot_mlp",
    "shared_one_hot_mlp",
    "linear_alpha",
    "linear_beta",
    "linear_gamma",
    "linear_delta",
    "linear_x",
]
Initialisation = Literal[
    "nanda2023",
    "zhong2023",
    "chughtai2023",
    "gromov2023",
    "zhong2023_linear",
    "normal",
    "xavier_uniform",
    "kaiming_uniform",
]


@dataclass(frozen=True)
class TaskConfig:
    """Which finite table is learned."""

    task: str = "mod_add"
    """Name of the task (see `grokscope tasks`)."""
    p: int = 113
    """Modulus, for tasks modulo p."""
    group: str = "S5"
    """Group, for tasks over a group: C<n>, D<n>, S3 to S6, A3 to A6, or a product such as C4xC2."""
    bits: int = 10
    """Number of bits, for parity: 2^bits rows."""
    relevant: int = 3
    """How many of the bits count, for parity."""
    layout: Literal["a b =", "a op b =", "a b", "a b'", "a b' ="] = "a b ="
    """Tokens of a row: a b = (Nanda et al. 2023); a op b = (Power et al. 2022); a b (Zhong et al. 2023); b': the second
    operand has tokens of its own, n more (variants of Zhong et al. 2023)."""


@dataclass(frozen=True)
class SplitConfig:
    """Which rows are trained on."""

    frac_train: float = 0.3
    """Share of the rows that train, int(frac * n) of them."""
    split_seed: int = 0
    """Seed of the split alone."""
    pairs: Literal["ordered", "unordered"] = "ordered"
    """ordered: each (a, b) is drawn by itself, as published; unordered: (a, b) and (b, a) fall on the same side."""
    shuffle: Literal["python", "torch", "listed"] = "python"
    """python: random.shuffle of the rows in order (Nanda et al. 2023); torch: randperm (Chughtai et al. 2023); listed:
    an imported run's own list of rows."""
    label_shuffle: bool = False
    """Control: permute the answers over all rows, so that there is nothing to generalise."""
    label_seed: int = 0
    """Seed of the permuted answers."""
    outliers: int = 0
    """This many training answers are replaced by wrong ones, those of other training rows (Power et al. 2022)."""
    outlier_seed: int = 0
    """Seed of the outliers alone."""


@dataclass(frozen=True)
class ModelConfig:
    """The shape of the model; names as in TransformerLens."""

    architecture: Architecture = "transformer"
    """transformer; or a feed-forward model of layout "a b" (docs/models.md): mlp (Chughtai et al. 2023), one_hot_mlp
    (Gromov 2023), shared_one_hot_mlp, linear_alpha to linear_x (Zhong et al. 2023). What a feed-forward model does not
    have (attention, positions, LayerNorm, other biases) must stay at its default."""
    n_layers: int = 1
    """Number of blocks; a feed-forward architecture has its own."""
    n_heads: int = 4
    """Attention heads per block."""
    d_model: int = 128
    """Width of the residual stream; in a feed-forward model of each operand's embedding."""
    d_head: int = 32
    """Width of a head."""
    d_mlp: int = 512
    """Neurons per block."""
    n_ctx: Annotated[int, Suppress] = 3
    """Positions; set by the task."""
    d_vocab: Annotated[int, Suppress] = 114
    """Tokens that can be read; set by the task."""
    d_vocab_out: Annotated[int, Suppress] = 114
    """Classes that can be answered; set by the task and `output_vocabulary`."""
    output_vocabulary: Literal["tokens", "answers"] = "tokens"
    """tokens: every token is also a class (as published for p = 113); answers: only the answers are classes."""
    act_fn: Literal["relu", "gelu", "silu", "tanh", "square", "identity"] = "relu"
    """Activation function of the neurons."""
    normalization: Literal["none", "pre", "post"] = "none"
    """LayerNorm before each part and at the end (pre), after each residual sum (post), or nowhere."""
    positional: Literal["learned", "sinusoidal", "none"] = "learned"
    """Position embedding."""
    attention_mask: Literal["causal", "none"] = "causal"
    """Which positions attention may look at."""
    attention_rate: float = 1.0
    """Attention is rate * softmax + (1 - rate) at every visible position (alpha of Zhong et al. 2023), 0 to 1."""
    attn_only: bool = False
    """Leave the neurons out."""
    bias_attn: bool = False
    """Biases b_Q, b_K, b_V, b_O."""
    bias_mlp: bool = True
    """Biases b_in, b_out."""
    bias_unembed: bool = False
    """Bias b_U."""
    initialisation: Initialisation = "nanda2023"
    """nanda2023: randn/sqrt(d_model), W_U randn/sqrt(d_vocab), exact in order (a feed-forward architecture has its own
    published one in its place); others: see models/initialise.py."""
    init_scale: float = 1.0
    """Factor on every initial weight (alpha of Omnigrok, Liu et al. 2022)."""
    init_seed: int = 0
    """Seed of the initialisation alone."""

    @property
    def has_attention(self) -> bool:
        """Whether it is a transformer, with heads, positions and a residual stream."""
        return self.architecture == "transformer"


@dataclass(frozen=True)
class OptimiserConfig:
    """How the weights move."""

    optimiser: Literal["adamw", "adam", "sgd", "muon"] = "adamw"
    """adamw: decoupled decay; adam: decay added to the gradient (coupled L2); sgd: with `momentum`; muon: Muon for
    hidden matrices, AdamW for the rest."""
    lr: float = 1e-3
    """Learning rate."""
    lr_scale: float = 1.0
    """Factor on every learning rate (Power et al. 2022 compare 0.3, 1 and 3)."""
    weight_decay: float = 1.0
    """Weight decay."""
    weight_decay_form: Literal["optimiser", "to_zero", "to_initialisation", "l2"] = "optimiser"
    """optimiser: its own, to_zero for adamw and muon, l2 for adam and sgd; to_zero: w -= lr wd w;
    to_initialisation: w -= lr wd (w - w0); l2: wd w is added to the gradient (coupled)."""
    beta1: float = 0.9
    """Adam: decay of the first moment."""
    beta2: float = 0.98
    """Adam: decay of the second moment."""
    eps: float = 1e-8
    """Adam: added to the root of the second moment."""
    momentum: float = 0.0
    """SGD: momentum."""
    muon_lr: float = 0.02
    """Muon: learning rate of the hidden matrices; the rest has `lr`."""
    muon_momentum: float = 0.95
    """Muon: Nesterov momentum."""
    muon_steps: int = 5
    """Muon: Newton-Schulz steps."""
    warmup: int = 10
    """Update t (from 0) has learning rate lr * min(t / warmup, 1): the first update of a warm-up does nothing."""
    batch_size: int = 0
    """Rows per update; 0: all training rows (full batch)."""
    batch_seed: int = 0
    """Seed of the batch order alone."""
    loss_dtype: Literal["float32", "float64"] = "float64"
    """Precision of the log-softmax; float32 underflows after memorisation."""


@dataclass(frozen=True)
class InterventionConfig:
    """What is changed about an update; everything is off by default. Formulas: docs/interventions.md."""

    dropout: float = 0.0
    """Residual dropout: share of what attention and neurons add to the stream that is zeroed in training; 0: off."""
    weight_noise: float = 0.0
    """Standard deviation of Gaussian noise on the weights of each training forward (published: 0.01); 0: off."""
    gradient_noise: float = 0.0
    """Standard deviation of Gaussian noise on the gradient; 0: off."""
    update_noise: float = 0.0
    """Gaussian noise on the update, as a multiple of the learning rate (published: 1); 0: off."""
    noise_seed: int = 0
    """Seed of dropout and noises; each has its own generator."""
    grokfast: Literal["off", "ema", "ma"] = "off"
    """Grokfast: add an exponential (ema) or windowed (ma) average of past gradients to the gradient."""
    grokfast_alpha: float = 0.98
    """Grokfast-EMA: momentum of the average."""
    grokfast_ema_lambda: float = 2.0
    """Grokfast-EMA: factor on the average."""
    grokfast_window: int = 100
    """Grokfast-MA: gradients in the window."""
    grokfast_ma_lambda: float = 5.0
    """Grokfast-MA: factor on the average."""
    orthogonal_gradient: bool = False
    """Take out of each weight's gradient its part along the weight, and restore its norm."""
    loss_function: Literal["softmax", "stablemax", "mse"] = "softmax"
    """What makes logits probabilities in the training loss; mse: no cross-entropy, but the mean over rows and classes
    of (logits - one-hot answer)^2."""
    temperature: float = 1.0
    """The training loss is that of logits / temperature."""
    constrained_norm: float = 0.0
    """Hold the norm of all weights at this many times the initial one; 0: off."""
    row_clip: float = 0.0
    """Greatest norm of a unit's incoming weights, embedding and unembedding excepted; 0: off."""


@dataclass(frozen=True)
class ScheduleConfig:
    """What is kept, known before training begins."""

    steps: int = 10_000
    """Number of updates."""
    stop_accuracy: float = 0.0
    """Stop once test accuracy was at or above this at five evaluations in a row; 0: never."""
    checkpoint_every: int = 0
    """A checkpoint every k updates; 0: none from this rule."""
    checkpoint_log: int = 0
    """This many checkpoints at logarithmically spaced steps; 0: none from this rule."""
    checkpoint_steps: tuple[int, ...] = ()
    """Checkpoints at exactly these steps."""
    eval_every: int = 10
    """A line of metrics every k updates."""
    keyframe_every: int = 0
    """Key frames, all that training needs to go on from a step, every k updates, and at the last; -1: at the last only;
    0: at up to 20 checkpoints, a fifth of them at most, evenly spaced."""

    def checkpoints(self) -> tuple[int, ...]:
        """Return the steps of the declared checkpoints: the union of the rules, with step 0 and the last."""
        steps = {0, self.steps, *(s for s in self.checkpoint_steps if s <= self.steps)}
        every = self.checkpoint_every
        if not every and not self.checkpoint_log and not self.checkpoint_steps:
            every = max(1, self.steps // 100)
        if every:
            steps.update(range(0, self.steps + 1, every))
        if self.checkpoint_log and self.steps:
            n = self.checkpoint_log
            ratios = (i / max(1, n - 1) for i in range(n))
            steps.update(round(math.exp(r * math.log(self.steps))) for r in ratios)
        return tuple(sorted(steps))

    def keyframes(self) -> tuple[int, ...]:
        """Return the steps of the scheduled key frames, ascending: the last step always, step 0 never.

        With `keyframe_every` 0 there are n = min(20, checkpoints // 5), one at least, at the checkpoints nearest to
        steps i / n, i = 1 to n. With Adam a key frame has three times the size of a checkpoint, so that all of them
        together have at most 3/5 of that of all checkpoints.
        """
        if self.keyframe_every > 0:
            return (*range(self.keyframe_every, self.steps, self.keyframe_every), self.steps)
        declared = self.checkpoints()
        n = 1 if self.keyframe_every else max(1, min(KEYFRAMES, len(declared) // 5))
        later = declared[1:]  # the first is 0
        return tuple(sorted({_nearest_of(later, self.steps * i / n) for i in range(1, n + 1)}))


@dataclass(frozen=True)
class RunConfig:
    """Everything that determines a run, but for the machine."""

    task: TaskConfig = field(default_factory=TaskConfig)
    split: SplitConfig = field(default_factory=SplitConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    intervention: InterventionConfig = field(default_factory=InterventionConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    dtype: Literal["float32", "float64"] = "float32"
    """Precision of weights and activations."""
    preset: Annotated[str, Suppress] = ""
    """The preset it began from."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain dictionaries, as they stand in config.json."""
        return dataclasses.asdict(self)

    def hash(self) -> str:
        """Return the first 16 hex digits of the SHA-256 of the canonical JSON of the configuration."""
        return config_hash(self.to_dict())


def config_hash(data: dict[str, Any]) -> str:
    """Return `RunConfig.hash` of a configuration in plain dictionaries, as it stands in config.json.

    A file keeps its hash when a later grokscope knows more fields than it has.
    """
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def section_fields() -> dict[str, str]:
    """Map each flat field name to its section ("" for RunConfig's own)."""
    found = {}
    for f in dataclasses.fields(RunConfig):
        section = get_type_hints(RunConfig)[f.name]
        if dataclasses.is_dataclass(section):
            found.update({inner.name: f.name for inner in dataclasses.fields(section)})
    found.update({"dtype": "", "preset": ""})
    return found


def override(config: RunConfig, /, **flat: Any) -> RunConfig:
    """Return `config` with flat fields replaced: `override(config, p=59, weight_decay=2.0)`.

    `seed` sets split_seed, init_seed, batch_seed and noise_seed together.

    Raises
    ------
    RequestError
        For an unknown field (with the nearest valid spelling) or a value of the wrong type.
    """
    if "seed" in flat:
        seed = flat.pop("seed")
        seeded = ("split_seed", "init_seed", "batch_seed", "noise_seed")
        flat = dict.fromkeys(seeded, seed) | flat
    sections = section_fields()
    by_section: dict[str, dict[str, Any]] = {}
    for name, value in flat.items():
        if name not in sections:
            raise RequestError(
                f"unknown option '{name}'",
                todo=nearest(name, sections) or "see grokscope train --help",
            )
        by_section.setdefault(sections[name], {})[name] = value
    changes: dict[str, Any] = {}
    for section, values in by_section.items():
        if section:
            current = getattr(config, section)
            checked = {k: _checked(type(current), k, v) for k, v in values.items()}
            changes[section] = dataclasses.replace(current, **checked)
        else:
            changes.update({k: _checked(RunConfig, k, v) for k, v in values.items()})
    return dataclasses.replace(config, **changes)


def from_dict(data: Any) -> RunConfig:
    """Read a configuration back from plain dictionaries; unknown or ill-typed fields raise RequestError."""
    if not isinstance(data, dict):
        raise RequestError("a configuration that is not a JSON object", "an object with sections")
    flat: dict[str, Any] = {}
    hints = get_type_hints(RunConfig)
    for name, value in data.items():
        if name in hints and dataclasses.is_dataclass(hints[name]):
            if not isinstance(value, dict):
                raise RequestError(
                    f"section '{name}' of the configuration is not an object", "an object"
                )
            flat.update(value)
        elif name in hints:
            flat[name] = value
        else:
            raise RequestError(f"unknown section '{name}' in the configuration", ", ".join(hints))
    return override(RunConfig(), **flat)


def _checked(cls: type, name: str, value: Any) -> Any:
    """Return `value` as the field's type, or say what is accepted."""
    hint = get_type_hints(cls)[name]
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            todo = nearest(str(value), map(str, get_args(hint)))
            raise RequestError(f"{name} = {value!r}", ", ".join(map(str, get_args(hint))), todo)
        return value
    if get_origin(hint) is tuple:
        if isinstance(value, (list, tuple)) and all(_is_int(v) for v in value):
            return tuple(int(v) for v in value)
        raise RequestError(f"{name} = {value!r}", "a list of whole numbers")
    if hint is bool and isinstance(value, bool):
        return value
    if hint is int and _is_int(value):
        return int(value)
    if hint is float and isinstance(value, numbers.Real) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):
            number = float(value)
            if math.isfinite(number):
                return number
    if hint is str and isinstance(value, str):
        return value
    words = {int: "a whole number", float: "a finite number", bool: "true or false", str: "text"}
    raise RequestError(f"{name} = {value!r}", words.get(hint, str(hint)))


def _is_int(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        hasattr(value, "__index__") and not isinstance(value, (bool, str))
    )


def _nearest_of(ascending: Sequence[int], wanted: float) -> int:
    """Return the number that lies nearest; the smaller of two."""
    place = bisect.bisect_left(ascending, wanted)
    return min(ascending[max(0, place - 1) : place + 1], key=lambda number: abs(number - wanted))
