package io.idem.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.Idempotency;
import io.idem.core.InMemoryStore;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * A million requests with keys and bodies that nobody would send on purpose. A seed that fails is
 * repeated with {@code -Didem.seed=…}.
 */
class RequestFuzzTest {

  private static final int REQUESTS = 1_000_000;
  private static final int CHECK_EVERY = 50_000;
  private static final Duration RETENTION = Duration.ofMillis(1);

  /** Between two checks no more is kept than their records, whatever was sent. */
  private static final long GROWTH = 64L << 20;

  private static final List<String> TYPES =
      List.of(
          "application/json",
          "application/problem+json",
          "application/json; charset=utf-16",
          "application/x-www-form-urlencoded",
          "multipart/form-data; boundary=b",
          "multipart/form-data",
          "text/plain",
          "",
          ";;;",
          "application/json; charset=no-such");

  private static final List<String> BODIES =
      List.of(
          "{\"a\":1,\"b\":[true,null,\"x\\u00e9\"],\"c\":{\"d\":1e308}}",
          "{\"a\":1,\"a\":2}",
          "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
          "1E+500000000",
          "-0.000000000000000000000000000000000000000000000000001E-999999999",
          "a=1&b=2&&=&c",
          "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--b--\r\n",
          "--b--",
          "");

  private final long seed = Long.getLong("idem.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final AtomicLong clock = new AtomicLong();
  private final InMemoryStore store = new InMemoryStore(2 * CHECK_EVERY, clock::get);

  @Test
  void refusedRequestsFailOnTheirOwnAndConsumeNoKey() throws Exception {
    int refused = 0;
    int ran = 0;
    long heapBefore = 0;
    try (Idempotency engine = Idempotency.builder().store(store).build()) {
      HttpIdempotency protocol = new HttpIdempotency();
      HttpEndpoint endpoint =
          HttpEndpoint.builder(
                  HttpIdempotency.operation(engine, "pay")
                      .retention(RETENTION)
                      .waitAtMost(Duration.ZERO)
                      .build())
              .build();
      for (int i = 1; i <= REQUESTS; i++) {
        Request request = request();
        boolean[] handled = new boolean[1];
        long before = store.size();
        HttpAnswer answer;
        try {
          answer =
              protocol.execute(
                  endpoint,
                  request,
                  attempt -> {
                    handled[0] = true;
                    return responded();
                  });
        } catch (Throwable e) {
          throw new AssertionError("Seed " + seed + ", request " + i + ": " + request, e);
        }
        if (answer instanceof HttpAnswer.Refusal refusal) {
          refused++;
          assertThat(refusal.problem().status())
              .as("seed %d, request %d: %s", seed, i, request)
              .isBetween(400, 499);
          assertThat(handled[0]).isFalse();
          assertThat(store.size())
              .as("seed %d, request %d: %s", seed, i, request)
              .isEqualTo(before);
        } else if (handled[0]) {
          ran++;
        }
        if (i % CHECK_EVERY == 0) {
          long heap = emptied();
          if (heapBefore == 0) {
            heapBefore = heap;
          }
          assertThat(heap - heapBefore).as("heap after %d requests", i).isLessThan(GROWTH);
        }
      }
    }
    // Both kinds were there.
    assertThat(refused).isGreaterThan(REQUESTS / 10);
    assertThat(ran).isGreaterThan(REQUESTS / 10);
  }

  /** Lets all records expire, purges them, and answers what the heap holds then. */
  private long emptied() {
    clock.addAndGet(Duration.ofDays(1).toNanos());
    int purged;
    do {
      purged = store.purgeExpired(CHECK_EVERY);
    } while (purged > 0);
    assertThat(store.size()).isZero();
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }

  private Request request() {
    return new Request(keys(), pick(TYPES), body());
  }

  private List<String> keys() {
    return switch (random.nextInt(10)) {
      case 0 -> List.of();
      case 1 -> List.of(key(), key());
      default -> List.of(key());
    };
  }

  private String key() {
    String plain = Long.toHexString(random.nextLong());
    return switch (random.nextInt(12)) {
      case 0 -> '"' + plain + '"';
      case 1 -> '"' + plain;
      case 2 -> plain + '"';
      case 3 -> '"' + plain + "\\" + (char) random.nextInt(128) + '"';
      case 4 -> plain + ", " + plain;
      case 5 -> '"' + plain + "\";a=" + (char) random.nextInt(256);
      case 6 -> " \t" + plain + "\t ";
      case 7 -> plain.repeat(random.nextInt(40));
      case 8 -> characters(random.nextInt(300), 256);
      case 9 -> characters(random.nextInt(20), 0x10000);
      default -> plain;
    };
  }

  private byte[] body() {
    byte[] bytes = pick(BODIES).getBytes(StandardCharsets.UTF_8);
    for (int changes = random.nextInt(4); changes > 0 && bytes.length > 0; changes--) {
      bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
    }
    return random.nextInt(8) == 0 ? Arrays.copyOf(bytes, random.nextInt(bytes.length + 1)) : bytes;
  }

  private String characters(int length, int bound) {
    StringBuilder text = new StringBuilder();
    IntStream.range(0, length).forEach(i -> text.append((char) random.nextInt(bound)));
    return text.toString();
  }

  private <T> T pick(List<T> choices) {
    return choices.get(random.nextInt(choices.size()));
  }

  private static HandlerResponse responded() {
    return new HandlerResponse(
        200,
        List.of(),
        new HandlerResponse.Body(new byte[] {'o', 'k'}),
        HandlerResponse.Directive.BY_STATUS);
  }

  private static final class Request extends Post {

    private final List<String> keys;
    private final String type;
    private final byte[] content;

    Request(List<String> keys, String type, byte[] content) {
      super(Map.of());
      this.keys = keys;
      this.type = type;
      this.content = content;
    }

    @Override
    public List<String> headerLines(String name) {
      return switch (name.toLowerCase(Locale.ROOT)) {
        case "idempotency-key" -> keys;
        case "content-type" -> List.of(type);
        default -> List.of();
      };
    }

    @Override
    public RequestBody body(int maxBytes) {
      return new RequestBody.Bytes(content);
    }

    @Override
    public String toString() {
      List<String> escaped = new ArrayList<>();
      for (String key : keys) {
        StringBuilder text = new StringBuilder();
        key.chars().forEach(c -> text.append(String.format("\\u%04x", c)));
        escaped.add(text.toString());
      }
      return escaped + " " + type + " " + HexFormat.of().formatHex(content);
    }
  }
}
