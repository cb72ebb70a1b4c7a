"""Pure mathematics on arrays: Fourier bases, discrete logarithms, projections. Imports numpy and torch only."""
