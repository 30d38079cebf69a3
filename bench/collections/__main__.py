"""`python -m bench.collections`: see `bench.collections.measuring`."""

from bench.collections.measuring import main

if __name__ == "__main__":
    main()
