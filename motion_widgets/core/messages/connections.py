"""The environment's settings for connections: proxies and certificates. No sentence shows a value of theirs."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "proxy_unusable": "The proxy in {variable} cannot be used: {found}. Nothing was sent; correct the setting, then try again.",
    "proxy_of_system": "this system's settings",
    "proxy_scheme": "its address is of the kind {found}, not one of {known}",
    "proxy_no_address": "its address names no host and port as in http://proxy.example:3128",
    "proxy_no_socks": 'it speaks SOCKS, which takes a package: pip install "httpx[socks]"',
    "proxy_login": "it asks for another name and password (HTTP 407)",
    "certificates_unusable": "The certificates in {variable} cannot be used: {found}. Nothing was sent; name a file in PEM format there, or unset it.",
    "certificates_missing": "what it names does not exist",
    "certificates_locked": "what it names cannot be read",
    "certificates_none": "what it names is empty or no PEM file, such as one in DER format",
}
