# shellcheck shell=bash
# Sourced by the scripts that bring a server which the Debian that runs them may lack, from the unstable suite or from the
# experimental one.
#
# Such a server cannot be installed beside a stable release. It is unpacked with all that it needs, its C library
# included, into a folder of its own, and nothing is installed. apt fetches it from where the machine has its other
# packages from, and checks the signatures.

sid_fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

sid_apt() {
  local apt=$1 tool=$2
  shift 2
  # A suite that cannot be had is an error: without one, what is fetched could be too old, and would be kept.
  "$tool" -q -o Acquire::Retries=3 -o APT::Update::Error-Mode=any \
    -o Dir::Etc::sourcelist="$apt/sources" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::Etc::preferences="$apt/preferences" -o Dir::Etc::preferencesparts=/dev/null \
    -o Dir::State="$apt/state" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" \
    -o Debug::NoLocking=true -o APT::Sandbox::User=root "$@"
}

# The archive of security updates has neither suite. Its label is another one.
# shellcheck disable=SC2016 # apt's own variables
sid_archive() {
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 'Component: main' |
    sed -n 1p
}

# sid_fetch HOME PACKAGE PROGRAM ELSE [SOURCE]: unpacks the package into HOME/root, once; PROGRAM is a path in it, and
# ELSE says what to do on a machine without apt. Everything is unstable's, but what is built from the source package SOURCE
# is experimental's as long as that is newer.
sid_fetch() {
  local home=$1 package=$2 program=$3 source=${5:-} archive deb suite apt=$1/apt
  [[ -x $home/root/$program ]] && return
  command -v apt-get >/dev/null || sid_fail "No apt-get: $4"
  archive=$(sid_archive)
  [[ -n $archive ]] || sid_fail "apt knows of no Debian archive: run 'apt-get update' first."
  # Nothing is deleted but what this script has made, and by one at a time.
  mkdir -p "$home"
  exec 9>"$home/lock"
  flock 9
  if [[ -x $home/root/$program ]]; then
    exec 9>&-
    return
  fi
  rm -rf "$apt" "$home/unpacked" "$home/root"
  mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
  # As if nothing were installed, so that everything it needs is fetched.
  : >"$apt/status"
  for suite in sid ${source:+experimental}; do
    printf 'deb [signed-by=%s] %s %s main\n' /usr/share/keyrings/debian-archive-keyring.gpg "$archive" "$suite"
  done >"$apt/sources"
  # By itself, apt puts experimental behind everything.
  printf '%s\n' ${source:+"Package: src:$source" 'Pin: release a=experimental' 'Pin-Priority: 500'} >"$apt/preferences"
  sid_apt "$apt" apt-get update
  sid_apt "$apt" apt-get install -y --no-install-recommends --download-only "$package"
  mkdir "$home/unpacked"
  for deb in "$apt"/cache/archives/*.deb; do
    dpkg-deb -x "$deb" "$home/unpacked"
  done
  rm -rf "$apt"
  # Last, so that what is there is whole.
  mv "$home/unpacked" "$home/root"
  exec 9>&-
}

# sid_server HOME PROGRAM: writes HOME/PROGRAM, which starts the server of that name. It needs nothing to be installed: it
# runs the server with the C library it came with.
sid_server() {
  local root=$1/root program=$2 starter=$1/$2 text
  text=$(printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"' "$root/usr/lib64/ld-linux-x86-64.so.2" \
    "$root/usr/lib/x86_64-linux-gnu" "$root/usr/bin/$program")
  # Nothing is written where all is there, which may not be writable.
  [[ -x $starter && $(<"$starter") == "$text" ]] && return
  # Whole when it is there, whoever runs this at the same time.
  printf '%s\n' "$text" >"$starter.$$"
  chmod +x "$starter.$$"
  mv "$starter.$$" "$starter"
}
