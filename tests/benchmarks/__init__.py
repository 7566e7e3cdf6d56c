"""Figures, never judged as tests: ``make bench`` prints them with what they are compared to, from one and the same run."""
