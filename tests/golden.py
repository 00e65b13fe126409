"""Published or exactly derived numbers, each with its source and tolerance, as exact decimals."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("golden.json")


def golden(name: str) -> Any:
    """Return one entry."""
    return json.loads(PATH.read_text(), parse_float=Decimal, parse_int=Decimal)[name]
