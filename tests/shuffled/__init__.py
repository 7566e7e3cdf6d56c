"""Thirty days of a small shop's files, delivered in any order: what the tests of order independence share."""
