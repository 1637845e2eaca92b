"""Turns the name of a secret into the secret, with the function that the setting ``SECRETS`` names.

If your secrets live in a vault, the function takes two lines::

    def from_our_vault(name: str) -> str:
        return vault_client.get_secret(name).value

It must raise ``LookupError`` if no secret has that name. By default, secrets are environment variables.
"""

from __future__ import annotations

from .. import conf
from ..exceptions import ConfigurationError
from ..secret import Secret


def secret_named(name: str) -> Secret:
    """Raises ``ConfigurationError`` if no secret has that name, or if the store of secrets does not answer."""
    found = _asked_for(name)
    if isinstance(found, ConfigurationError):
        raise found
    return found


def _asked_for(name: str) -> Secret | ConfigurationError:
    """Returns errors instead of raising them: a vault's error may show what was asked of it, and the frames below may
    hold the secret."""
    try:
        return Secret(conf.get_settings().SECRETS(name))
    except LookupError:
        return ConfigurationError(f'there is no secret named "{name}"')
    except Exception as error:  # noqa: BLE001  a vault's client may raise anything
        return ConfigurationError(f'the secret named "{name}" cannot be looked up ({type(error).__name__})')
