"""`python -m node_impl`: the same as the command `ackproof-node`."""

import sys

from node_impl.io.server import main

sys.exit(main())
