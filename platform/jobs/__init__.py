"""What the platform does by itself: jobs that any number of workers run, and the intents that they sign."""
