"""An HTTP service on a detector: its own API, the protocols of other servers, and a page. Needs `boxable[serve]`."""
