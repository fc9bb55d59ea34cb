"""Runs are numbered, and none is written over."""

from kgan.runs import folder


def test_the_number_after_the_highest_comes_next(workdir):
    assert folder.create(None, "a").name == "00000-a"
    for name in ("00007-b", "00003-a", "notes", "00002"):
        (workdir / "runs" / name).mkdir()
    assert folder.create(None, "c").name == "00008-c"
    assert folder.create(None, "a").name == "00009-a"
    (workdir / "runs" / "00007-b").rmdir()
    assert folder.create(None, "b").name == "00010-b"
    (workdir / "runs" / "99999-a").mkdir()
    (workdir / "runs" / "100000-a").mkdir()
    assert folder.create(None, "a").name == "100001-a"
