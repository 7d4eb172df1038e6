"""Passwords of logins, derived from SECRET_KEY, and addresses with a login in them."""

from urllib.parse import quote, unquote, urlsplit, urlunsplit

from keys.derived import derive


def role_password(root: str, role: str) -> str:
    """Of a service's database role, the same wherever the same SECRET_KEY is known."""
    return derive(root.encode(), f"database role {role}").hex()


def broker_login(root: str, amqp_url: str, service: str) -> tuple[str, str]:
    """Name and password of a service's login. Logins belong to the whole broker, so the vhost is in the name."""
    name = f"{vhost_of(amqp_url).strip('/') or 'loctician'}.{service}"
    return name, derive(root.encode(), f"broker login {name}").hex()


def with_login(url: str, name: str, password: str) -> str:
    """The address, or each of several with commas between them, with this login."""
    parts = [urlsplit(part.strip()) for part in url.split(",")]
    login = f"{quote(name, safe='')}:{quote(password, safe='')}"
    return ",".join(urlunsplit(part._replace(netloc=f"{login}@{part.netloc.rpartition('@')[2]}")) for part in parts)


def without_login(url: str) -> str:
    parts = [urlsplit(part.strip()) for part in url.split(",")]
    return ",".join(urlunsplit(part._replace(netloc=part.netloc.rpartition("@")[2])) for part in parts)


def has_login(url: str) -> bool:
    return urlsplit(url.split(",")[0].strip()).username is not None


def vhost_of(amqp_url: str) -> str:
    """A path of one slash, or none, is the vhost "/"."""
    return unquote(urlsplit(amqp_url.split(",")[0].strip()).path[1:]) or "/"
