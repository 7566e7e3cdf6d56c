"""Why a score is what it is: exact contributions, grouped into reasons that people understand, as fixed sentences.

`wording` reads the sentences of ``include/reasons``; `sources` takes churn and value apart; `table` makes the rows of
``scores.reason``; `overview` says what moves a model over all customers, for its report.
"""
