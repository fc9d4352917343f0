"""Who may sign in: tokens that were told, and key pairs by their public keys."""

import base64
import hashlib
import time

import jwt
from cryptography.hazmat.primitives import serialization


class Credentials:
    """What the configuration tells to expect; nothing told lets everybody in."""

    def __init__(self, config):
        self.tokens = {"PROGRAMMATIC_ACCESS_TOKEN": set(config.get("tokens", [])), "OAUTH": set(config.get("oauth", []))}
        self.keys = [Key(**key) for key in config.get("keys", [])]
        self.revoked = set()

    def refusal(self, headers):
        """None, or code and message."""
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or not token:
            return "390101", "Authorization header field not found in the request data."
        if "user-agent" not in headers:
            return "390142", "User-Agent is missing."
        if token in self.revoked:
            return "390144" if token.count(".") == 2 else "390318", "The token has expired."
        if not self.keys and not any(self.tokens.values()):
            return None
        told = headers.get("x-snowflake-authorization-token-type")
        if token.count(".") == 2 and told in (None, "KEYPAIR_JWT"):
            return None if any(key.takes(token) for key in self.keys) else ("390144", "JWT token is invalid.")
        if told == "OAUTH" or told is None and token in self.tokens["OAUTH"]:
            return None if token in self.tokens["OAUTH"] else ("390303", "Invalid OAuth access token.")
        known = token in self.tokens["PROGRAMMATIC_ACCESS_TOKEN"]
        return None if known else ("394400", "Programmatic access token is invalid.")

    def revoke(self, headers):
        self.revoked.add(headers.get("authorization", "").partition(" ")[2])


class Key:
    """The public half of a key pair, and whose it is."""

    def __init__(self, account, user, public_key):
        self.subject = f"{account}.{user}"
        self.public = serialization.load_pem_public_key(public_key.encode())
        der = self.public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.issuer = f"{self.subject}.SHA256:{base64.b64encode(hashlib.sha256(der).digest()).decode()}"

    def takes(self, token):
        try:
            claims = jwt.decode(token, self.public, algorithms=["RS256"], options={"require": ["iss", "sub", "iat", "exp"]})
        except jwt.PyJWTError:
            return False
        lasts = claims["exp"] - claims["iat"]
        right = claims["iss"] == self.issuer and claims["sub"] == self.subject
        return right and 0 < lasts <= 3600 and claims["iat"] <= time.time()
