package io.idem.redis;

import io.idem.testkit.TestRedis;

/** Where a test has its servers from. */
enum Servers {
  /** Redis 6.2, where every claim is a script. */
  EMBEDDED,

  /** Redis 7.0 or later, where a claim begins with a plain command. */
  RECENT;

  String standalone() {
    return this == RECENT ? TestRedis.recent() : TestRedis.standalone();
  }

  String cluster() {
    return this == RECENT ? TestRedis.recentCluster() : TestRedis.cluster();
  }

  TestRedis.Server start(String... settings) {
    return this == RECENT ? TestRedis.startRecent(settings) : TestRedis.start(settings);
  }

  /** What the claim of a new key or of a completed one is. */
  String claim() {
    return this == RECENT ? "SET" : "EVALSHA";
  }
}
