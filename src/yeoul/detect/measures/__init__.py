"""How good a detector is on labelled data: the measures of its field, each by its published rule."""

__all__: list[str] = []
