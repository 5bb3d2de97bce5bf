"""`ackproof systems install`: brings the programs of systems under test, and finds programs that are here.

A *recipe* (recipe.py; one file a system in recipes/) is a value: the system's releases, where each comes from
(sources/: Debian packages, pip, Go, Maven), and how each program is asked for its version. installation.py
carries it out: everything is put into a folder of its own, $XDG_DATA_HOME/ackproof/systems/NAME/VERSION, at
once or not at all. Nothing is installed on the machine: packages are unpacked, their scripts do not run.

pins.py holds the checksums that downloads must have (pins/NAME.json). finding.py is for systems: it finds a
program (an own one, an installed one, one of the machine) and proves its version.
"""

from harness.systems.installing.catalogue import RECIPES, recipe_of
from harness.systems.installing.finding import Located, located
from harness.systems.installing.folders import Installed, installed, record_of, systems_home
from harness.systems.installing.installation import install, share_brought
from harness.systems.installing.java import Java, located_java
from harness.systems.installing.recipe import Recipe, Release

__all__ = [
    "RECIPES",
    "Installed",
    "Java",
    "Located",
    "Recipe",
    "Release",
    "install",
    "installed",
    "located",
    "located_java",
    "recipe_of",
    "record_of",
    "share_brought",
    "systems_home",
]
