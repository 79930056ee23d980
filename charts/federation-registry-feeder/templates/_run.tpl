{{- /*
The program of a run. Upstream asks an agent in another container for tokens, through Docker; here the function it would call is
replaced before upstream's modules are loaded. Then comes the guard, then upstream's own main, all in one process.
*/ -}}
{{- define "federation-registry-feeder.run" -}}
"""One run of the feeder: what it would delete is looked at first, then upstream's program runs."""

import json
import os
import sys
import time
from pathlib import Path

import liboidcagent
import requests

CHART = "federation-registry-feeder"
ACCOUNTS = Path("/secrets/accounts/accounts.json")
KEYS = ("issuer", "client_id", "client_secret", "refresh_token")
tokens = {}


def stop(message):
    print(f"{CHART}: {message}", file=sys.stderr)
    sys.exit(1)


def accounts():
    """Return the accounts by issuer; each is a client at the issuer and a refresh token of a user."""
    if not ACCOUNTS.exists():
        return {}
    try:
        found = [{key: str(item[key]) for key in KEYS} for item in json.loads(ACCOUNTS.read_text(encoding="utf-8"))]
    except (ValueError, TypeError, KeyError) as error:
        stop(f"accounts.json is not a list of objects with {', '.join(KEYS)}: {type(error).__name__}")
    return {item["issuer"].rstrip("/"): item for item in found}


def token(issuer_url, min_valid_period=0, application_hint=None, scope=None, audience=None):
    """Return an access token that is valid for so many seconds; takes the place of the agent's function."""
    issuer = str(issuer_url).rstrip("/")
    kept, end = tokens.get((issuer, audience), ("", 0))
    if end > time.time() + min_valid_period:
        return kept
    account = accounts().get(issuer)
    if account is None:
        raise liboidcagent.OidcAgentError(f"accounts.json has no account of {issuer}")
    form = {"grant_type": "refresh_token", "refresh_token": account["refresh_token"]}
    form |= {"scope": scope} if scope else {}
    form |= {"audience": audience} if audience else {}
    try:
        discovery = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=30)
        discovery.raise_for_status()
        login = (account["client_id"], account["client_secret"])
        answer = requests.post(discovery.json()["token_endpoint"], data=form, auth=login, timeout=30)
    except requests.RequestException as error:
        raise liboidcagent.OidcAgentError(f"{issuer} gives no token: {error}") from error
    if answer.status_code != 200:
        reason = answer.text[:300]
        raise liboidcagent.OidcAgentError(f"{issuer} refuses the refresh token ({answer.status_code}): {reason}")
    given = answer.json()
    if given.get("refresh_token", account["refresh_token"]) != account["refresh_token"]:
        print(f"{CHART}: {issuer} has given a new refresh token, the old one may be void: let the client reuse it")
    tokens[issuer, audience] = given["access_token"], time.time() + int(given.get("expires_in", 0))
    return given["access_token"]


def guard(settings, logger, level):
    """Return whether there is anything to do; ends the run where upstream would delete what nobody allowed."""
    from src.utils import get_conf_files, get_site_configs, infer_service_endpoints

    files = get_conf_files(settings=settings, logger=logger)
    sites, failed = get_site_configs(yaml_files=files, log_level=level)
    if failed or len(sites) < len(files):
        stop("a file of the providers is wrong or an issuer gave no token (see above); upstream would delete its providers")
    configured = {provider.name for site in sites for provider in (*site.openstack, *site.kubernetes)}
    url = str(infer_service_endpoints(settings=settings, logger=logger).providers)
    try:
        answer = requests.get(url, timeout=settings.FED_REG_TIMEOUT)
        answer.raise_for_status()
    except requests.RequestException as error:
        stop(f"the registry does not say what it knows, so nothing is changed: {error}")
    missing = {item["name"] for item in answer.json()} - configured
    missing -= set(json.loads(os.environ.get("FEEDER_ALLOW_REMOVAL", "[]")))
    if missing:
        names = ", ".join(sorted(missing))
        stop(
            f"the registry knows {names}, the configuration does not, and upstream would delete them; "
            f"add them to {CHART}.providers, or to {CHART}.allowRemoval if they shall go"
        )
    return bool(configured)


def run():
    liboidcagent.get_access_token_by_issuer_url = token
    from src.logger import create_logger
    from src.models.config import get_settings

    level = os.environ.get("FEEDER_LOG_LEVEL", "info").upper()
    if not guard(get_settings(), create_logger(CHART, level=level), level):
        print(f"{CHART}: no providers are configured and the registry knows none: nothing to do")
        return
    from src.main import main

    main(level)


if __name__ == "__main__":
    run()
{{- end -}}
