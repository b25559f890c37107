"""Keys of the WSGI environ that the access log reads."""

# Who sent the request: the id of an admin's account, or the subject of a token.
USER = "common.user"
