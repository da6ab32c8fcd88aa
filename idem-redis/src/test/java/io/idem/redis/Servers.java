package io.idem.redis;

import io.idem.testkit.TestRedis;

/** Where a test has its servers from. */
enum Servers {
  /** Redis 6.2, where everything is a script. */
  EMBEDDED,

  /** Redis 7.0 to 8.3, where a claim begins with a plain command. */
  RECENT,

  /**
   * Redis 8.4 or later, which compares before it sets: a completion begins with a plain command
   * too.
   */
  REDIS8,

  /** Valkey 8.1 or later, which does so as well. */
  VALKEY;

  String standalone() {
    return switch (this) {
      case EMBEDDED -> TestRedis.standalone();
      case RECENT -> TestRedis.recent();
      case REDIS8 -> TestRedis.redis8();
      case VALKEY -> TestRedis.valkey();
    };
  }

  String cluster() {
    return switch (this) {
      case EMBEDDED -> TestRedis.cluster();
      case RECENT -> TestRedis.recentCluster();
      case REDIS8 -> TestRedis.redis8Cluster();
      case VALKEY -> TestRedis.valkeyCluster();
    };
  }

  TestRedis.Server start(String... settings) {
    return switch (this) {
      case EMBEDDED -> TestRedis.start(settings);
      case RECENT -> TestRedis.startRecent(settings);
      case REDIS8 -> TestRedis.startRedis8(settings);
      case VALKEY -> TestRedis.startValkey(settings);
    };
  }

  boolean claimsPlainly() {
    return this != EMBEDDED;
  }

  /** What the claim of a new key or of a completed one is. */
  String claim() {
    return claimsPlainly() ? "SET" : "EVALSHA";
  }

  /** What the completion of a run is that nobody else has asked for. */
  String completion() {
    return this == REDIS8 || this == VALKEY ? "SET" : "EVALSHA";
  }
}
