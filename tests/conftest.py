"""What holds for every test: hypothesis gives no example a deadline, since other work may slow the machine down."""

from hypothesis import settings

settings.register_profile("grokscope", deadline=None)
settings.load_profile("grokscope")
