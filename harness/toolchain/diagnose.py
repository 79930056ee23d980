"""From the output of Go or pip to an error that says what to do."""

from __future__ import annotations

import re

from harness.errors import UserError
from harness.paths import cache_dir

TAIL = 15

# The first that matches decides, so what is surer stands first: a full disk breaks downloads and archives too.
CAUSES: tuple[tuple[str, str, str], ...] = (
    (
        r"no space left on device|disk quota exceeded|\[Errno 28\]",
        "the disk is full",
        "free some space ({cache} is in use), or set INDIGO_CACHE to a directory on a larger disk; run it again: it "
        "goes on where it stopped",
    ),
    (
        r"checksum mismatch|SECURITY ERROR|DO NOT MATCH THE HASHES",
        "a download is not what was pinned: its checksum differs",
        "a proxy between here and the registry may alter downloads: compare with another network or GOPROXY; if a "
        "local copy is damaged, `indigo tools clean --build-cache` removes it",
    ),
    (
        r"missing go\.sum entry|updates to go\.mod needed|go: inconsistent vendoring",
        "go.mod and go.sum do not fit together",
        "run `go mod tidy` in the module's directory and commit both files",
    ),
    (
        r"proxyconnect|\[Errno 111\].*proxy|ProxyError|407 Proxy Authentication",
        "the HTTP proxy does not answer",
        "check HTTPS_PROXY and NO_PROXY; Go takes modules from GOPROXY, pip takes its settings from pip.conf",
    ),
    (
        r"x509:|certificate verify failed|CERTIFICATE_VERIFY_FAILED",
        "the certificate of a download server is not trusted",
        "behind a TLS-inspecting proxy, set SSL_CERT_FILE (Go) and PIP_CERT (pip) to its certificate authority's file",
    ),
    (
        r"no such host|dial tcp|i/o timeout|TLS handshake timeout|connection re(fused|set)|network is unreachable|"
        r"context deadline exceeded|Temporary failure in name resolution|NewConnectionError|ConnectTimeoutError|"
        r"ReadTimeoutError|module lookup disabled by GOPROXY=off",
        "a download failed: no network, or the server cannot be reached",
        "check the connection, or set GOPROXY (Go) and PIP_INDEX_URL (pip) to a mirror you can reach; run it again: "
        "it goes on where it stopped",
    ),
    (
        r"No matching distribution found|is not a supported wheel",
        "there is no download for this platform",
        "use Linux or macOS on x86-64 or arm64, and glibc 2.28 or newer",
    ),
    (
        r"40[34] (Forbidden|Not Found)|410 Gone",
        "the module proxy does not have what is pinned",
        "check GOPROXY; a mirror must offer every module of go.mod",
    ),
    (
        r"signal: killed|cannot allocate memory|out of memory",
        "the compiler was killed, most likely because memory ran out",
        "close other programs or give the machine 4 GB; run it again: it goes on where it stopped",
    ),
    (
        r"not a valid zip file|corrupt|unexpected EOF|malformed|could not import .*: (open|reading)|bad magic",
        "the download or build cache is damaged",
        "run `indigo tools clean --build-cache`, then try again",
    ),
)


def failure(what: str, lines: list[str], status: int) -> UserError:
    """Return the error for a build or an installation that failed.

    Args:
        what: what was being made.
        lines: the output, without progress lines.
        status: with which the program ended.
    """
    output = "\n".join(lines)
    details = "\n".join(lines[-TAIL:])
    for pattern, cause, fix in CAUSES:
        if re.search(pattern, output):
            return UserError(f"{what}: {cause}", fix=fix.format(cache=cache_dir()), details=details)
    return UserError(
        f"{what} failed with status {status}",
        fix="read the output below; `indigo tools clean --build-cache` starts from nothing",
        details=details or "(no output)",
    )
