"""The figures of Power et al. 2022: each file draws some, and holds what the paper says against what was measured."""

from power2022_figures import curves, efficiency, fractions, outliers, sharpness, structure
from power2022_figures.figure import Figure

FIGURES = {
    "1-left": Figure(
        "division, Adam without weight decay: accuracy over training",
        "1-left",
        curves.draw_accuracy,
        curves.accuracy_claims,
    ),
    "division": Figure(
        "division with AdamW, half of the table: the published setting itself",
        "division",
        curves.draw_both,
        curves.division_claims,
    ),
    "4": Figure(
        "division, Adam without weight decay: loss over training",
        "1-left",
        curves.draw_loss,
        curves.loss_claims,
    ),
    "1-centre": Figure(
        "steps to 99 % validation accuracy against the share of training data",
        "1-centre",
        fractions.draw,
        fractions.claims,
    ),
    "2-left": Figure(
        "best validation accuracy against the share of training data, by way to optimise",
        "2-left",
        efficiency.draw_left,
        efficiency.left_claims,
    ),
    "2-right": Figure(
        "best validation accuracy against the share of training data, by operation",
        "2-right",
        efficiency.draw_right,
        efficiency.right_claims,
    ),
    "3": Figure("t-SNE of the output layer", "3", structure.draw, structure.claims),
    "A.4": Figure("outliers among the training answers", "A.4", outliers.draw, outliers.claims),
    "A.5": Figure("sharpness against validation accuracy", "A.5", sharpness.draw, sharpness.claims),
    "A.5-post": Figure(
        "sharpness against validation accuracy, with the paper's LayerNorms",
        "A.5-post",
        sharpness.draw,
        sharpness.claims,
    ),
    "A.5-mixed": Figure(
        "sharpness against validation accuracy, networks optimised in five ways",
        "A.5-mixed",
        sharpness.draw,
        sharpness.claims,
    ),
}
