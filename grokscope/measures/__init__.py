"""The measures: pure functions of a Snapshot giving labelled arrays, one file a family; importing registers them."""

from grokscope.measures import (  # noqa: F401
    ablations,
    character_similarity,
    circle_forms,
    circle_symmetricity,
    circularity,
    commutativity,
    coset_concentration,
    displays,
    distance_irrelevance,
    embedding_spectrum,
    excluded_loss,
    fourier_density,
    gini,
    gradient_symmetricity,
    hidden_losses,
    inverse_participation_ratio,
    irrep_losses,
    irrep_neurons,
    irrep_shares,
    irrep_spectra,
    key_frequency,
    key_functions,
    key_irrep,
    logit_trig_share,
    neuron_clusters,
    neuron_projection,
    performance,
    ranks,
    restricted_loss,
    restricted_loss_each,
    sharpness,
    weight_norms,
)
from grokscope.measures.registry import Measure, Output, catalogue, choose, forget, measure

__all__ = ["Measure", "Output", "catalogue", "choose", "forget", "measure"]
