"""What every hooked model has in common, beside TransformerLens's `HookedRootModule`."""

from typing import Any

from torch import Tensor
from transformer_lens import ActivationCache, HookedRootModule


class HookedModel(HookedRootModule):
    """A model whose every activation can be read and edited, with TransformerLens's cache."""

    def run_with_cache(
        self, *args: Any, return_cache_object: bool = True, **kwargs: Any
    ) -> tuple[Any, Any]:
        """Run and keep activations, as `(logits, ActivationCache)`; arguments as in TransformerLens."""
        out, cache = super().run_with_cache(*args, **kwargs)
        if not return_cache_object:
            return out, cache
        return out, ActivationCache(
            cache, self, has_batch_dim=not kwargs.get("remove_batch_dim", False)
        )

    def weights(self) -> dict[str, Tensor]:
        """Return name -> trained weight; the tensors are the model's own."""
        return dict(self.named_parameters())
