"""The digest that needs no library of the system is the same."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from recall.digest import sha256


@given(st.binary(max_size=300))
def test_it_is_sha_256(data):
    assert sha256(data) == hashlib.sha256(data).digest()
