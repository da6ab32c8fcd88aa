package io.idem.core.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import io.idem.core.store.Fingerprint;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What one digest took never counts in another. */
class DigestsTest {

  private static final byte[] ABC = "abc".getBytes(StandardCharsets.UTF_8);

  /** FIPS 180-4, example of SHA-256 for one block. */
  private static final String OF_ABC =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  /** Of the length of the part, 4 bytes, and the part: what {@link Fingerprint} documents. */
  private static final String FINGERPRINT = Fingerprint.of(List.of(ABC)).toString();

  @Test
  void aDigestThatIsGivenBackIsEmptyForTheNext() {
    MessageDigest first = Digests.sha256();
    first.update((byte) 1);
    first.digest();
    Digests.giveBack(first);

    MessageDigest next = Digests.sha256();

    assertThat(next).isSameAs(first); // nobody else is on this thread
    assertThat(next.digest(ABC)).asHexString().isEqualToIgnoringCase(OF_ABC);
  }

  @Test
  void nobodyHasADigestThatAnotherHas() {
    MessageDigest outer = Digests.sha256();
    outer.update(ABC);
    MessageDigest inner = Digests.sha256();

    assertThat(inner).isNotSameAs(outer);
    assertThat(inner.digest(ABC)).isEqualTo(outer.digest());
  }

  @Test
  void oneThatFailsHalfWayTaintsNoOther() {
    Digests.giveBack(Digests.sha256()); // so that there is one to use again
    List<byte[]> failing = Arrays.asList(new byte[] {1, 2, 3}, null);

    assertThatNullPointerException().isThrownBy(() -> Fingerprint.of(failing));

    assertThat(Fingerprint.of(List.of(ABC))).hasToString(FINGERPRINT);
    assertThat(Digests.sha256().digest(ABC)).asHexString().isEqualToIgnoringCase(OF_ABC);
  }

  @Test
  void oneWithinAnotherTaintsNeither() {
    List<Fingerprint> within = new ArrayList<>();
    List<byte[]> nesting =
        new AbstractList<>() {
          @Override
          public byte[] get(int index) {
            within.add(Fingerprint.of(List.of(ABC)));
            return ABC;
          }

          @Override
          public int size() {
            return 2;
          }
        };

    assertThat(Fingerprint.of(nesting)).isEqualTo(Fingerprint.of(List.of(ABC, ABC)));
    assertThat(within).hasSize(2).allMatch(each -> each.toString().equals(FINGERPRINT));
  }

  /** Threads whose numbers are 64 apart share a place, and there are a hundred of them. */
  @Test
  void threadsThatShareAPlaceDoNotShareADigest() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(130);
    try {
      List<Future<Boolean>> all =
          threads.invokeAll(
              IntStream.range(0, 130)
                  .<Callable<Boolean>>mapToObj(number -> () -> agrees(number))
                  .toList());

      for (Future<Boolean> each : all) {
        assertThat(each.get()).isTrue();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private static boolean agrees(int number) throws Exception {
    byte[] text = ("text " + number).getBytes(StandardCharsets.UTF_8);
    String expected = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text));
    for (int i = 0; i < 500; i++) {
      MessageDigest digest = Digests.sha256();
      digest.update(text, 0, 3);
      LockSupport.parkNanos(1); // the others get their turn
      digest.update(text, 3, text.length - 3);
      String found = HexFormat.of().formatHex(digest.digest());
      Digests.giveBack(digest);
      if (!found.equals(expected)) {
        return false;
      }
    }
    return true;
  }
}
