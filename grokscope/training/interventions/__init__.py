"""What can be changed about an update, one file per idea; `assemble.py` says in which order they act."""
