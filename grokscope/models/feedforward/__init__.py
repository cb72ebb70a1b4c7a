"""Feed-forward models of pairs (a, b): no attention, no positions, no residual stream; one form, several families."""
