"""`python -m bench.fabric`: see `bench.fabric.measuring`."""

from bench.fabric.measuring import main

if __name__ == "__main__":
    main()
