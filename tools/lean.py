"""A plugin of pytest, ``-p tools.lean``: the checks start four seconds sooner.

Whoever reads a notebook loads jsonschema, which works out a grammar of addresses in all scripts.
No format of ours has such an address, and without the grammar jsonschema does all else.
"""

import sys

sys.modules.setdefault("rfc3987_syntax", None)
