# Sourced by the commands beside it: installs what the machine lacks, and nothing when it lacks nothing.

# Packages that are missing, with what each is needed for.
missing_packages=()
missing_words=()

# missing PACKAGE... -- WORDS: notes that something has to be installed.
missing() {
  while [ "$1" != -- ]; do
    missing_packages+=("$1")
    shift
  done
  shift
  missing_words+=("$*")
}

# The PostgreSQL server's programs, wherever the program itself would find them.
has_postgresql() {
  local folder
  for folder in "${VOUCH_PG_BIN:-}" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
    /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin /usr/local/pgsql/bin \
    /Applications/Postgres.app/Contents/Versions/*/bin; do
    if [ -n "$folder" ] && [ -x "$folder/initdb" ]; then return 0; fi
  done
  command -v initdb >/dev/null
}

# What it takes to build Vouch and to run it.
want_build_tools() {
  if ! command -v cargo >/dev/null && [ -x "${HOME:-}/.cargo/bin/cargo" ]; then
    PATH="$HOME/.cargo/bin:$PATH"
  fi
  if ! command -v cargo >/dev/null; then
    echo "The Rust toolchain is missing: install it from https://rustup.rs, then run this again." >&2
    exit 1
  fi
  command -v cc >/dev/null || missing gcc libc6-dev -- "a C compiler"
  if ! command -v pkg-config >/dev/null; then
    missing pkg-config libssl-dev -- "pkg-config" "and the headers of OpenSSL"
  elif ! pkg-config --exists openssl; then
    missing libssl-dev -- "the headers of OpenSSL"
  fi
}

# Installs what `missing` noted, through apt-get where that is possible without questions.
install_missing() {
  [ "${#missing_packages[@]}" -gt 0 ] || return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then as_root=(sudo -n); fi
  if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
    printf 'Please install %s' "${missing_words[0]}" >&2
    [ "${#missing_words[@]}" -eq 1 ] || printf ', %s' "${missing_words[@]:1}" >&2
    printf '; on Debian or Ubuntu, as root: apt-get install %s\n' "${missing_packages[*]}" >&2
    exit 1
  fi
  echo "Installing: ${missing_packages[*]}" >&2
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
  "${apt[@]}" update </dev/null >&2
  "${apt[@]}" install -y --no-install-recommends "${missing_packages[@]}" </dev/null >&2
  missing_packages=()
  missing_words=()
}
