"""The report names versions, device and profile, and the mend for what is off."""

import logging
import os
import platform
import subprocess
import sys

import pytest

from convcourse import device

FACTS = {"libraries": {"tensorflow": "2.18"}, "gpus": [], "profile": "offline", "memory_gb": 16}


def test_the_report_names_versions_device_and_profile(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PROFILE", "offline")
    device.report()
    out = capsys.readouterr().out
    assert "keras" in out and "Profile: offline" in out and "cores" in out


def test_nothing_is_said_where_nothing_is_off():
    assert device.problems(FACTS) == []


def test_a_missing_library_and_a_missing_gpu_come_with_their_mend():
    said = device.problems({**FACTS, "libraries": {"numpy": None}, "profile": "full"})
    assert "pip install numpy" in said[0] and "COURSE_PROFILE=quick" in said[1]


def test_without_tensorflow_the_report_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.setattr(device, "_found", {})
    monkeypatch.setattr(device, "_version", lambda name: None if name == "tensorflow" else "1.0")
    monkeypatch.delenv("COURSE_PROFILE", raising=False)
    device.report()
    assert "pip install tensorflow" in capsys.readouterr().out


def test_a_library_that_was_missing_is_looked_for_again(monkeypatch):
    monkeypatch.setattr(device, "_found", {})
    monkeypatch.setattr(device, "_version", lambda name: None if name == "keras" else "1.0")
    assert device.versions() == {
        name: None if name == "keras" else "1.0" for name in device.LIBRARIES
    }
    monkeypatch.setattr(device, "_version", lambda name: "2.0")
    later = device.versions()
    assert list(later) == list(device.LIBRARIES)
    assert later == {name: "2.0" if name == "keras" else "1.0" for name in device.LIBRARIES}


def test_what_libraries_log_while_they_load_stays_out_of_the_notebook(capfd):
    with device._quiet():
        os.write(2, b"could not find cuda drivers")
    os.write(2, b"later")
    assert capfd.readouterr().err == "later"


def test_after_the_report_tensorflow_keeps_its_advice_on_speed_to_itself(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PROFILE", "offline")
    logging.getLogger("tensorflow").setLevel(logging.WARNING)
    device.report()
    logging.getLogger("tensorflow").warning("5 out of the last 11 calls triggered retracing")
    assert "retracing" not in capsys.readouterr().err


ONEDNN = """
import convcourse, tensorflow
from tensorflow.python.util import _pywrap_util_port
print(_pywrap_util_port.IsMklEnabled())
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="only there does TensorFlow have oneDNN")
@pytest.mark.parametrize(("wish", "found"), [(None, "True"), ("0", "False")])
def test_the_quicker_convolutions_are_taken_unless_somebody_says_otherwise(wish, found):
    known = {k: v for k, v in os.environ.items() if k != "TF_ENABLE_ONEDNN_OPTS"}
    more = {} if wish is None else {"TF_ENABLE_ONEDNN_OPTS": wish}
    command = [sys.executable, "-c", ONEDNN]
    done = subprocess.run(command, env=known | more, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == found
