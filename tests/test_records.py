"""A dataclass that is made later is the same dataclass."""

import dataclasses
import inspect
from concurrent.futures import ThreadPoolExecutor

import pytest

from recall.records import dataclass


def late_and_soon() -> tuple[type, type]:
    """One class, made when it is first used, and by the standard library."""

    def point() -> type:
        class Point:
            """Where something is."""

            x: int
            y: int = 2
            names: list[str] = dataclasses.field(default_factory=list)

            @property
            def sum(self) -> int:
                """Of both."""
                return self.x + self.y

        return Point

    options = {"frozen": True, "slots": True}
    return dataclass(**options)(point()), dataclasses.dataclass(**options)(point())


def test_it_holds_what_it_was_given_and_the_defaults_of_the_rest():
    late, _ = late_and_soon()
    point = late(1)
    assert (point.x, point.y, point.names, point.sum) == (1, 2, [], 3)
    assert late(1).names is not point.names
    assert late(y=5, x=4).sum == 9


def test_it_is_compared_and_written_as_the_standard_library_does():
    late, soon = late_and_soon()
    assert late(1) == late(1, 2)
    assert late(1) != late(2)
    assert late(1) != soon(1)
    assert repr(late(1, 3, ["a"])) == repr(soon(1, 3, ["a"]))
    assert dataclasses.asdict(late(1)) == {"x": 1, "y": 2, "names": []}
    assert dataclasses.replace(late(1), y=7) == late(1, 7)
    assert late.__match_args__ == soon.__match_args__


def test_its_values_can_be_hashed_and_not_be_changed():
    late, _ = late_and_soon()
    pair = dataclass(frozen=True, slots=True)(type("Pair", (), {"__annotations__": {"a": "int"}}))
    assert {pair(1), pair(1)} == {pair(1)}
    with pytest.raises(dataclasses.FrozenInstanceError):
        late(1).x = 2
    with pytest.raises((AttributeError, TypeError)):
        late(1).other = 2


def test_its_fields_are_known_before_there_is_an_instance():
    late, soon = late_and_soon()
    names = [item.name for item in dataclasses.fields(soon)]
    assert [item.name for item in dataclasses.fields(late)] == names == ["x", "y", "names"]
    assert dataclasses.is_dataclass(late)
    assert late(1).y == 2


def test_a_wrong_argument_is_refused_from_the_first_instance_on():
    late, _ = late_and_soon()
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        late()
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        late(1, z=3)


def test_it_is_named_and_documented_as_it_is_written():
    late, soon = late_and_soon()
    assert (late.__name__, late.__qualname__) == (soon.__name__, soon.__qualname__)
    assert (late.__module__, inspect.getdoc(late)) == (soon.__module__, "Where something is.")


def test_threads_that_use_it_first_at_once_get_one_class():
    for _ in range(20):
        late, _ = late_and_soon()
        with ThreadPoolExecutor(8) as threads:
            points = list(threads.map(late, range(64)))
        assert [point.x for point in points] == list(range(64))
        assert points[3] == late(3)
