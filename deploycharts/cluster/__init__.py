"""The Kubernetes API, through lightkube: releases, workloads, logs, identity. Only this room."""
