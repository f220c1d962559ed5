# The digest is the index of all platforms, as docker-library/repo-info lists it in repos/python/remote/3.13-slim.md. Dependabot
# renews it together with the tag. It reads FROM alone, and would leave an ARG as it is.
FROM docker.io/library/python:3.13-slim@sha256:9662417aace5ae7b8e2609cce472b72a8958e134ba372808abe9cc1a0c0125e6

LABEL org.opencontainers.image.title="gh-store-action" \
      org.opencontainers.image.description="GitHub Issues as a versioned JSON store" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="https://github.com/org/gh-store-action" \
      org.opencontainers.image.documentation="https://github.com/org/gh-store-action#readme"

# git commits and pushes snapshots. Its version is Debian's: security updates must not wait for us. Of what it brings along,
# its translations and Perl go again, a third of the image: no git command that is used here is written in Perl.
# hadolint ignore=DL3008
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
      -o "Dpkg::Options::=--path-exclude=/usr/share/doc/*" -o "Dpkg::Options::=--path-exclude=/usr/share/locale/*" \
      ca-certificates git \
 && dpkg-query --show --showformat '${binary:Package}\n' perl 'perl-modules-*' 'libperl5*' liberror-perl >/tmp/perl \
 && xargs --arg-file /tmp/perl dpkg --purge --force-depends \
 && rm -rf /tmp/perl /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log \
 && git --version

# Wheels only, each with its hash: nothing is compiled here, so there is no compiler to leave behind. What only the command
# needs, and what PyGithub needs only to sign in as an app, goes again: tests/integration/test_start.py holds that.
COPY requirements.lock /opt/gh-store-action/requirements.lock
RUN python -m pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore \
      --only-binary :all: --require-hashes --requirement /opt/gh-store-action/requirements.lock \
 && python -m pip uninstall --yes --quiet --root-user-action=ignore click cryptography markdown-it-py mdurl pycparser pygments rich

# A .pth file puts the package on the path of `python -I`, which listens to no environment variable and no working directory.
COPY gh_store_action /opt/gh-store-action/gh_store_action
COPY entrypoint.py /opt/gh-store-action/entrypoint.py
RUN python -c "import pathlib, sysconfig; \
      pathlib.Path(sysconfig.get_path('purelib'), 'gh-store-action.pth').write_text('/opt/gh-store-action\n')" \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/gh-store-action/gh_store_action

# No WORKDIR, no USER: the runner sets the first, and the workspace can only be written by root.
# -I because the working directory is the user's checkout: a github.py or json.py there is never imported. It also turns
# PYTHON* variables off, so what they would say is said here: write no bytecode (-B), no output buffer (-u), UTF-8.
ENTRYPOINT ["/usr/local/bin/python", "-I", "-B", "-u", "-X", "utf8", "/opt/gh-store-action/entrypoint.py"]
