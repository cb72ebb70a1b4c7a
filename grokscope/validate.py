"""Whether a configuration makes sense by itself: ranges of its fields, and which of them fit together."""

from grokscope.config import MAX_LR, InterventionConfig, OptimiserConfig, RunConfig
from grokscope.errors import RequestError


def validate(config: RunConfig) -> None:
    """Raise RequestError for a configuration that makes no sense by itself (the task checks its own part)."""
    split, model, opt, sched = config.split, config.model, config.optimiser, config.schedule
    if not 0 < split.frac_train <= 1:
        raise RequestError(f"frac_train = {split.frac_train}", "a share in (0, 1]")
    positive = {k: getattr(model, k) for k in ("n_layers", "n_heads", "d_model", "d_head", "d_mlp")}
    positive |= {"eval_every": sched.eval_every, "steps": sched.steps, "lr": opt.lr, "eps": opt.eps}
    for name, value in positive.items():
        if value <= 0:
            raise RequestError(f"{name} = {value}", "a number above 0")
    not_negative = {
        k: getattr(opt, k) for k in ("weight_decay", "warmup", "batch_size", "momentum")
    }
    not_negative |= {k: getattr(sched, k) for k in ("checkpoint_every", "checkpoint_log")}
    not_negative |= {
        k: min(v, default=0) for k, v in {"checkpoint_steps": sched.checkpoint_steps}.items()
    }
    for name, value in not_negative.items():
        if value < 0:
            raise RequestError(f"{name} = {value}", "0 or more")
    if sched.keyframe_every < -1:
        raise RequestError(
            f"keyframe_every = {sched.keyframe_every}", "a number of updates; 0 or -1 (see --help)"
        )
    too_late = [s for s in sched.checkpoint_steps if s > sched.steps]
    if too_late:
        raise RequestError(f"checkpoint_steps has {too_late[0]}", f"steps up to {sched.steps}")
    for name in ("beta1", "beta2"):
        if not 0 <= getattr(opt, name) < 1:
            raise RequestError(f"{name} = {getattr(opt, name)}", "a number in [0, 1)")
    seeds = {k: getattr(split, k) for k in ("split_seed", "label_seed")}
    seeds |= {"outlier_seed": split.outlier_seed, "noise_seed": config.intervention.noise_seed}
    seeds |= {"init_seed": model.init_seed, "batch_seed": opt.batch_seed}
    for name, value in seeds.items():
        if not 0 <= value < 2**63:
            raise RequestError(f"{name} = {value}", "a whole number from 0 to 2^63 - 1")
    if opt.lr > MAX_LR:
        raise RequestError(f"lr = {opt.lr}", f"at most {MAX_LR:g}; float32 overflows beyond")
    if not 0 <= model.attention_rate <= 1:
        raise RequestError(f"attention_rate = {model.attention_rate}", "a number from 0 to 1")
    if model.init_scale <= 0:
        raise RequestError(f"init_scale = {model.init_scale}", "a number above 0")
    limits = {"n_layers": 64, "n_heads": 256, "d_model": 16384, "d_head": 4096, "d_mlp": 65536}
    for name, limit in limits.items():
        if getattr(model, name) > limit:
            raise RequestError(f"{name} = {getattr(model, name)}", f"at most {limit}")
    if not 0 <= sched.stop_accuracy <= 1:
        raise RequestError(f"stop_accuracy = {sched.stop_accuracy}", "a share in [0, 1]; 0: never")
    if split.outliers < 0:
        raise RequestError(f"outliers = {split.outliers}", "0 or more")
    _validate_interventions(opt, config.intervention)


def _validate_interventions(opt: OptimiserConfig, change: InterventionConfig) -> None:
    positive = {k: getattr(opt, k) for k in ("lr_scale", "muon_lr", "muon_steps")}
    positive |= {k: getattr(change, k) for k in ("temperature", "grokfast_window")}
    noises = ("weight_noise", "gradient_noise", "update_noise")
    factors = ("grokfast_ema_lambda", "grokfast_ma_lambda", "constrained_norm", "row_clip")
    shares = {"muon_momentum": opt.muon_momentum}
    shares |= {k: getattr(change, k) for k in ("dropout", "grokfast_alpha")}
    for name, value in positive.items():
        if value <= 0:
            raise RequestError(f"{name} = {value}", "a number above 0")
    for name in noises + factors:
        if getattr(change, name) < 0:
            raise RequestError(f"{name} = {getattr(change, name)}", "0 or more")
    for name, value in shares.items():
        if not 0 <= value < 1:
            raise RequestError(f"{name} = {value}", "a number in [0, 1)")
    for name, value, limit in (
        ("grokfast_window", change.grokfast_window, 10_000),
        ("muon_steps", opt.muon_steps, 100),
    ):
        if value > limit:
            raise RequestError(f"{name} = {value}", f"at most {limit}")
