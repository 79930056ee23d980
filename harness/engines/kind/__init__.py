"""The engine `kind`: real nodes and containers in Docker, a real network, and Argo CD outside or inside of it."""
