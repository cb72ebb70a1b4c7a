"""What `analyses/nanda2023.py` is made of: published numbers, quantities, rules, rows, studies, figures."""
