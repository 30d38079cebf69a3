"""Finding the few fingerprints that are worth comparing with a given one among very many."""
