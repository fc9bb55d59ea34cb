"""Names of models."""

from hypothesis import given
from hypothesis import strategies as st

from kgan.names import as_model, check_model


@given(st.text())
def test_any_text_becomes_a_name(text):
    check_model("A name", as_model(text))


def test_a_name_stays_or_keeps_what_it_can():
    assert as_model("digits-dcgan_2.0") == "digits-dcgan_2.0"
    assert as_model("My $(touch x) photos-dcgan") == "My-touch-x-photos-dcgan"
    assert as_model("写真-dcgan") == "dcgan"
