"""Arrays in a file beside the index: what was written is what is read, or nothing is."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recall.store.array_file import DAMAGE, LONGEST_HEAD, load_arrays, write_arrays
from recall.store.files import LEARNED, LEARNED_BEFORE, TABLE, TABLE_CHANGES, is_leftover

NAME = "some.table"
OF = {"layout": 1, "words": ["é", "\ud800"], "none": None}
kept = st.dictionaries(
    st.sampled_from(["a", "b.starts", "c"]),
    st.sampled_from(["<f4", "<i8", "<u8", "|u1"]).flatmap(
        lambda kind: arrays.arrays(kind, arrays.array_shapes(max_dims=2, min_side=0, max_side=5))
    ),
)


@settings(max_examples=50)  # each writes a file
@given(held=kept)
def test_arrays_are_read_as_they_were_written(held):
    with TemporaryDirectory() as folder:
        write_arrays(Path(folder), NAME, OF, held)
        of, found = load_arrays(Path(folder), NAME)
    assert of == OF
    assert {name: (a.dtype, a.shape) for name, a in found.items()} == {
        name: (a.dtype, a.shape) for name, a in held.items()
    }
    assert all(found[name].tobytes() == array.tobytes() for name, array in held.items())


@settings(max_examples=100)
@given(place=st.integers(0, 500), value=st.integers(0, 255))
def test_any_other_byte_anywhere_is_noticed_or_changes_nothing(place, value):
    held = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.arange(9, dtype=np.uint8)}
    with TemporaryDirectory() as folder:
        write_arrays(Path(folder), NAME, OF, held)
        file = Path(folder) / NAME
        content = bytearray(file.read_bytes())
        content[place % len(content)] = value
        file.write_bytes(content)
        try:
            of, found = load_arrays(Path(folder), NAME)
        except DAMAGE:
            return
    assert of == OF
    assert all(np.array_equal(found[name], array) for name, array in held.items())


@pytest.mark.parametrize("size", [1 << 33, 200, 0])
def test_a_file_of_another_size_is_refused_before_there_is_room_made_for_it(tmp_path, size):
    write_arrays(tmp_path, NAME, OF, {"a": np.zeros(100, dtype=np.float32)})
    os.truncate(tmp_path / NAME, size)
    with pytest.raises(ValueError, match=r"size|head|int"):
        load_arrays(tmp_path, NAME)


@pytest.mark.parametrize("numbers", [np.zeros(2), np.array([True]), np.array([-1], dtype=np.int8)])
def test_numbers_that_would_not_come_back_as_they_are_are_not_written(tmp_path, numbers):
    with pytest.raises(ValueError, match="are not kept"):
        write_arrays(tmp_path, NAME, OF, {"a": numbers})
    assert list(tmp_path.iterdir()) == []


def test_more_than_can_be_read_back_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="bytes to say"):
        write_arrays(tmp_path, NAME, {"words": "x" * LONGEST_HEAD}, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [LEARNED, LEARNED_BEFORE[-1], TABLE, TABLE_CHANGES])
def test_what_a_process_that_ended_was_writing_aside_is_known_as_its_leftover(tmp_path, name):
    code = f"""
import os
from pathlib import Path
import numpy as np
from recall.store.array_file import write_arrays
Path.replace = os.replace = lambda *_: os._exit(1)
write_arrays(Path({str(tmp_path)!r}), {name!r}, {{}}, {{"a": np.arange(3)}})
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    (left,) = tmp_path.iterdir()
    assert left.name != name
    assert is_leftover(left)
