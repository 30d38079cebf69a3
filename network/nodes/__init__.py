"""The files of a network's folder: key material, settings of nodes, what clients need to reach them."""
