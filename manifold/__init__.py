"""Manifold: a control plane for Kubernetes-like APIs with very many isolated logical clusters in one process."""

__version__ = "0.1.0"
