"""The client and the page of `web/` against the GitHub of `tests.double`, in Node and in Chromium: `make web`."""
