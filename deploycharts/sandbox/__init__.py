"""Three local control planes: etcd, and for each environment an API server and its companions."""
