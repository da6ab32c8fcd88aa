package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.Execution;
import io.idem.core.FailoverStore;
import io.idem.core.FallbackPolicy;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Recording;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.RecordId;
import io.idem.testkit.LeasedFixture;
import io.idem.testkit.TcpProxy;
import java.net.URI;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.postgresql.ds.PGSimpleDataSource;

/** Two databases as one store, while both are there and while the way to one of them is cut. */
class FailoverContractTest extends LeasedContracts {

  /** Two databases, both of which a record is aged in. */
  private static final class Pair implements LeasedFixture, AutoCloseable {

    final TestDatabase primary;
    final TestDatabase fallback;
    private final FailoverStore here;
    private final FailoverStore there;

    Pair() {
      this(TestDatabase.postgresql(), TestDatabase.postgresql());
    }

    private Pair(TestDatabase primary, TestDatabase fallback) {
      this.primary = primary;
      this.fallback = fallback;
      here = newStore();
      there = newStore();
    }

    static Pair pooled() {
      return new Pair(TestDatabase.postgresql().pooled(), TestDatabase.postgresql().pooled());
    }

    private FailoverStore newStore() {
      return new FailoverStore(primary.leased(), fallback.leased());
    }

    @Override
    public FailoverStore store() {
      return here;
    }

    @Override
    public FailoverStore otherStore() {
      return there;
    }

    @Override
    public void age(RecordId id, Duration by) {
      primary.age(id, by);
      fallback.age(id, by);
    }

    @Override
    public void close() {
      primary.close();
      fallback.close();
    }
  }

  FailoverContractTest() {
    super(Pair::pooled);
  }

  @Test
  void theFailoverPurgesTheTablesOfItsStores() {
    Pair pair = new Pair();
    assertThat(pair.store().purgeTargets())
        .contains(pair.primary.leased().purgeTarget(), pair.fallback.leased().purgeTarget());
  }

  @ParameterizedTest
  @EnumSource
  void oneKeyHasOneOwnerWhileThePrimaryIsCutOffAndWhenItIsBack(FallbackPolicy policy)
      throws SQLException {
    Pair pair = new Pair();
    String url;
    try (Connection connection = pair.primary.dataSource().getConnection()) {
      url = connection.getMetaData().getURL();
    }
    URI server = URI.create(url.substring("jdbc:".length()));
    AtomicInteger runs = new AtomicInteger();
    try (TcpProxy proxy = TcpProxy.to(server.getHost(), server.getPort())) {
      String cuttable = url.replace(server.getAuthority(), "127.0.0.1:" + proxy.port());
      FailoverStore cut =
          new FailoverStore(pair.primary.leased(through(cuttable)), pair.fallback.leased(), policy);
      FailoverStore whole =
          new FailoverStore(pair.primary.leased(), pair.fallback.leased(), policy);
      try (Idempotency here = engine(cut);
          Idempotency there = engine(whole)) {
        List<Execution<String>> rivals = new ArrayList<>();
        // This run lives through the beginning of the outage, which the other node does not see.
        Execution<String> first =
            run(
                here,
                "before",
                runs,
                () -> {
                  proxy.cut();
                  rivals.add(run(there, "before", runs, () -> {}));
                });
        assertThat(first).isEqualTo(new Execution.Ran<>("before 1", Recording.STORED));
        assertThat(rivals).hasOnlyElementsOfType(Execution.Busy.class);
        assertThat(cut.owed()).isEqualTo(1);
        // This one lives through the end of it.
        Execution<String> second =
            run(
                here,
                "during",
                runs,
                () -> {
                  rivals.add(run(there, "during", runs, () -> {}));
                  proxy.mend();
                  rivals.add(run(there, "during", runs, () -> {}));
                });
        assertThat(second).isEqualTo(new Execution.Ran<>("during 2", Recording.STORED));
        assertThat(rivals).hasSize(3).hasOnlyElementsOfType(Execution.Busy.class);
        assertThat(cut.grantedByOne()).isEqualTo(1);
        assertThat(cut.missedByPrimary()).isPositive();
        cut.purgeExpired(10);
        assertThat(cut.owed()).isZero();
        assertThat(pair.primary.number("SELECT count(*) FROM idem_record WHERE state = 2"))
            .as("what began before the outage")
            .isEqualTo(1);
        for (Idempotency node : List.of(here, there)) {
          assertThat(run(node, "before", runs, () -> {}))
              .isEqualTo(new Execution.Replayed<>("before 1"));
          assertThat(run(node, "during", runs, () -> {}))
              .isEqualTo(new Execution.Replayed<>("during 2"));
        }
        assertThat(runs).hasValue(2);
      }
    }
  }

  private static DataSource through(String url) {
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setUrl(url);
    return dataSource;
  }

  private static Idempotency engine(IdempotencyStore store) {
    return Idempotency.builder().store(store).purgeEvery(Duration.ofDays(1)).build();
  }

  private static Execution<String> run(
      Idempotency node, String key, AtomicInteger runs, Runnable meanwhile) {
    return node.operation("charge", String.class)
        .waitAtMost(Duration.ZERO)
        .build()
        .execute(
            IdempotentRequest.of(key),
            attempt -> {
              String answer = key + " " + runs.incrementAndGet();
              meanwhile.run();
              return answer;
            });
  }
}
