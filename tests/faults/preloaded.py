"""Imported once by the server that puppets are forked from: all that they use, and the files that botocore reads.

A puppet starts cold all the same: these files are part of the program, not of anything that it learnt.
"""

import gc

import pytest

import tests.faults.puppet  # noqa: F401 - so that puppets need not import it
from tests.faults.service_files import read_service_files_once

read_service_files_once(pytest.MonkeyPatch())
gc.collect()
gc.freeze()
