"""Who may come in and what they may do: users, passwords, second factors, sessions, tokens, OAuth2, roles.

This room proves who somebody is and reads what their roles allow. It never touches money.
"""
