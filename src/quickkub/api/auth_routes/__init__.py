"""Routes for coming in:

signing in as a person, and the OAuth2 server for programs. None of them takes an API key.
"""
