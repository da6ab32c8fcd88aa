package io.idem.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.Lease;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import io.idem.testkit.TestRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.event.command.CommandListener;
import io.lettuce.core.event.command.CommandStartedEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a run costs, counted where commands leave the client. */
class RoundTripsTest {

  private final ConcurrentLinkedQueue<String> sent = new ConcurrentLinkedQueue<>();
  private final TestNode node = TestNode.to(counting(), TestNode.TIMEOUT);
  private final RedisIdempotencyStore store = node.store();

  private RedisClient counting() {
    RedisClient client = RedisClient.create(TestRedis.standalone());
    client.addListener(
        new CommandListener() {
          @Override
          public void commandStarted(CommandStartedEvent event) {
            sent.add(event.getCommand().getType().toString());
          }
        });
    return client;
  }

  private List<String> takeSent() {
    List<String> taken = new ArrayList<>(sent);
    sent.clear();
    return taken;
  }

  @AfterEach
  void close() {
    node.close();
  }

  @Test
  void leasedRunTakesTwoAndItsReplayOne() {
    run(Requests.newId()); // the server knows the scripts from here on
    store.claim(Requests.claimOf(Requests.newId()));
    takeSent();

    RecordId id = Requests.newId();
    Lease lease = run(id);
    assertThat(takeSent()).containsExactly("EVALSHA", "EVALSHA");
    assertThat(store.claim(Requests.claimOf(id))).isInstanceOf(Claim.Completed.class);
    assertThat(takeSent()).containsExactly("EVALSHA");
    store.renew(lease, Requests.LEASE);
    store.release(lease);
    assertThat(takeSent().stream().filter("EVALSHA"::equals)).hasSize(2);
  }

  @Test
  void aServerThatForgotTheScriptsIsSentThemAgain() {
    RecordId id = Requests.newId();
    Lease lease = ((Claim.Acquired) store.claim(Requests.claimOf(id))).lease();
    node.send("SCRIPT", "FLUSH");
    takeSent();

    store.complete(lease, StoredOutcome.done(), Requests.RETENTION);
    assertThat(takeSent()).containsExactly("EVALSHA", "EVAL");
    assertThat(store.claim(Requests.claimOf(id))).isInstanceOf(Claim.Completed.class);
  }

  private Lease run(RecordId id) {
    Lease lease = ((Claim.Acquired) store.claim(Requests.claimOf(id))).lease();
    store.complete(lease, StoredOutcome.done(), Requests.RETENTION);
    return lease;
  }
}
