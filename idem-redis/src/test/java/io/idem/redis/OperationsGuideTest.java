package io.idem.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import io.idem.testkit.TestRedis;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The scripts that the operations guide gives an operator do what it says. */
class OperationsGuideTest {

  private static final String RETENTION = "60000";

  private final TestNode node = TestNode.to(TestRedis.standalone());
  private final RedisIdempotencyStore store = node.store();
  private final List<String> scripts = scripts();

  @AfterEach
  void close() {
    node.close();
  }

  @Test
  void anAbandonedRecordIsListedByTheIdOfTheLogAndOthersAreNot() {
    ClaimRequest stuck = abandoned(Requests.claimOf(Requests.newId()));
    ClaimRequest running = Requests.claimOf(Requests.newId());
    store.claim(running);
    ClaimRequest completed = Requests.claimOf(Requests.newId());
    store.complete(
        ((Claim.Acquired) store.claim(completed)).lease(),
        StoredOutcome.done(),
        Requests.RETENTION);

    assertThat(listed())
        .contains(stuck.id().toString())
        .doesNotContain(running.id().toString(), completed.id().toString());
  }

  @Test
  void lookingChangesNothing() {
    ClaimRequest stuck = abandoned(Requests.claimOf(Requests.newId()));

    assertThat(settle(stuck, "look")).isEqualTo("abandoned, attempt 1");

    assertThat(store.claim(Requests.claimOf(stuck.id()))).isInstanceOf(Claim.Abandoned.class);
  }

  @Test
  void aKeyWhoseEffectDidNotHappenIsFreed() {
    ClaimRequest stuck = abandoned(Requests.claimOf(Requests.newId()));

    assertThat(settle(stuck, "free")).isEqualTo("freed");

    assertThat(store.claim(Requests.claimOf(stuck.id()))).isInstanceOf(Claim.Acquired.class);
  }

  @Test
  void aKeyWhoseEffectHappenedIsDoneWithoutAnAnswer() {
    ClaimRequest stuck = abandoned(Requests.claimOf(Requests.newId()));
    ClaimRequest incomparable =
        abandoned(Requests.with(Requests.claimOf(Requests.newId()), Fingerprint.NONE));

    assertThat(settle(stuck, "done", RETENTION)).isEqualTo("done");
    assertThat(settle(incomparable, "done", RETENTION)).isEqualTo("done");

    assertThat(store.claim(Requests.claimOf(stuck.id())))
        .isEqualTo(new Claim.Completed(stuck.fingerprint(), StoredOutcome.notStored("settled.")));
    assertThat(store.claim(Requests.claimOf(incomparable.id())))
        .isEqualTo(new Claim.Completed(Fingerprint.NONE, StoredOutcome.notStored("settled.")));
    assertThat((Long) node.send("PTTL", stuck.id())).isBetween(1L, 60_000L);
  }

  /** The owner may be at work, or have been answered. */
  @ParameterizedTest
  @ValueSource(strings = {"free", "done"})
  void whatRunsOrHasAnOutcomeIsLeftAlone(String how) {
    ClaimRequest running = Requests.claimOf(Requests.newId());
    store.claim(running);
    store.claim(Requests.claimOf(running.id())); // somebody waits, which the record notes
    ClaimRequest completed = Requests.claimOf(Requests.newId());
    store.complete(
        ((Claim.Acquired) store.claim(completed)).lease(),
        StoredOutcome.done(),
        Requests.RETENTION);

    assertThat(settle(running, how, RETENTION)).isEqualTo("left alone: its lease still holds");
    assertThat(settle(completed, how, RETENTION)).isEqualTo("left alone: it has an outcome");
    assertThat(settle(Requests.claimOf(Requests.newId()), how, RETENTION))
        .isEqualTo("no such record");

    assertThat(store.claim(Requests.claimOf(running.id()))).isInstanceOf(Claim.Running.class);
    assertThat(store.claim(Requests.claimOf(completed.id()))).isInstanceOf(Claim.Completed.class);
  }

  private ClaimRequest abandoned(ClaimRequest request) {
    store.renew(((Claim.Acquired) store.claim(request)).lease(), Duration.ZERO);
    return request;
  }

  private String settle(ClaimRequest request, String... how) {
    List<byte[]> arguments = new ArrayList<>();
    arguments.add(utf8(scripts.get(1)));
    arguments.add(utf8("1"));
    arguments.add(TestNode.key(request.id()));
    for (String each : how) {
      arguments.add(utf8(each));
    }
    return text(node.redis().execute(new RedisCommand("EVAL", arguments, 2)));
  }

  private List<String> listed() {
    List<String> found = new ArrayList<>();
    String cursor = "0";
    do {
      List<?> page =
          (List<?>) node.send("EVAL", scripts.get(0), "0", cursor, RedisSettings.DEFAULT_PREFIX);
      cursor = text(page.get(0));
      page.stream().skip(1).map(OperationsGuideTest::text).forEach(found::add);
    } while (!cursor.equals("0"));
    return found;
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String text(Object reply) {
    return new String((byte[]) reply, StandardCharsets.UTF_8);
  }

  /** What is to be listed with, and what is to be settled with. */
  private static List<String> scripts() {
    try {
      String guide = Files.readString(Path.of("..", "docs", "operations.md"));
      String section = guide.substring(guide.indexOf("### On Redis"));
      Matcher blocks =
          Pattern.compile("```lua\n(.*?)```", Pattern.DOTALL)
              .matcher(section.substring(0, section.indexOf("\n### In memory")));
      List<String> found = new ArrayList<>();
      while (blocks.find()) {
        found.add(blocks.group(1));
      }
      assertThat(found).hasSize(2);
      return found;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
