"""One Manifold process from settings to exit code.

Guarantees the order in which nothing half-done is left behind: settings are checked before this begins; the port is
bound and the root directory locked before a file is written, so that a second start on the same directory cannot
spoil the kubeconfig of the first; credentials and certificates come before the shard, and it listens last.
SIGTERM and SIGINT stop it within five seconds with exit code 0. Whatever cannot be mended here is one line on stderr
and exit code 1.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import ssl
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from manifold import __version__
from manifold.server import certificates, files, kubeconfig, serving, tokens
from manifold.server.address import Addresses, addresses
from manifold.server.files import FileError
from manifold.server.metrics import Registry
from manifold.server.process_metrics import add_process
from manifold.server.runtime import tune_memory, tune_objects, tune_process
from manifold.server.settings import ADMIN, USER, Settings
from manifold.server.surroundings import OpenShard, Surroundings
from manifold.server.tokens import NO_TOKENS, AdminTokens
from manifold.storage.contract import StoreError

GRACE_SECONDS = 3.0
CLOSE_SECONDS = 1.2
OWN_CHECK_SECONDS = 86400.0
GIVEN_CHECK_SECONDS = 60.0

logger = logging.getLogger("manifold.process")


def run(settings: Settings, open_shard: OpenShard) -> int:
    """Run until a signal. Returns the exit code."""
    _log(settings.v)
    for name in settings.unused:
        print(f"manifold: --{name} has no effect here; see `manifold start options`", file=sys.stderr)
    try:
        listener = _bind(settings)
        try:
            return _prepare_and_serve(settings, listener, open_shard)
        finally:
            listener.close()
    except (FileError, StoreError) as error:
        print(f"manifold: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def _bind(settings: Settings) -> socket.socket:
    try:
        return serving.bind(settings.bind_address, settings.secure_port)
    except OSError as error:
        host = f"[{settings.bind_address}]" if ":" in settings.bind_address else settings.bind_address
        raise FileError(
            f"cannot listen on {host}:{settings.secure_port}: {os.strerror(error.errno or 0)}; stop what listens "
            "there, or choose another --secure-port or --bind-address"
        ) from None


def _prepare_and_serve(settings: Settings, listener: socket.socket, open_shard: OpenShard) -> int:
    import uvloop

    tune_process()
    tune_memory()
    files.make_directory(settings.root_directory)
    lock = files.lock(settings.root_directory)
    try:
        where = addresses(settings, listener.getsockname()[1])
        chain, key, authority = _certificates(settings, where)
        admin = _credentials(settings, where, authority)
        context = serving.tls_context(chain, key, settings.client_ca_file)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(settings, listener, open_shard, where, context, admin))
    finally:
        os.close(lock)


def _certificates(settings: Settings, where: Addresses) -> tuple[Path, Path, bytes]:
    """Paths of chain and key, and what clients shall trust."""
    if settings.tls_cert_file is not None and settings.tls_private_key_file is not None:
        # The CA behind a certificate that was given is not known; the chain itself is what a client can trust.
        authority = files.read(settings.tls_cert_file) or b""
        return settings.tls_cert_file, settings.tls_private_key_file, authority
    found = certificates.ensure(settings.cert_dir, where.names, time.time())
    return found.chain, found.key, found.authority


def _credentials(settings: Settings, where: Addresses, authority: bytes) -> AdminTokens:
    """Bring kubeconfig and token store up to date."""
    if ADMIN not in settings.batteries_included:
        return NO_TOKENS
    current = kubeconfig.load(settings.kubeconfig_path)
    with_user = USER in settings.batteries_included
    store = settings.authentication_admin_token_path
    admin, stored = tokens.load(store, current.tokens(), settings.kubeconfig_path, with_user)
    content = kubeconfig.update(current, where.base_url, authority, admin.tokens)
    if content is not None:
        files.write(settings.kubeconfig_path, content, 0o600)
    if stored is not None:
        files.write(store, stored, 0o600)
    return admin


async def _serve(
    settings: Settings,
    listener: socket.socket,
    open_shard: OpenShard,
    where: Addresses,
    context: ssl.SSLContext,
    admin: AdminTokens,
) -> int:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    registry = Registry()
    surroundings = Surroundings(
        settings, where.base_url, where.external_url, where.virtual_workspace_url, admin, registry, stopping
    )
    shard = await open_shard(surroundings)
    server = serving.Server(shard.app, context)
    keeper = asyncio.create_task(_keep_certificate(settings, where, context))
    try:
        await server.start(listener, add_process(registry, lambda: server.connections))
        tune_objects()
        _greet(settings, where)
        await stopping.wait()
        logger.info("stopping")
    finally:
        keeper.cancel()
        stopping.set()
        await server.stop(GRACE_SECONDS)
        try:
            await asyncio.wait_for(shard.close(), CLOSE_SECONDS)
        except TimeoutError:
            logger.warning("the shard did not close in time; what was answered is durable")
    return 0


async def _keep_certificate(settings: Settings, where: Addresses, context: ssl.SSLContext) -> None:
    """Serve new connections with a renewed certificate: our own before it ends, one that was given when it changes."""
    given = [path for path in (settings.tls_cert_file, settings.tls_private_key_file) if path is not None]
    seen = _modified(given)
    while True:
        await asyncio.sleep(GIVEN_CHECK_SECONDS if given else OWN_CHECK_SECONDS)
        if given:
            now = await asyncio.to_thread(_modified, given)
            if now == seen:
                continue
            seen = now
        try:
            chain, key, _ = await asyncio.to_thread(_certificates, settings, where)
            # OpenSSL forgets the old key when the new certificate does not fit it, so a pair that is only half
            # replaced must not reach the context that serves.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key)
            context.load_cert_chain(chain, key)
        except (FileError, OSError) as error:
            logger.warning("the serving certificate could not be renewed: %s", error)


def _modified(paths: Sequence[Path]) -> list[int]:
    """When each file last changed, 0 where it is not there."""
    found = []
    for path in paths:
        try:
            found.append(path.stat().st_mtime_ns)
        except OSError:
            found.append(0)
    return found


def _log(level: int) -> None:
    logging.basicConfig(
        level=logging.WARNING if level == 0 else logging.INFO if level < 4 else logging.DEBUG,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def _greet(settings: Settings, where: Addresses) -> None:
    lines = [f"Manifold {__version__} is ready, listening on {where.listening}"]
    if where.base_url != where.listening:
        lines.append(f"reached at {where.base_url}")
    lines.append(f"everything is kept in {settings.root_directory}")
    if ADMIN in settings.batteries_included:
        import shlex

        lines += [
            "",
            "To use it:",
            f"  export KUBECONFIG={shlex.quote(str(settings.kubeconfig_path))}",
            "  kubectl get workspaces",
        ]
    with contextlib.suppress(OSError, ValueError):  # whoever reads this may be gone already
        print("\n".join(lines), flush=True)
