package io.idem.redis;

import io.idem.testkit.TestRedis;
import java.util.function.Function;
import java.util.function.Supplier;

/** Where a test has its servers from. */
enum Servers {
  /** Redis 6.2, where every claim is a script. */
  EMBEDDED(TestRedis::standalone, TestRedis::cluster, TestRedis::start),

  /** Redis 7.0 or later, where a claim begins with a plain command. */
  RECENT(TestRedis::recent, TestRedis::recentCluster, TestRedis::startRecent);

  private final Supplier<String> standalone;
  private final Supplier<String> cluster;
  private final Function<String[], TestRedis.Server> start;

  Servers(
      Supplier<String> standalone,
      Supplier<String> cluster,
      Function<String[], TestRedis.Server> start) {
    this.standalone = standalone;
    this.cluster = cluster;
    this.start = start;
  }

  String standalone() {
    return standalone.get();
  }

  String cluster() {
    return cluster.get();
  }

  TestRedis.Server start(String... settings) {
    return start.apply(settings);
  }

  /** What the claim of a new key or of a completed one is. */
  String claim() {
    return this == RECENT ? "SET" : "EVALSHA";
  }
}
