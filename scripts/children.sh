# shellcheck shell=bash
# Sourced by scripts whose children must not outlive them, whichever signal ends the script.
#
# A shell that waits for a command in the foreground runs no trap before that has ended, and one without a trap leaves the
# command behind. So commands run in the background, and the shell waits for them.

# idem_run COMMAND...: as in the foreground, but for its input, which is empty
idem_run() {
  "$@" &
  wait $!
}

# The processes that this shell has started, and those that they have: also in groups and sessions of their own, as a
# browser is.
idem_descendants() {
  ps -e -o pid= -o ppid= -o stat= | awk -v root=$$ '
    $3 !~ /^Z/ { parent[$1] = $2 }
    END {
      for (pid in parent) {
        for (at = parent[pid]; at in parent && at != root; at = parent[at]);
        if (at == root) print pid
      }
    }'
}

# Asks them all to end, so that servers take their own children and folders with them, and after 20 seconds does not ask.
idem_end_children() {
  local pids left tries
  pids=$(idem_descendants) || return 0 # a machine without ps: what has ended well has no children left
  # shellcheck disable=SC2086 # one argument for each
  kill $pids 2>/dev/null || true
  for ((tries = 0; tries < 100; tries++)); do
    # Those that have lost their parent meanwhile are no descendants any more.
    left=$(ps -e -o pid= -o stat= | awk -v pids="$pids" '
      BEGIN { split(pids, each); for (i in each) asked[each[i]] }
      $1 in asked && $2 !~ /^Z/ { print $1 }') || return 0
    [[ -n $left ]] || return 0
    sleep 0.2
  done
  # shellcheck disable=SC2086
  kill -KILL $left 2>/dev/null || true
}

idem_ended_by() {
  trap '' HUP INT TERM
  idem_end_children
  exit "$1"
}

trap 'idem_ended_by 129' HUP
trap 'idem_ended_by 130' INT
trap 'idem_ended_by 143' TERM
