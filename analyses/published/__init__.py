"""What the scripts of `analyses/` share: published numbers beside measured ones, and tables of settings."""
