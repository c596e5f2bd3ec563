# Sourced by the other scripts: installs missing packages.

# Missing packages, and their names for people.
missing_packages=()
missing_words=()

# missing PACKAGE... -- NAME: adds packages to install.
missing() {
  while [ "$1" != -- ]; do
    missing_packages+=("$1")
    shift
  done
  shift
  missing_words+=("$*")
}

# Whether the PostgreSQL server is installed where Vouch would find it.
has_postgresql() {
  local folder
  for folder in "${VOUCH_PG_BIN:-}" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
    /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin /usr/local/pgsql/bin \
    /Applications/Postgres.app/Contents/Versions/*/bin; do
    if [ -n "$folder" ] && [ -x "$folder/initdb" ]; then return 0; fi
  done
  command -v initdb >/dev/null
}

# Adds what's needed to build and run Vouch.
want_build_tools() {
  if ! command -v cargo >/dev/null && [ -x "${HOME:-}/.cargo/bin/cargo" ]; then
    PATH="$HOME/.cargo/bin:$PATH"
  fi
  if ! command -v cargo >/dev/null; then
    echo "Rust isn't installed. Install it from https://rustup.rs, then run this script again." >&2
    exit 1
  fi
  command -v cc >/dev/null || missing gcc libc6-dev -- "a C compiler"
  if ! command -v pkg-config >/dev/null; then
    missing pkg-config libssl-dev -- "pkg-config" "the OpenSSL headers"
  elif ! pkg-config --exists openssl; then
    missing libssl-dev -- "the OpenSSL headers"
  fi
}

# Installs the missing packages with apt-get, if that needs no questions.
install_missing() {
  [ "${#missing_packages[@]}" -gt 0 ] || return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then as_root=(sudo -n); fi
  if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
    printf 'Missing: %s' "${missing_words[0]}" >&2
    [ "${#missing_words[@]}" -eq 1 ] || printf ', %s' "${missing_words[@]:1}" >&2
    printf '. Install them, then run this script again.\n' >&2
    printf 'On Debian and Ubuntu, run this as root: apt-get install %s\n' "${missing_packages[*]}" >&2
    exit 1
  fi
  echo "Installing: ${missing_packages[*]}" >&2
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
  "${apt[@]}" update </dev/null >&2
  "${apt[@]}" install -y --no-install-recommends "${missing_packages[@]}" </dev/null >&2
  missing_packages=()
  missing_words=()
}
