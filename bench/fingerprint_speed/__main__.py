"""`python -m bench.fingerprint_speed`: see `bench.fingerprint_speed.measuring`."""

from bench.fingerprint_speed.measuring import main

if __name__ == "__main__":
    main()
