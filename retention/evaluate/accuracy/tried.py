"""What the default was chosen by, and what was tried and left out: the end of the page."""

TRIED = """## What was chosen, and what was tried and did not help

Choices were made on the five splits above and on 16 that are not listed: other as-of dates and horizons of the same data
(CDNOW 26 weeks from 1997-08 and from 1998-01, 43 weeks from 1997-09, 13 weeks from 1997-10; Complete Journey 60 to 184 days
from June to September) and six simulated companies (a wave of first orders, a steady flow of them, a strong season, regular
buyers, buyers who pause). Nothing is set per data set; what depends on the data is learned from outcomes before the as-of
date. Figures of this section were measured once.

**Churn over longer horizons than there are outcomes.** The lengthening is learned inside the outcomes (30 days to 91 as 91 to
273). Mean log loss of ten such splits went from 0.372 to 0.370; it fell on seven, rose by 0.002 on the two below, and by
0.014 with the simulated season, which no history shorter than a year can tell. On the 26 weeks from 1997-08 and the 43 weeks
from 1997-09, learned from the first months of a single wave of customers, the mean is off by 4 and 5 points; following
silence alone was off by 2 there.

* Bringing the level halfway to what the expected orders imply: better on these two splits, far worse with regular buyers
  (mean off by 11 points instead of 8).
* Following silence by the learned model alone, without the purchase process: better with regular buyers and on CDNOW's 39
  weeks, worse on its 26 and 43 weeks (mean off by 4 to 5 points).
* Expected orders over orders per buyer as the chance of an order: no order among frequent buyers (AUC 0.48 on Complete
  Journey).
* Weighing the newest dates more in learning the lengthening: no better.

**Value.** Four candidates, blended as roots. Against three blended as amounts, absolute error fell on 14 of 21 splits (by 0.3
% on average), total bias from 10.7 to 10.6 % on average; rank correlation and Gini fell by less than 0.001.

* The purchase process alone has the least absolute error on CDNOW's 39 weeks (32.2), because its total is too low (-19 %),
  and the largest on both splits of Complete Journey. Error and total cannot both be had there with one blend: the outcomes
  that were learned from end in September, sales of October to December are higher, and whatever was put on their level erred
  more (33.6 and above).
* Geometric means: less error still (0.8 %), but a total that is lower yet, and a Gini that falls by up to 0.02.
* The churn model's chance of buying in place of value's own: rank correlation 0.01 to 0.02 higher on CDNOW, error up to 5 %
  higher.
* Order values drawn to their mean (power 0.75): rank correlation 0.01 higher on CDNOW, error 8 % higher on Complete Journey.
"""
