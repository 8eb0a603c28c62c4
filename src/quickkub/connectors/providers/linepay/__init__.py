"""LINE Pay (Thailand), formerly Rabbit LINE Pay: Online API v3 and v4, and the payer's barcode by v4.

Written from the public reference; what is not public is behind a switch of manifest.py. A payer's approval
moves no money: our confirmation does, and it is given in an inquiry. Nothing that LINE Pay sends by itself is
signed.
"""
