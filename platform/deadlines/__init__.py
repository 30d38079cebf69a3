"""What happens when somebody does not act: enforcing deadlines (R77), comparing payments and transmissions (R76)."""
