"""What an operator shows to somebody who asks: counted, with digests, out of the live system.

A report is a table with a name, words in Thai and English, and rows; the folder of evidence is many of them
with a page for people. Nothing here decides whether a rule is kept: it shows what there is and says what is
missing. No secret and no full personal value is ever in a report.
"""
