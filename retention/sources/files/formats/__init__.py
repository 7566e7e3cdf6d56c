"""The formats that files come in: each module yields the rows of one file as record batches of text."""
