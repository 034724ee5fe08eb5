"""Settings: where they come from, which wins, what is refused and in which words."""

import subprocess
import sys
from pathlib import Path

import pytest

from manifold.server.settings import SettingsError, resolve
from manifold.server.settings_options import OPTIONS

COMMAND = [sys.executable, "-m", "manifold.cli.main"]


def settings(directory: Path, flags=None, environment=None):
    return resolve(flags or {}, environment or {}, directory)


def refusal(directory: Path, flags=None, environment=None) -> str:
    with pytest.raises(SettingsError) as caught:
        settings(directory, flags, environment)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_defaults(tmp_path):
    made = settings(tmp_path)
    root = tmp_path / ".manifold"
    assert made.root_directory == root
    assert made.cert_dir == root
    assert made.kubeconfig_path == root / "admin.kubeconfig"
    assert made.authentication_admin_token_path == root / ".admin-token-store"
    assert (made.bind_address, made.secure_port) == ("127.0.0.1", 6443)
    assert made.shard_name == "root"
    assert made.batteries_included == {"admin", "workspace-types"}
    assert made.authorization_always_allow_paths == ("/healthz", "/readyz", "/livez")
    assert made.enable_home_workspaces is True
    assert made.home_workspaces_home_creator_groups == ("system:authenticated",)
    assert made.logical_cluster_total_object_limit == 0
    assert made.feature_gates["GlobalServiceAccount"] is True
    assert not any(on for gate, on in made.feature_gates.items() if gate != "GlobalServiceAccount")
    assert made.unused == ()
    assert not root.exists()


def test_other_defaults_follow_the_root_directory(tmp_path):
    made = settings(tmp_path, {"root-directory": "elsewhere", "kubeconfig-path": "k"})
    assert made.cert_dir == tmp_path / "elsewhere"
    assert made.authentication_admin_token_path == tmp_path / "elsewhere" / ".admin-token-store"
    assert made.kubeconfig_path == tmp_path / "k"


def test_flag_wins_over_environment_over_file_over_default(tmp_path):
    config = tmp_path / "settings.yaml"
    config.write_text("secure-port: 1\nv: 1\nbind-address: ::1\n")
    environment = {"MANIFOLD_CONFIG": str(config), "MANIFOLD_SECURE_PORT": "2", "MANIFOLD_V": "5", "HOME": "/"}
    made = settings(tmp_path, {"secure-port": "3"}, environment)
    assert (made.secure_port, made.v, made.bind_address, made.shard_name) == (3, 5, "::1", "root")


def test_a_file_takes_lists_and_maps(tmp_path):
    (tmp_path / "s.yaml").write_text(
        "batteries-included: [admin, user]\n"
        "feature-gates: {WorkspaceMounts: false}\n"
        "authorization-always-allow-paths: []\n"
    )
    made = settings(tmp_path, {"config": "s.yaml"})
    assert made.batteries_included == {"admin", "user"}
    assert made.authorization_always_allow_paths == ()


def test_an_empty_file_changes_nothing(tmp_path):
    (tmp_path / "s.yaml").write_text("# nothing yet\n")
    assert settings(tmp_path, {"config": "s.yaml"}) == settings(tmp_path)


def test_numbers_come_from_wherever_settings_come_from(tmp_path):
    name = "logical-cluster-total-object-limit"
    (tmp_path / "s.yaml").write_text(f"{name}: 500")
    variable = {"MANIFOLD_LOGICAL_CLUSTER_TOTAL_OBJECT_LIMIT": "600"}
    made = [
        settings(tmp_path, {"config": "s.yaml"}),
        settings(tmp_path, {"config": "s.yaml"}, variable),
        settings(tmp_path, {"config": "s.yaml", name: "0"}, variable),
    ]
    assert [one.logical_cluster_total_object_limit for one in made] == [500, 600, 0]


@pytest.mark.parametrize(
    ("given", "included"),
    [
        ("admin", {"admin"}),
        ("", set()),
        ("+user", {"admin", "workspace-types", "user"}),
        ("-workspace-types", {"admin"}),
        ("+user,-workspace-types", {"admin", "user"}),
        ("admin,user,metrics-viewer", {"admin", "user", "metrics-viewer"}),
        ("-admin,-workspace-types", set()),
    ],
)
def test_batteries(tmp_path, given, included):
    assert settings(tmp_path, {"batteries-included": given}).batteries_included == included


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ({"batteries-included": "+user,admin"}, "--batteries-included must all be prefixed with + or - or none"),
        ({"batteries-included": "solar"}, "unknown battery: solar"),
        ({"batteries-included": "+solar"}, "unknown battery: solar"),
        ({"batteries-included": "user"}, "battery user needs battery admin"),
        ({"secure-port": "65536"}, "--secure-port: 65536 is no port"),
        ({"secure-port": "-1"}, '--secure-port: "-1" is no whole number'),
        ({"secure-port": "٣"}, "is no whole number"),
        ({"bind-address": "localhost"}, '--bind-address: "localhost" is no IP address'),
        ({"bind-address": "127.0.0.256"}, "is no IP address"),
        ({"shard-name": "other"}, "--shard-name"),
        ({"shard-base-url": "http://host"}, "is no URL of a server"),
        ({"shard-base-url": "https://"}, "is no URL of a server"),
        ({"shard-base-url": "https://host:port"}, "is no URL of a server"),
        ({"shard-external-url": "https://host/path"}, "must be scheme, host and port only"),
        ({"shard-virtual-workspace-url": "https://u:p@host"}, "must be scheme, host and port only"),
        ({"authorization-always-allow-paths": "healthz"}, "begin it with a slash"),
        ({"authorization-always-allow-paths": "/a*b"}, "only understood at the end"),
        ({"feature-gates": "Nope=true"}, "unrecognized feature gate: Nope"),
        ({"feature-gates": "WorkspaceMounts"}, "missing bool value for WorkspaceMounts"),
        ({"feature-gates": "WorkspaceMounts=x"}, "invalid value of WorkspaceMounts=x"),
        (
            {"feature-gates": "CacheAPIs=true"},
            "cannot set feature gate CacheAPIs to true, feature is locked",
        ),
        ({"root-directory": ""}, "--root-directory: is empty"),
        ({"token-auth-file": "missing"}, "--token-auth-file: cannot read"),
        ({"token-auth-file": "plain"}, "--token-auth-file: token file"),
        ({"client-ca-file": "missing"}, "--client-ca-file: cannot read"),
        ({"client-ca-file": "plain"}, "holds no PEM certificate"),
        ({"tls-cert-file": "plain"}, "--tls-cert-file needs --tls-private-key-file too"),
        ({"tls-private-key-file": "plain"}, "--tls-private-key-file needs --tls-cert-file too"),
        ({"tls-cert-file": "plain", "tls-private-key-file": "plain"}, "are no PEM certificate"),
        ({"mount-proxy-client-cert-file": "plain"}, "needs --mount-proxy-client-key-file too"),
        ({"mount-proxy-client-key-file": "plain"}, "needs --mount-proxy-client-cert-file too"),
        (
            {"mount-proxy-client-cert-file": "plain", "mount-proxy-client-key-file": "plain"},
            "--mount-proxy-client-cert-file:",
        ),
        ({"mount-proxy-ca-file": "plain"}, "holds no PEM certificate"),
        ({"mount-proxy-ca-file": "missing"}, "--mount-proxy-ca-file: cannot read"),
        ({"root-directory": "plain"}, "plain is a file; name a directory"),
        ({"config": "missing"}, "--config: cannot read"),
        ({"v": "much"}, "--v"),
        (
            {"logical-cluster-total-object-limit": "-1"},
            '--logical-cluster-total-object-limit: "-1" is no whole number of at least 0',
        ),
        ({"logical-cluster-total-object-limit": "many"}, '"many" is no whole number'),
        ({"logical-cluster-total-object-limit": "1.5"}, '"1.5" is no whole number'),
        ({"logical-cluster-total-object-limit": ""}, '"" is no whole number'),
        ({"log-retention": "5x"}, '--log-retention: "5x" is no length of time such as 30s'),
    ],
)
def test_refusals(tmp_path, flags, text):
    (tmp_path / "plain").write_text("plain")
    before = sorted(tmp_path.iterdir())
    assert text in refusal(tmp_path, flags)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("secure-prot: 1", "secure-prot is no setting; did you mean secure-port?"),
        ("completely-different: 1", "`manifold start options` shows them all"),
        ("secure-port: 1\nsecure-port: 2", "sets secure-port more than once"),
        ("- a", "must be a map of settings"),
        ("a: [", "is no YAML"),
        ("config: other.yaml", "cannot name another file"),
        ("bind-address: null", "must be a text, a number"),
        ("batteries-included: [[admin]]", "must be a plain word"),
        ("batteries-included: ['a,b']", "must be a plain word"),
        ("secure-port: 99999", "s.yaml: secure-port: 99999 is no port"),
        ("logical-cluster-total-object-limit: [1, 2]", 's.yaml: logical-cluster-total-object-limit: "1,2" is no whole'),
        ("1: 2", "1 is no setting"),
    ],
)
def test_refusals_of_a_file(tmp_path, content, text):
    (tmp_path / "s.yaml").write_text(content)
    assert text in refusal(tmp_path, {"config": "s.yaml"})


def test_the_environment_is_told_by_its_own_name(tmp_path):
    assert refusal(tmp_path, environment={"MANIFOLD_SECURE_PORT": "x"}).startswith("MANIFOLD_SECURE_PORT: ")
    assert "did you mean MANIFOLD_SECURE_PORT?" in refusal(tmp_path, environment={"MANIFOLD_SECURE_PROT": "1"})


def test_variables_of_others_are_left_alone(tmp_path):
    links = {
        "MANIFOLD_SERVICE_HOST": "10.0.0.1",
        "MANIFOLD_SERVICE_PORT": "6443",
        "MANIFOLD_SERVICE_PORT_HTTPS": "6443",
        "MANIFOLD_PORT": "tcp://10.0.0.1:6443",
        "MANIFOLD_PORT_6443_TCP_ADDR": "10.0.0.1",
        "MANIFOLD_PROXY_SERVICE_HOST": "10.0.0.2",
        "MANIFOLD_PROXY_PORT_80_TCP": "tcp://10.0.0.2:80",
        "MANIFOLD_SHARED": "/somewhere",
        "MANIFOLD_V": "",
    }
    assert settings(tmp_path, environment=links) == settings(tmp_path)


def test_flags_of_the_end_to_end_harness_are_taken(tmp_path):
    names = ("embedded-etcd-client-port", "embedded-etcd-peer-port", "embedded-etcd-wal-size-bytes", "audit-log-path")
    made = settings(tmp_path, dict.fromkeys(names, "5000"))
    assert sorted(made.unused) == sorted(names)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["start", "--no-such-flag"], "No such option '--no-such-flag'; see `manifold start --help`"),
        (["start", "--secure-port", "x"], "--secure-port"),
        (["start", "--secure-port"], "--secure-port"),
        (["start", "--logical-cluster-total-object-limit=-1"], '"-1" is no whole number of at least 0'),
        (["start", "stray"], "stray"),
        (["start", "--batteries-included", "+a,b"], "must all be prefixed with + or - or none"),
        (["no-such-command"], "No such command 'no-such-command'; see `manifold --help`"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_2(tmp_path, arguments, text):
    done = subprocess.run([*COMMAND, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("manifold: ")
    assert text in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["start", "--help"], ["start", "options"]])
def test_all_flags_are_shown(tmp_path, arguments):
    done = subprocess.run([*COMMAND, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    for name, option in OPTIONS.items():
        assert f"--{name}" in done.stdout
        if arguments[-1] == "options" and not option.unused:
            assert option.variable in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_every_setting_is_documented():
    text = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    for name, option in OPTIONS.items():
        assert f"`--{name}`" in text
        if not option.unused and option.shown_default:
            line = next(line for line in text.splitlines() if line.startswith(f"| `--{name}`"))
            assert f"`{option.shown_default}`" in line
