"""The main job: deploy through a real Argo CD, watch, and judge what was seen."""
