"""`dataclass`, made when it is worth it: a command starts without those that it hardly uses.

The standard library writes and compiles the methods of a dataclass while its module is loaded, half
a millisecond to a millisecond for each class. recall has more than a hundred, of which a search
uses some thirty, most of them for a handful of instances, and every command is a process of its
own. Here the very same decorator does the very same work, but when instances are changed, printed
or many, or somebody asks for the fields. The first instances are filled in, and compared, by a loop
over the slots (docs/decisions/0009). Type checkers see the original.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass", "names_of", "replace", "values_of"]

if TYPE_CHECKING:
    from dataclasses import dataclass, replace
else:

    def replace(record: object, /, **changes: object) -> object:
        """`dataclasses.replace` of a record, for which its class need not be made."""
        try:
            return type(record)(**{**values_of(record), **changes})
        except (AttributeError, TypeError):  # a field that is not asked for, or a mistake
            import dataclasses

            return dataclasses.replace(record, **changes)

    def dataclass(**options: bool) -> Callable[[type], type]:
        """`dataclasses.dataclass` of a class with slots, put off until it is worth it.

        Until then `inspect.signature` knows nothing of the class; `dataclasses.fields` does.
        """
        return lambda written: _Later(written, options).record


def names_of(kind: type) -> tuple[str, ...]:
    """The names of a record's fields, for which its class need not be made."""
    return tuple(
        [name for base in reversed(kind.__mro__) for name in vars(base).get("__slots__", ())]
    )


def values_of(record: object) -> dict[str, Any]:
    """What a record holds, by name; as `dataclasses.asdict`, but what it holds stays as it is."""
    return {name: getattr(record, name) for name in names_of(type(record))}


MANY = 200  # instances, or comparisons: by then compiled methods would have cost less
_one_at_a_time = threading.RLock()
_SPECIAL = ("ClassVar", "InitVar", "KW_ONLY")  # annotations of what is no plain field


class _Later:
    """A class as it was written, and the record that stands for the dataclass until it is one."""

    def __init__(self, written: type, options: dict[str, bool]) -> None:
        self._written = written
        self._options = options
        self._names = tuple(written.__annotations__)
        kept = {name: value for name, value in written.__dict__.items()
                if name not in {*self._names, "__dict__", "__weakref__"}}  # fmt: skip
        awaited = [name for name in self._methods() if name not in kept]
        self._stands_for_later = {*awaited, "__init__", "__match_args__", "__dataclass_fields__"}
        kept |= {name: self._awaited(name) for name in awaited}
        kept |= {"__slots__": self._names, "__init__": self._first_init()}
        kept |= {"__match_args__": self._names, "__dataclass_fields__": _Fields(self.make)}
        self.record = type(written)(written.__name__, written.__bases__, kept)
        self.record.__qualname__ = written.__qualname__

    def make(self) -> None:
        """Give the record all that the standard library gives the class."""
        import dataclasses

        with _one_at_a_time:
            if not self._stands_for_later:
                return  # another thread was sooner
            made: type = dataclasses.dataclass(**self._options)(self._written)
            for name, value in made.__dict__.items():
                if name in self._stands_for_later or name not in self.record.__dict__:
                    setattr(self.record, name, value)
            self._stands_for_later.clear()

    def _methods(self) -> tuple[str, ...]:
        """What the standard library will define."""
        is_frozen, has_eq = self._options.get("frozen", False), self._options.get("eq", True)
        return (
            "__repr__",
            *(("__eq__",) if has_eq else ()),
            *(("__hash__",) if has_eq and is_frozen else ()),
            *(("__setattr__", "__delattr__") if is_frozen else ()),
            *(("__getstate__", "__setstate__") if is_frozen else ()),
        )

    def _awaited(self, name: str) -> Callable[..., object]:
        """A method that has the real one made, and calls it."""

        def method(self_: object, *values: object) -> object:
            self.make()
            return getattr(self.record, name)(self_, *values)

        compared = {"__eq__": self._first_eq, "__hash__": self._first_hash}.get(name)
        method = compared(method) if compared else method
        method.__name__ = name
        return method

    def _first_eq(self, made: Callable[..., object]) -> Callable[..., object]:
        """The `__eq__` until there is the real one, which `made` makes and asks."""
        left = count(MANY, -1)

        def eq(self_: object, other: object) -> object:
            if type(self_) is not self.record or next(left) < 0 or not self._compares_all:
                return made(self_, other)
            if type(other) is not self.record:
                return NotImplemented
            return _held(self_) == _held(other)

        return eq

    def _first_hash(self, made: Callable[..., object]) -> Callable[..., object]:
        """The `__hash__` until there is the real one."""
        left = count(MANY, -1)

        def hash_(self_: object) -> object:
            if type(self_) is not self.record or next(left) < 0 or not self._compares_all:
                return made(self_)
            return hash(_held(self_))

        return hash_

    @property
    def _compares_all(self) -> bool:
        """Whether no field is left out of comparisons, as long as the class is not made."""
        if any(hasattr(base, "__dataclass_fields__") for base in self._written.__bases__):
            return False
        with _one_at_a_time:  # making the class takes the fields away
            if not self._stands_for_later:
                return False
            given: list[Any] = [self._written.__dict__.get(name) for name in self._names]
        fields = [item for item in given if type(item).__module__ == "dataclasses"]
        return all(item.compare and item.hash is None for item in fields)

    def _first_init(self) -> Callable[..., None]:
        """The `__init__` until there is the real one."""
        slots: list[_Slots] = []

        def init(self_: object, *values: object, **named: object) -> None:
            if not slots:
                slots.append(_Slots(self._written, self._options, self.record))
            if not slots[0].fill(self_, values, named):
                self.make()
                self.record.__init__(self_, *values, **named)  # type: ignore[misc]

        return init


class _Slots:
    """Fills instances in as the compiled `__init__` would, while they are few and it is easy."""

    def __init__(self, written: type, options: dict[str, bool], record: type) -> None:
        self._puts = {name: record.__dict__[name].__set__ for name in written.__annotations__}
        self._defaults: dict[str, Callable[[], object]] = {}
        self._left = MANY if self._is_plain(written, options) else 0

    def fill(self, instance: object, values: tuple[object, ...], named: dict[str, object]) -> bool:
        """Fill one in. False leaves it as it was, to the real `__init__` or its error."""
        self._left -= 1
        if self._left < 0 or len(values) > len(self._puts):
            return False
        given = dict(zip(self._puts, values, strict=False))
        if not given.keys().isdisjoint(named):
            return False
        given |= named
        for name, default in self._defaults.items():
            if name not in given:
                given[name] = default()
        if given.keys() != self._puts.keys():
            return False
        for name, put in self._puts.items():
            put(instance, given[name])
        return True

    def _is_plain(self, written: type, options: dict[str, bool]) -> bool:
        """Whether nothing is asked for but fields with or without a default; notes the defaults."""
        if not options.keys() <= {"frozen", "slots", "eq"} or hasattr(written, "__post_init__"):
            return False
        if any(hasattr(base, "__dataclass_fields__") for base in written.__bases__):
            return False
        for name, annotation in written.__annotations__.items():
            if any(word in str(annotation) for word in _SPECIAL):
                return False
            if name not in written.__dict__:
                if self._defaults:
                    return False  # which is an error
                continue
            default = written.__dict__[name]
            if type(default).__module__ == "dataclasses":
                if not (default.init and callable(default.default_factory)):
                    return False
                self._defaults[name] = default.default_factory
            elif type(default).__hash__ is None:
                return False  # which is an error
            else:
                self._defaults[name] = partial(_same, default)
        return True


def _held(record: object) -> tuple[object, ...]:
    return tuple(values_of(record).values())


def _same(value: object) -> object:
    return value


class _Fields:
    """What `dataclasses.fields`, `replace` and their kin ask a class for, before it is made."""

    def __init__(self, make: Callable[[], None]) -> None:
        self._make = make

    def __get__(self, _: object, owner: type) -> object:
        self._make()
        return owner.__dict__["__dataclass_fields__"]
