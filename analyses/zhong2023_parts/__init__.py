"""Zhong et al. 2023: its numbers, models A and B, the phases over the attention rate, the linear models."""
