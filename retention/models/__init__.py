"""Scores: who will stay away (churn) and who is worth how much (CLV)."""
