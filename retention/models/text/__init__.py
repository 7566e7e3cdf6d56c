"""Texts: what complaints, survey comments and public mentions are about, in Chinese and English.

Topic, sentiment and severity are learned from the company's own labels where there are enough of them and where that reads
better than the lexicon (``include/text/lexicon.yml``); everything else is read by the lexicon and marked. The texts
themselves are stored nowhere by this package.
"""

from retention.models.text.reading import TextModel

__all__ = ["TextModel"]
