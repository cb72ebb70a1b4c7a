"""How grokscope shows itself in a notebook: tables and small figures for its objects, progress, a slider over steps.

Nothing here is imported before it is asked for; `hook` tells IPython, where there is one.
"""
