"""What the process has loaded that workers are forked from."""

import importlib

from autograder import quick_import

quick_import.without_address_parsers()
importlib.import_module("autograder.run.job")
