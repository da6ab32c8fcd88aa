package io.idem.guard.jdbc;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.TestInstance;

/** Every guard on one backend. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class GuardContract {

  private final TestDatabase database;

  GuardContract(Backend backend) {
    this.database = TestDatabase.of(backend);
  }

  @Nested
  class States extends StateGuardCases {
    States() {
      super(database);
    }
  }

  @Nested
  class RandomStates extends RandomTransitionCases {
    RandomStates() {
      super(database);
    }
  }

  @Nested
  class Versions extends VersionGuardCases {
    Versions() {
      super(database);
    }
  }

  @Nested
  class Numbers extends UniqueNumberCases {
    Numbers() {
      super(database);
    }
  }

  @Nested
  class Rows extends RowLockCases {
    Rows() {
      super(database);
    }
  }

  @Nested
  class Keys extends KeyLockCases {
    Keys() {
      super(database);
    }
  }

  @Nested
  class Names extends NameCases {
    Names() {
      super(database);
    }
  }
}
