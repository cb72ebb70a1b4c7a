"""Stander et al. 2024: subgroups that neurons are concentrated on, and interventions on the coset circuit."""
