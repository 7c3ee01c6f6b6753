"""The profile is chosen by the environment and says what it makes of an exercise."""

import pytest

from convcourse import profile

pytestmark = pytest.mark.unit


def test_offline_trains_fewer_epochs_and_says_so(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PROFILE", "offline")
    assert profile.epochs(20) == 8
    assert "8 epochs instead of 20" in capsys.readouterr().out


def test_full_changes_nothing_and_says_nothing(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PROFILE", "full")
    assert (profile.epochs(20), profile.width()) == (20, 1.0)
    assert capsys.readouterr().out == ""


def test_an_unknown_profile_is_refused_with_the_names(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "fast")
    with pytest.raises(ValueError, match="offline, quick or full"):
        profile.current()
