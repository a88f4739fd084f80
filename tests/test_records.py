"""A dataclass that is made when it is worth it is the same dataclass, before and after."""

import copy
import dataclasses
import inspect
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recall.records import MANY, _Fields, dataclass, names_of, replace, values_of


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


@given(
    st.tuples(st.integers(0, 1), st.integers(0, 1)), st.tuples(st.integers(0, 1), st.integers(0, 1))
)
def test_what_is_compared_makes_no_class_and_is_what_the_standard_library_says(one, other):
    def pair() -> type:
        return type("Pair", (), {"__annotations__": {"a": "int", "b": "int"}})

    late, soon = (
        make(frozen=True, slots=True)(pair()) for make in (dataclass, dataclasses.dataclass)
    )
    assert (late(*one) == late(*other)) == (soon(*one) == soon(*other))
    assert (hash(late(*one)) == hash(late(*other))) == (hash(soon(*one)) == hash(soon(*other)))
    assert late(*one).__eq__(one) is NotImplemented
    assert isinstance(vars(late)["__dataclass_fields__"], _Fields)  # not made yet


def test_a_field_that_does_not_count_is_not_compared():
    @dataclass(frozen=True, slots=True)
    class Answer:
        text: str
        seconds: float = dataclasses.field(default=0.0, compare=False)

    assert Answer("yes", 1.0) == Answer("yes", 2.0)
    assert hash(Answer("yes", 1.0)) == hash(Answer("yes", 2.0))


def test_the_names_and_the_values_of_the_fields_are_known_without_a_class():
    late, _ = late_and_soon()
    assert names_of(late) == ("x", "y", "names")
    assert values_of(late(1, names=["a"])) == {"x": 1, "y": 2, "names": ["a"]}
    assert isinstance(vars(late)["__dataclass_fields__"], _Fields)  # not made yet


def test_a_changed_copy_is_what_the_standard_library_gives_and_makes_no_class():
    late, soon = late_and_soon()
    changed = replace(late(1, names=["a"]), y=7)
    assert isinstance(vars(late)["__dataclass_fields__"], _Fields)  # not made yet
    assert (changed.x, changed.y, changed.names) == (1, 7, ["a"])
    assert repr(changed) == repr(dataclasses.replace(soon(1, names=["a"]), y=7))
    with pytest.raises(TypeError):
        replace(late(1), z=1)


def test_a_changed_copy_keeps_what_is_not_given_to_a_new_one():
    @dataclass(frozen=True, slots=True)
    class Shape:
        size: int
        name: str = dataclasses.field(default="square", init=False)

    copy_of = replace(Shape(1), size=2)
    assert (copy_of.size, copy_of.name) == (2, "square")


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


def test_no_method_is_compiled_for_a_handful_of_instances(monkeypatch):
    made = []
    late, _ = late_and_soon()
    monkeypatch.setattr(dataclasses, "dataclass", lambda **options: made.append(options))
    points = [late(1), late(1, 2), late(x=1, names=["a"]), late(1, 2, names=[])]
    assert [(point.x, point.y, point.names) for point in points] == [
        (1, 2, []), (1, 2, []), (1, 2, ["a"]), (1, 2, []),
    ]  # fmt: skip
    assert made == []


def test_of_many_instances_none_differs_from_the_first():
    late, soon = late_and_soon()
    points = [late(number, names=[]) for number in range(3 * MANY)]
    assert [(point.x, point.y, point.names) for point in points] == [
        (number, 2, []) for number in range(3 * MANY)
    ]
    assert points[0] == late(0)
    assert repr(points[-1]) == repr(soon(3 * MANY - 1))


@given(values=st.lists(st.integers(), max_size=4), named=st.dictionaries(
    st.sampled_from(["x", "y", "names", "z", "self"]), st.integers(), max_size=4
))  # fmt: skip
def test_arguments_are_taken_or_refused_as_by_the_standard_library(values, named):
    late, soon = late_and_soon()

    def outcome(kind):
        try:
            return dataclasses.astuple(kind(*values, **named))
        except TypeError as error:
            return str(error).replace("late_and_soon.<locals>.point.<locals>.", "")

    assert outcome(late) == outcome(soon)


@pytest.mark.parametrize("first", [
    lambda point: point == point,
    repr,
    lambda point: hash(dataclasses.replace(point, names=())),
    copy.copy,
    copy.deepcopy,
    dataclasses.asdict,
], ids=["compare", "print", "hash", "copy", "deepcopy", "asdict"])  # fmt: skip
def test_whatever_is_asked_of_an_instance_first_is_answered(first):
    late, soon = late_and_soon()
    early = late(1)
    expected, got = first(soon(1)), first(early)
    assert got == (early if isinstance(got, late) else expected)
    assert repr(early) == repr(soon(1))


@pytest.mark.parametrize("change", [
    lambda point: setattr(point, "x", 2),
    lambda point: delattr(point, "x"),
], ids=["set", "delete"])  # fmt: skip
def test_a_frozen_instance_is_frozen_from_the_first_on(change):
    late, _ = late_and_soon()
    point = late(1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="'x'"):
        change(point)
    assert point.x == 1


def test_fields_of_a_special_kind_are_left_to_the_standard_library():
    class Shape:
        edges: int
        kind: str = dataclasses.field(default="plain", init=False)

    late = dataclass(slots=True)(Shape)
    assert (late(3).edges, late(3).kind) == (3, "plain")
    with pytest.raises(TypeError, match="unexpected keyword argument 'kind'"):
        late(3, kind="other")


def test_a_class_that_builds_on_one_may_have_an_init_of_its_own():
    late, _ = late_and_soon()

    class Near(late):
        def __init__(self, x):
            super().__init__(x, x + 1, [])

    points = [Near(number) for number in range(MANY + 2)]
    assert [(point.x, point.y) for point in points] == [(n, n + 1) for n in range(MANY + 2)]


@pytest.mark.parametrize("wrong", [
    {"__annotations__": {"a": "int", "b": "int"}, "a": 1},
    {"__annotations__": {"a": "list"}, "a": []},
], ids=["no default behind a default", "a default that all would share"])  # fmt: skip
def test_a_mistake_in_the_fields_shows_at_the_first_instance(wrong):
    with pytest.raises((TypeError, ValueError), match="default"):
        dataclass(frozen=True, slots=True)(type("Wrong", (), wrong))()
