"""A made-up company, as the console's back end answers for it."""
