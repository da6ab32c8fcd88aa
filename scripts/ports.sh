# shellcheck shell=bash
# Sourced by the scripts that start a server which cannot choose a port by itself.

# free_port WHAT: prints a port of the loopback interface that nothing listens on
free_port() {
  local port
  for port in $(shuf -i 13000-19999 -n 50); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || {
      printf '%s\n' "$port"
      return
    }
  done
  printf 'No free port for %s.\n' "$1" >&2
  return 1
}
