"""`countermark up`: the whole platform on this machine, as a tree of processes that live and end together."""
