"""The descriptions of AWS's services, which botocore reads anew for every client: most of the cost of a cold tick."""

import botocore.session
import pytest
from botocore.loaders import create_loader

from tests.tables import REGION


def read_service_files_once(patch: pytest.MonkeyPatch) -> None:
    """Let all clients of this process, and of those forked from it, share them."""
    loader = create_loader()
    patch.setattr(botocore.session, "create_loader", lambda _paths=None: loader)
    session = botocore.session.get_session()
    session.create_client("dynamodb", REGION, aws_access_key_id="testing", aws_secret_access_key="testing")
