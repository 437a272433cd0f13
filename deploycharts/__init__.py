"""Scaffold Helm charts and deploy them with helmfile, across staging and two datacenters."""
