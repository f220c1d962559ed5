"""The container's entry point: the environment goes in, the exit code comes out."""

import os
import sys

from gh_store_action.action.main import main

sys.exit(main(os.environ))
