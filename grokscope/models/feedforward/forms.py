"""The feed-forward families by name, and what a configuration of one may set."""

import dataclasses

from grokscope.config import ModelConfig
from grokscope.errors import RequestError
from grokscope.models.feedforward import linear, one_hot, two_embeddings
from grokscope.models.feedforward.form import Form

FORMS: dict[str, Form] = {**two_embeddings.FORMS, **one_hot.FORMS, **linear.FORMS}
"""`ModelConfig.architecture` -> its form."""

APPLY = ("architecture", "d_mlp", "act_fn", "output_vocabulary", "initialisation", "init_scale",
         "init_seed", "n_ctx", "d_vocab", "d_vocab_out")  # fmt: skip
"""Fields that mean something for every feed-forward model; `d_model` does where there are embeddings."""


def form_of(config: ModelConfig) -> Form:
    """Return the form of a feed-forward configuration."""
    return FORMS[config.architecture]


def resolve_feedforward(config: ModelConfig) -> ModelConfig:
    """Return `config` with the number of layers and the published initialisation that its architecture has.

    Raises
    ------
    RequestError
        Where a field is set that the architecture does not have.
    """
    form = form_of(config)
    apply = APPLY if form.embeddings == "none" else (*APPLY, "d_model")
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        given = value not in (field.default, form.n_layers if field.name == "n_layers" else None)
        if given and field.name not in apply:
            settable = [name for name in apply if not name.startswith(("n_ctx", "d_vocab"))]
            raise RequestError(
                f"{field.name} = {value} with architecture = {config.architecture}, which has none "
                "or its own",
                ", ".join(settable),
                f"leave {field.name} out",
            )
    rule = config.initialisation
    return dataclasses.replace(
        config,
        n_layers=form.n_layers,
        initialisation=form.initialisation if rule == "nanda2023" else rule,
    )
