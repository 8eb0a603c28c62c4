"""The OAuth2 server (RFC 6749): authorisation code with PKCE, client credentials, refresh, and what
follows.

`ask.py` is the way through the consent page, `settle.py` the token endpoint, `after.py` revocation and
introspection. There is no implicit and no password grant, and nothing here shows a page or reads a request.
"""
