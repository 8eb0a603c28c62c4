"""TrueMoney Wallet (Thailand), direct: the partner API with RSA content signatures (way A of the pack).

TrueMoney hands its manual to partners only. Everything here is from public clients that agree with each
other, is off unless an account turns it on, and has every path, host and code as a setting.
"""
