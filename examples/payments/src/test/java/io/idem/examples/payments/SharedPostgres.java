package io.idem.examples.payments;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.jdbc.core.simple.JdbcClient;

/** One PostgreSQL server for all tests of this JVM, which ends with it. */
final class SharedPostgres {

  private static final EmbeddedPostgres SERVER = start();
  private static final AtomicInteger DATABASES = new AtomicInteger();

  private SharedPostgres() {}

  /** The URL of a database that nobody has used. */
  static String newDatabase() {
    String name = "payments" + DATABASES.incrementAndGet();
    JdbcClient.create(SERVER.getPostgresDatabase()).sql("create database " + name).update();
    return SERVER.getJdbcUrl("postgres", name);
  }

  private static EmbeddedPostgres start() {
    try {
      return EmbeddedPostgres.builder().setLocaleConfig("locale", "C").start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
