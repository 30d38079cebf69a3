"""Failpoints: named moments at which a test may end, fail or hold a process of this system (docs/adr/0014).

They do nothing unless `COUNTERMARK_FAILPOINTS` names a folder, which nobody sets outside tests. A test arms a point
by a file in it, see `arm`; the first process that reaches the point takes the file away, says so in the file
`reached`, and acts.
"""

from countermark.faults.failpoints import DIRECTORY, Action, InjectedFault, arm, armed, reach, reached, visits
from countermark.faults.points import Point

__all__ = ["DIRECTORY", "Action", "InjectedFault", "Point", "arm", "armed", "reach", "reached", "visits"]
