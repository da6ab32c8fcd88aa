package io.idem.jdbc;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Claims in transactions whose session has a lock timeout of its own, and the server's. */
abstract class SessionSettingCases {

  /**
   * Claims in every way, and sees to it that what {@code show} asks for is as it was.
   *
   * @param setting a statement that sets it, or one that leaves it at its default
   */
  abstract void check(TestDatabase database, String setting, String show);

  @ParameterizedTest
  @ValueSource(
      strings = {"SET lock_timeout = '7s'", "SET LOCAL lock_timeout = '8s'", "SELECT 'default'"})
  void lockTimeoutIsWhatItWasOnPostgres(String setting) {
    check(TestDatabase.postgresql(), setting, "SHOW lock_timeout");
  }

  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"H2", "POSTGRESQL"})
  void lockTimeoutIsWhatItWasOnMariaDbAndMySql(Backend backend) {
    for (String setting : List.of("SET innodb_lock_wait_timeout = 7", "DO 'default'")) {
      check(backend.prepared(), setting, "SELECT @@SESSION.innodb_lock_wait_timeout");
    }
  }

  @Test
  void lockTimeoutIsWhatItWasOnH2() {
    check(TestDatabase.h2(), "SET LOCK_TIMEOUT 1234", "SELECT LOCK_TIMEOUT()");
  }
}
