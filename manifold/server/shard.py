"""A shard: the store and everything that stands on it, put together.

This is the one place that knows all layers. It opens the store, lays the foundation, writes what is missing, and
connects the verbs, the views, authorization, admission, effects and controllers to the application.
"""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import urlsplit

from manifold.admission.plugin import Chain as AdmissionChain
from manifold.auth.authentication.authenticator import Authentication
from manifold.auth.authentication.service_accounts import ServiceAccounts, TokenIssuer, token_cluster
from manifold.auth.authentication.signing import SigningKeys, UnusableKey, generate_key, is_generated
from manifold.auth.authentication.static import StaticTokens, TokenFileError, read_token_file
from manifold.auth.chain import Chain
from manifold.controllers.bindings import BindingController
from manifold.controllers.claims import ClaimController
from manifold.controllers.default_bindings import DefaultBindingController
from manifold.controllers.definitions import DefinitionController
from manifold.controllers.exports import ExportController, IdentityController, SchemaController, SliceController
from manifold.controllers.garbage import GarbageController, PropagationController
from manifold.controllers.limits import LimitController
from manifold.controllers.mounts import MountController
from manifold.controllers.namespace_content import ContentController
from manifold.controllers.namespaces import NamespaceController
from manifold.controllers.runtime import Runtime
from manifold.controllers.scheduling import SchedulingController
from manifold.controllers.urls import UrlController
from manifold.controllers.workspaces import SweepController, TakeDownController
from manifold.exports.admission import BindingAdmission, BoundTypes, EndpointSliceAdmission, OwnExportAdmission
from manifold.exports.claim_labels import ClaimLabels
from manifold.exports.definition_names import DefinitionNames
from manifold.exports.definitions import DefinitionEffects
from manifold.exports.export_effects import ExportEffects, SchemaEffects
from manifold.exports.offering import Offerings
from manifold.exports.references import References
from manifold.exports.shown import ExportViews
from manifold.exports.slices import SliceEffects, Slices
from manifold.exports.stored_form import StoredForm
from manifold.exports.sweeping import left_behind
from manifold.registry.clusters import Clusters
from manifold.registry.counting import Limits
from manifold.registry.effects import Effects
from manifold.registry.followed import Followed
from manifold.registry.hub import Hub
from manifold.registry.owners import Owners
from manifold.registry.totals import open_totals
from manifold.registry.writing import Environment, SystemClock
from manifold.server import files, health
from manifold.server.access import NAME as ACCESS
from manifold.server.access import AccessService
from manifold.server.app import Application, Doors
from manifold.server.documents import Documents
from manifold.server.export_services import export_services
from manifold.server.fairness import Turns
from manifold.server.mount_client import Credentials, MountClient
from manifold.server.mounts import Mounts
from manifold.server.open_watches import OpenWatches
from manifold.server.process_metrics import RequestMetrics
from manifold.server.resources import Resources
from manifold.server.routes import Routes
from manifold.server.schema_service import schema_services
from manifold.server.services import Services, lifecycle_services
from manifold.server.surroundings import Surroundings
from manifold.storage.contract import Store
from manifold.storage.sqlite import open_store
from manifold.types.kcp import EXPORTED_TYPES, SYSTEM_TYPES
from manifold.types.table import built_in_types
from manifold.views import known_types
from manifold.views.ranges import StoredRanges
from manifold.views.resolution import Resolver
from manifold.workspaces import entries, guarding
from manifold.workspaces.admission import WorkspaceAdmission
from manifold.workspaces.beginning import Beginning, Exports
from manifold.workspaces.bootstrap import Setting, bootstrap
from manifold.workspaces.creating import ShardIdentity, WorkspaceEffects
from manifold.workspaces.default_bindings import DefaultBindingEffects
from manifold.workspaces.foundation import ROOT, lay
from manifold.workspaces.homes import Homes
from manifold.workspaces.lifecycle import LogicalClusterEffects
from manifold.workspaces.mounts import Mounts as Mounting
from manifold.workspaces.namespaces import (
    ROOT_CA_CONFIG_MAP,
    SERVICE_ACCOUNT,
    ContentEffects,
    NamespaceEffects,
    RootCAKeeper,
    namespace,
)
from manifold.workspaces.paths import Paths
from manifold.workspaces.quotas import ResourceQuotaEffects
from manifold.workspaces.reachable import Reachable
from manifold.workspaces.scheduling import Scheduling, ShardEffects
from manifold.workspaces.type_admission import WorkspaceTypeAdmission, WorkspaceTypeEffects
from manifold.workspaces.types import WorkspaceTypes
from manifold.workspaces.urls import note_urls
from manifold.workspaces.waiting import write_rows

STORE_FILE = "store.sqlite"
SIGNING_KEY_FILE = "sa.key"
RBAC = "rbac.authorization.k8s.io"
APIS = "apis.kcp.io"


class Shard:
    """An open shard; see `manifold.server.surroundings.Shard`."""

    def __init__(
        self,
        store: Store,
        app: Application,
        runtime: Runtime,
        watches: OpenWatches,
        client: MountClient,
        stop: asyncio.Event,
    ) -> None:
        self.app = app
        self._client = client
        self._waiter = asyncio.create_task(self._end_watches(stop))
        self._store = store
        self._watches = watches
        self._tasks = [asyncio.create_task(runtime.run()), asyncio.create_task(watches.run())]

    @property
    def ready(self) -> bool:
        """Whether `root` can be used: it can once a shard is open."""
        return not self._watches.stopping

    async def _end_watches(self, stop: asyncio.Event) -> None:
        """End watches as soon as the process begins to stop, so that connections can end."""
        await stop.wait()
        self._watches.stop()

    async def close(self) -> None:
        """End controllers and what is left of connections to mounted servers, and close the store."""
        self._client.close()
        self._watches.stop()
        for task in (self._waiter, *self._tasks):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._store.close()


def _root_ca(surroundings: Surroundings) -> str:
    settings = surroundings.settings
    path = settings.tls_cert_file or settings.cert_dir / "ca.crt"
    return (files.read(path) or b"").decode()


def _signing_keys(surroundings: Surroundings) -> SigningKeys:
    path = surroundings.settings.root_directory / SIGNING_KEY_FILE
    pem = files.read(path)
    if pem is None:
        pem = generate_key()
        files.write(path, pem, 0o600)
    signing = SigningKeys([pem])
    if not is_generated(pem):  # by its form alone: reading keys takes libraries that cost a start too much
        try:
            signing.check()
        except UnusableKey as error:
            raise files.FileError(
                f"{path} cannot sign service account tokens: {error}; restore it, or remove it to make a new one"
            ) from None
    return signing


def _tokens(surroundings: Surroundings) -> StaticTokens:
    tokens = StaticTokens()
    for digest, user in surroundings.tokens.users.items():
        tokens.add_digest(digest, user)
    path = surroundings.settings.token_auth_file
    if path is not None:
        try:
            tokens.add_all(read_token_file(path))
        except TokenFileError as error:
            raise files.FileError(str(error)) from None
    return tokens


async def open_shard(surroundings: Surroundings) -> Shard:
    """Open the shard of a process. Raises StoreError or FileError with a line for the operator."""
    settings = surroundings.settings
    root_ca = _root_ca(surroundings)
    issuer = TokenIssuer(_signing_keys(surroundings))
    tokens = _tokens(surroundings)
    store = await open_store(
        settings.root_directory / STORE_FILE,
        retention_seconds=settings.log_retention,
        retention_bytes=settings.log_retention_bytes,
    )
    try:
        return await _assemble(store, surroundings, root_ca, issuer, tokens)
    except BaseException:
        await store.close()
        raise


async def _assemble(
    store: Store, surroundings: Surroundings, root_ca: str, issuer: TokenIssuer, tokens: StaticTokens
) -> Shard:
    settings = surroundings.settings
    clock = SystemClock()
    types = (*built_in_types(), *SYSTEM_TYPES)
    foundation = await lay(store, clock)
    kinds = foundation.kinds(types)
    setting = Setting(
        settings.shard_name,
        surroundings.base_url,
        surroundings.external_url,
        surroundings.virtual_workspace_url,
        settings.batteries_included,
        settings.home_workspaces_home_creator_groups,
        root_ca,
    )
    await bootstrap(store, clock, foundation, kinds, setting)
    await entries.complete(store)
    await write_rows(store, kinds.get("core.kcp.io", "logicalclusters"))
    await known_types.write_rows(store)
    await note_urls(store, surroundings.external_url, surroundings.virtual_workspace_url)
    totals = await open_totals(store, settings.logical_cluster_total_object_limit)

    exported = {(ROOT, name): (foundation.identity(name), kinds_of) for name, kinds_of in EXPORTED_TYPES.items()}
    scheduling = Scheduling(kinds, settings.shard_name)
    resolver = Resolver(store, types, exported)
    chain = Chain(store, resolver, always_allow_paths=settings.authorization_always_allow_paths)
    paths = Paths(store, kinds.get("tenancy.kcp.io", "workspaces"))
    workspace_types = WorkspaceTypes(store, kinds.get("tenancy.kcp.io", "workspacetypes"), paths)
    shard = ShardIdentity(settings.shard_name, surroundings.external_url)
    offerings = Offerings(store, kinds.get("apis.kcp.io", "apiexports"), kinds.get("apis.kcp.io", "apiresourceschemas"))
    references = References(foundation.exports(), offerings, paths, chain)
    followed = Followed()
    await followed.load(store)
    mounting = Mounting(resolver, followed) if settings.feature_gates["WorkspaceMounts"] else None
    role_guard = guarding.RoleGuard(chain)
    admission = AdmissionChain(
        [guarding.PathGuard(), ClaimLabels(resolver), BoundTypes(resolver)],
        {
            ("apis.kcp.io", "apibindings"): [BindingAdmission(references)],
            ("apis.kcp.io", "apiexports"): [OwnExportAdmission(references)],
            ("apis.kcp.io", "apiexportendpointslices"): [EndpointSliceAdmission(references)],
            ("tenancy.kcp.io", "workspacetypes"): [WorkspaceTypeAdmission(references)],
            ("tenancy.kcp.io", "workspaces"): [WorkspaceAdmission(kinds, workspace_types, chain)],
            ("core.kcp.io", "logicalclusters"): [guarding.LogicalClusterGuard()],
            ("", "namespaces"): [guarding.NamespaceGuard()],
            ("", "configmaps"): [RootCAKeeper(root_ca)],
            **{(RBAC, name): [role_guard] for name in ("roles", "rolebindings", "clusterroles", "clusterrolebindings")},
        },
    )
    logical_clusters = kinds.get("core.kcp.io", "logicalclusters")
    namespaces = kinds.get("", "namespaces")
    definitions = kinds.get("apiextensions.k8s.io", "customresourcedefinitions")
    names = DefinitionNames(definitions, resolver)
    partitions = kinds.get("topology.kcp.io", "partitions")
    slices = Slices(references, partitions, surroundings.virtual_workspace_url, scheduling.labels)
    exports = ExportEffects(kinds, clock, slices, lambda author, name: namespace(author, name, root_ca), followed)
    bindings = DefaultBindingEffects(
        references, kinds.get("apis.kcp.io", "apibindings"), logical_clusters, names, workspace_types
    )
    effects: dict[tuple[str, str], Effects] = {
        ("apis.kcp.io", "apibindings"): StoredForm(bindings),
        ("apis.kcp.io", "apiexports"): StoredForm(exports),
        ("apis.kcp.io", "apiexportendpointslices"): SliceEffects(slices, followed),
        ("apis.kcp.io", "apiresourceschemas"): SchemaEffects(settings.refuse_unenforced_rules),
        ("core.kcp.io", "logicalclusters"): LogicalClusterEffects(kinds, totals),
        ("core.kcp.io", "shards"): ShardEffects(),
        ("tenancy.kcp.io", "workspacetypes"): WorkspaceTypeEffects(kinds, clock, surroundings.virtual_workspace_url),
        ("apiextensions.k8s.io", "customresourcedefinitions"): DefinitionEffects(
            names, bindings, settings.refuse_unenforced_rules
        ),
        ("", "resourcequotas"): ResourceQuotaEffects(),
        ("", "namespaces"): NamespaceEffects(kinds, clock, root_ca),
        ("", "configmaps"): ContentEffects(namespaces, ROOT_CA_CONFIG_MAP),
        ("", "serviceaccounts"): ContentEffects(namespaces, SERVICE_ACCOUNT),
        entries.BINDINGS: entries.BindingEntries(),
    }
    limits = Limits(store, kinds.get("", "resourcequotas"), logical_clusters, StoredRanges(resolver), totals)
    environment = Environment(store, Clusters(store), admission, effects, clock, Owners(resolver), followed, limits)
    # A new workspace creates what it begins with by the same verb, so its effects come last.
    beginning = Beginning(environment, kinds, Exports(foundation.exports()), references, root_ca)
    effects["tenancy.kcp.io", "workspaces"] = WorkspaceEffects(
        kinds, workspace_types, beginning, shard, clock, scheduling, mounting
    )
    homes = Homes(store, kinds, workspace_types, beginning, shard, chain, clock)
    runtime = Runtime(
        store,
        [
            BindingController(environment, kinds, resolver),
            ExportController(environment, kinds, bindings),
            SliceController(environment, kinds, slices),
            SchemaController(environment, kinds),
            IdentityController(environment, kinds),
            DefaultBindingController(environment, kinds, workspace_types, references),
            ClaimController(environment, resolver),
            DefinitionController(environment, resolver, definitions),
            NamespaceController(environment, resolver, namespaces),
            ContentController(environment, kinds, root_ca),
            SchedulingController(environment, kinds, scheduling),
            TakeDownController(environment, kinds, resolver),
            SweepController(environment, kinds, left_behind(exports)),
            GarbageController(environment, resolver),
            PropagationController(environment, resolver),
            LimitController(store, limits),
            UrlController(store, kinds, surroundings.external_url, surroundings.virtual_workspace_url),
            *([MountController(environment, kinds, mounting)] if mounting is not None else ()),
        ],
    )
    authentication = Authentication(tokens, ServiceAccounts(store, issuer))
    rested_on = [("tenancy.kcp.io", "workspacetypes"), *((APIS, name) for name in ("apiexports", "apiresourceschemas"))]
    watches = OpenWatches(store, chain, resolver, [kinds.get(*place).prefix for place in rested_on])
    views = ExportViews(
        store, resolver, references, kinds.get(APIS, "apiexports"), kinds.get(APIS, "apiresourceschemas")
    )
    workspace_type = kinds.get("tenancy.kcp.io", "workspacetypes")
    reachable = Reachable(store, chain, logical_clusters, workspace_type, workspace_types)
    access = AccessService(chain, paths, reachable, clock)
    services = Services(
        {
            **lifecycle_services(store, chain, logical_clusters, workspace_types),
            **export_services(store, chain, resolver, environment.clusters, views),
            **schema_services(store, chain, kinds.get(APIS, "apibindings"), kinds.get(APIS, "apiresourceschemas")),
            ACCESS: access,
        },
        per_caller=(ACCESS,),
    )
    hub = Hub(store)
    credentials = Credentials(
        settings.mount_proxy_client_cert_file, settings.mount_proxy_client_key_file, settings.mount_proxy_ca_file
    )
    client = MountClient(credentials)
    mounts = Mounts(
        client, chain, watches, hub, kinds.get("tenancy.kcp.io", "workspaces"),
        introduce=credentials.certificate is not None,
    )  # fmt: skip
    routes = Routes(environment, chain, authentication, issuer)
    checks = _checks(surroundings, store)
    documents = Documents(
        urlsplit(surroundings.external_url).netloc,
        surroundings.metrics,
        issuer,
        surroundings.external_url,
        lambda: [f"/{kind}/{check.name}" for check in checks for kind in check.kinds],
    )
    doors = Doors(
        authentication,
        chain,
        resolver,
        paths,
        Resources(environment, hub, watches, {**routes.table(), **access.routes()}),
        documents.serve,
        lambda header: token_cluster(header.partition(" ")[2]),
        checks,
        RequestMetrics(surroundings.metrics),
        Turns(surroundings.metrics),
        services,
        homes if settings.enable_home_workspaces else None,
        mounts if mounting is not None else None,
    )
    opened = Shard(store, Application(doors), runtime, watches, client, surroundings.stopping)
    surroundings.metrics.computed(
        "manifold_controller_work_depth",
        "Work rows waiting, also for another time, or being worked on.",
        "gauge",
        lambda: runtime.depth,
    )
    return opened


def _checks(surroundings: Surroundings, store: Store) -> list[health.Check]:
    def going_down() -> str:
        return "the process is stopping" if surroundings.stopping.is_set() else ""

    return [
        health.PING,
        health.LOG,
        health.Check("store", lambda: store.failure),
        health.Check("shutdown", going_down, ("readyz",)),
    ]
