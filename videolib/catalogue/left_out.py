"""What of somebody else's annotation could not be taken, named so that it can be said in the reader's language."""

from __future__ import annotations


class LeftOut(str):
    """The name in English; `template` has a `{}` where `value` stands, and is what translators know it by."""

    __slots__ = ("template", "value")
    template: str
    value: str

    def __new__(cls, template: str, value: str = "") -> LeftOut:
        """Name it."""
        made = super().__new__(cls, template.replace("{}", value))
        made.template, made.value = template, value
        return made
