"""What a person recognizes a session by: program and system of the device, and the network it signed in from.

Programs say themselves what they are, and can say anything. There are no maps of networks here, so no city is named.
"""

import ipaddress

# In this order: Edge, Opera and Samsung's name Chrome too, Chrome names Safari.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device(user_agent: str | None) -> str | None:
    """Like "Firefox, Windows"; None when neither is known."""
    text = user_agent or ""
    names = [next((name for part, name in known if part in text), None) for known in (BROWSERS, SYSTEMS)]
    return ", ".join(name for name in names if name) or None


def network(address: str | None) -> str | None:
    """The /24 network of an IPv4 address, the /48 network of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return None
    bits = 24 if parsed.version == 4 else 48
    return str(ipaddress.ip_network((parsed, bits), strict=False))
