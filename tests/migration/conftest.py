"""Programs that use the released SDK, and what becomes of them; none of them is run here."""

import pytest

pytestmark = pytest.mark.extras("migrate")
