"""Keys of the WSGI environ, by which a request's parts tell the server's log about it."""

# Who sent the request: the id of an admin's account, or the subject of a token.
USER = "common.user"
