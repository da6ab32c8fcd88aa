# shellcheck shell=bash
# Sourced by the scripts that need a JDK or Maven: says plainly what is missing and how to get it.

readonly IDEM_JDK_MIN=17
readonly IDEM_MAVEN_MIN=3.8.6

idem_fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

# Prints the path of a JDK tool, from JAVA_HOME when it is set as Maven does.
idem_jdk_tool() {
  if [[ -n ${JAVA_HOME:-} ]]; then
    [[ -x $JAVA_HOME/bin/$1 ]] && printf '%s\n' "$JAVA_HOME/bin/$1"
  else
    command -v "$1"
  fi
}

idem_where_from() {
  if [[ -n ${JAVA_HOME:-} ]]; then
    printf 'in JAVA_HOME (%s)' "$JAVA_HOME"
  else
    printf 'on the PATH (JAVA_HOME is not set)'
  fi
}

idem_require_jdk() {
  local get="Install a JDK $IDEM_JDK_MIN or newer: 'apt-get install openjdk-17-jdk-headless' on Debian and Ubuntu, 'brew install openjdk' on macOS, or see https://adoptium.net; then point JAVA_HOME at it."
  local javac version major
  javac=$(idem_jdk_tool javac) ||
    idem_fail "No JDK: there is no javac $(idem_where_from). A Java runtime alone (java) cannot build Idem." "$get"
  version=$("$javac" -version 2>&1) || idem_fail "$javac does not run: $version" "$get"
  version=$(sed -n 's/^javac //p' <<<"$version")
  major=${version%%[!0-9]*}
  [[ $major =~ ^[0-9]+$ ]] || idem_fail "$javac does not tell its version." "$get"
  ((major >= IDEM_JDK_MIN)) ||
    idem_fail "JDK $version is too old: $javac; Idem needs $IDEM_JDK_MIN or newer." "$get"
}

idem_require_maven() {
  local get="Install Maven $IDEM_MAVEN_MIN or newer: 'apt-get install maven' on Debian and Ubuntu, 'brew install maven' on macOS, or see https://maven.apache.org/install.html."
  local told version
  command -v mvn >/dev/null || idem_fail "No Maven: there is no mvn on the PATH." "$get"
  # Debian's mvn writes terminal colours around the version.
  told=$(mvn -B -v 2>&1) || idem_fail "mvn -v fails:" "$told" "$get"
  version=$(sed -n 's/.*Apache Maven \([0-9][0-9.]*\).*/\1/p' <<<"$told" | head -n 1)
  [[ -n $version ]] || idem_fail "mvn does not tell its version: $told" "$get"
  [[ $(printf '%s\n' "$IDEM_MAVEN_MIN" "$version" | sort -V | head -n 1) == "$IDEM_MAVEN_MIN" ]] ||
    idem_fail "Maven $version is too old; Idem needs $IDEM_MAVEN_MIN or newer." "$get"
}
