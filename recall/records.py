"""`dataclass`, made when it is first used: a command starts without those that it never needs.

The standard library writes and compiles the methods of a dataclass while its module is loaded, half
a millisecond to a millisecond each. recall has more than a hundred, of which a search uses some
thirty, and every command is a process of its own. Here the very same decorator does the very same
work, but when the first instance is made (docs/decisions/0009). Type checkers see the original.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(**options: bool) -> Callable[[type], type]:
        """`dataclasses.dataclass` of a class with slots, put off until the first instance.

        Until then `inspect.signature` knows nothing of the class; `dataclasses.fields` does.
        """

        def decorate(written: type) -> type:
            def make() -> None:
                import dataclasses

                with _one_at_a_time:
                    if not isinstance(record.__dict__["__dataclass_fields__"], _Fields):
                        return  # another thread was sooner
                    made = dataclasses.dataclass(**options)(written)
                    for name, value in made.__dict__.items():
                        if name in _STANDS_FOR_LATER or name not in record.__dict__:
                            setattr(record, name, value)

            record = _with_slots(written, make)
            return record

        return decorate


_one_at_a_time = threading.RLock()
_STANDS_FOR_LATER = ("__init__", "__dataclass_fields__")


def _with_slots(written: type, make: Callable[[], None]) -> type:
    """The class with a slot for each field, in place of the fields' defaults."""

    def init(self: object, *values: object, **named: object) -> None:
        make()
        self.__init__(*values, **named)  # type: ignore[misc]  # the one that was just made

    fields = tuple(written.__annotations__)
    kept = {name: value for name, value in written.__dict__.items()
            if name not in fields and name not in {"__dict__", "__weakref__"}}  # fmt: skip
    kept |= {"__slots__": fields, "__init__": init, "__dataclass_fields__": _Fields(make)}
    record = type(written)(written.__name__, written.__bases__, kept)
    record.__qualname__ = written.__qualname__
    return record


class _Fields:
    """What `dataclasses.fields`, `replace` and their kin ask a class for, before it is made."""

    def __init__(self, make: Callable[[], None]) -> None:
        self._make = make

    def __get__(self, _: object, owner: type) -> object:
        self._make()
        return owner.__dict__["__dataclass_fields__"]
