"""The engine `cluster`: an Argo CD of our own beside a cluster that somebody has already."""
