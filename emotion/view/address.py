"""What VIEW names: where the page is served, and under which names it may be asked for."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Address:
    """Where to listen: the IP address `host`, and `port`, 0 for any that is free."""

    host: str
    port: int

    @property
    def is_local(self) -> bool:
        """Whether nothing but this machine reaches it."""
        return ip_address(self.host).is_loopback

    def answers_to(self, header: str) -> bool:
        """Whether a Host header may name this machine; the port is the way's that led here.

        A page elsewhere can have its own name lead here (DNS rebinding), and its scripts would
        then count as ours: so names that are not this machine's are refused. A number is no name.
        """
        try:
            name = (urlsplit(f"//{header}").hostname or "").lower()
        except ValueError:
            return False
        if name == "localhost":
            return True
        try:
            return ip_address(name).is_loopback or not self.is_local
        except ValueError:
            import socket  # 5 ms, which a run without VIEW is spared

            own = socket.gethostname().partition(".")[0].lower()
            return not self.is_local and own != "" and name.partition(".")[0] == own

    def url(self, token: str) -> str:
        """What to type into a browser; `token` is empty where none is asked for."""
        host = _outward(self.host) if ip_address(self.host).is_unspecified else self.host
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self.port}/{token + '/' if token else ''}"


def parse(text: str) -> Address | None:
    """The address in `8000` (this machine only) or `0.0.0.0:8000`; None in `0` and in others."""
    host, colon, port = text.rpartition(":")
    if text == "0" or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
        return None
    if not colon or host == "localhost":
        return Address(_LOOPBACK, int(port))
    try:
        number = ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    in_brackets = host.startswith("[") and host.endswith("]")
    return Address(str(number), int(port)) if in_brackets == (number.version == 6) else None


def wrong_view(text: str) -> str | None:
    """Why VIEW cannot be `text`, or None."""
    if text == "0" or parse(text):
        return None
    return "is neither a port, like 8000, nor an address with one, like 0.0.0.0:8000"


def _outward(host: str) -> str:
    """This machine's own address on the way out, for one that listens at all of them."""
    import socket

    family, far = (socket.AF_INET6, "2001:db8::1") if ":" in host else (socket.AF_INET, "192.0.2.1")
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far, 9))  # chooses a way; nothing is sent
            return str(probe.getsockname()[0])
    except OSError:
        return "::1" if ":" in host else _LOOPBACK
